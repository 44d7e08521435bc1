import { useEffect, useRef, useState } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useQuery, keepPreviousData } from '@tanstack/react-query';
import { IconArrowDown, IconArrowUp, IconChevronRight, IconFilter } from '@tabler/icons-react';
import { get } from '../../api/http.ts';
import { useList, type Slice } from '../../api/paging.ts';
import { To } from '../../app/link.tsx';
import { severities } from '../../part/badge.tsx';
import { visible } from '../../part/name.tsx';
import { Skeleton } from '../../part/page.tsx';
import { count } from '../../part/time.tsx';
import { parse, without } from '../../query/query.ts';
import { groupings, type Group, type Row } from './data.ts';
import { FindingRow, template } from './row.tsx';
import { columns, type ColumnKey, type Explorer } from './state.ts';
import css from './list.module.css';

/** What a list of findings shows and tells. */
export interface ListProps {
  explorer: Explorer;
  narrow: boolean;
  active: string;
  selected: (id: string) => boolean;
  onSelect: (finding: Row, range: boolean) => void;
  onActive: (id: string) => void;
}

const height = 52;

const sortOf: Partial<Record<ColumnKey | 'severity' | 'finding', string>> = { severity: 'severity', first: 'first-seen', last: 'last-seen', place: 'repo', finding: 'rule' };

/** The head of the list: what the columns are, and what can be sorted by. */
export function Head({ explorer, narrow, all, some, onAll }: { explorer: Explorer; narrow: boolean; all: boolean; some: boolean; onAll: () => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = some && !all;
  }, [some, all]);
  const title = (key: ColumnKey | 'severity' | 'finding', text: string) => {
    const by = sortOf[key];
    if (!by) return text;
    // The usual way round is what people want first: the worst, the newest, A to Z.
    const usual = explorer.sort === by;
    const turned = explorer.sort === `-${by}`;
    return (
      <button type="button" onClick={() => explorer.setSort(usual ? `-${by}` : turned ? 'severity' : by)}>
        {text}
        {usual && <IconArrowDown size={13} aria-label="sorted" />}
        {turned && <IconArrowUp size={13} aria-label="sorted the other way round" />}
      </button>
    );
  };
  const group = groupings.find((g) => g.key === explorer.group);
  if (group) {
    return (
      <div role="rowgroup" className={css.head}>
        <div role="row" className={`${css.group} ${css.groupHead}`}>
          <div role="columnheader">{group.title}</div>
          <div role="columnheader" className={css.groupBar}>
            How bad
          </div>
          <div role="columnheader" className={css.groupCount}>
            Findings
          </div>
          <div role="columnheader">
            <span className="sr-only">Show only these</span>
          </div>
        </div>
      </div>
    );
  }
  return (
    <div role="rowgroup" className={css.head}>
      <div role="row" className={css.headRow} style={{ gridTemplateColumns: template(explorer.columns, narrow) }}>
        <div role="columnheader" className={css.check}>
          <label>
            <input ref={box} type="checkbox" checked={all} onChange={onAll} aria-label="Select everything that is shown" />
          </label>
        </div>
        <div role="columnheader">{title('severity', 'Severity')}</div>
        <div role="columnheader">{title('finding', 'Finding')}</div>
        {!narrow &&
          columns
            .filter((c) => explorer.columns.includes(c.key))
            .map((c) => (
              <div key={c.key} role="columnheader">
                {title(c.key, c.title)}
              </div>
            ))}
      </div>
    </div>
  );
}

interface FlatProps extends ListProps {
  list: ReturnType<typeof useList<Row>>;
  scroll: HTMLDivElement | null;
}

/** Every finding below the other; only what is in sight is drawn. */
export function FlatList({ explorer, list, narrow, active, selected, onSelect, onActive, scroll }: FlatProps) {
  const rows = useVirtualizer({ count: list.items.length, getScrollElement: () => scroll, estimateSize: () => height, overscan: 10 });
  const drawn = rows.getVirtualItems();
  const last = drawn[drawn.length - 1]?.index ?? 0;
  const { items, more, loadingMore, readOn } = list;
  useEffect(() => {
    if (more && !loadingMore && last >= items.length - 30) readOn();
  });
  useEffect(() => {
    const at = items.findIndex((f) => f.id === active);
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' });
    // Only when somebody moves: new rows must not pull the list around.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [active]);
  return (
    <div role="rowgroup" className={css.body} style={{ height: rows.getTotalSize() }}>
      {drawn.map((v) => {
        const f = items[v.index]!;
        return (
          <div key={f.id} role="presentation" className={css.slot} style={{ height, transform: `translateY(${v.start}px)` }}>
            <FindingRow
              finding={f}
              columns={explorer.columns}
              narrow={narrow}
              active={f.id === active}
              selected={selected(f.id)}
              onSelect={(range) => onSelect(f, range)}
              onOpen={() => {
                onActive(f.id);
                explorer.open(f.id);
              }}
            />
          </div>
        );
      })}
    </div>
  );
}

/** The query for the findings of a group: what it asks for now, but for the keys that the group says more exactly. */
export function narrowed(query: string, term: string): string {
  return [parse(term).reduce((q, t) => (t.key ? without(q, t.key) : q), query), term].filter(Boolean).join(' ');
}

/** Findings by what they have in common. A group reads its findings when it is opened. */
export function GroupList(props: ListProps) {
  const { explorer } = props;
  const groups = useQuery({
    queryKey: ['findings', 'groups', explorer.query, explorer.group],
    queryFn: ({ signal }) => get<Slice<Group>>('/api/findings/groups', { q: explorer.query, by: explorer.group }, signal),
    placeholderData: keepPreviousData,
  });
  const [open, setOpen] = useState<string[]>([]);
  if (groups.isPending) return <Loading />;
  const most = Math.max(1, ...(groups.data?.items ?? []).map((g) => g.count));
  return (
    <div role="rowgroup">
      {groups.data?.items.map((g) => {
        const isOpen = open.includes(g.value);
        return (
          <div key={g.value} role="presentation">
            <div role="row" className={css.group} data-open={isOpen ? '' : undefined}>
              <div role="gridcell">
                <button type="button" aria-expanded={isOpen} onClick={() => setOpen(isOpen ? open.filter((v) => v !== g.value) : [...open, g.value])}>
                  <IconChevronRight size={16} aria-hidden />
                  <span className={css.groupName}>{visible(g.label ?? (g.value || 'None'))}</span>
                  {g.label && <small className={css.mono}>{visible(g.value)}</small>}
                </button>
              </div>
              <div role="gridcell" className={css.groupBar}>
                <Mix of={g} most={most} />
              </div>
              <div role="gridcell" className={css.groupCount}>
                {count(g.count)}
              </div>
              <div role="gridcell">
                <To
                  to="/findings"
                  className={css.filter}
                  search={{ q: narrowed(explorer.query, g.term), sort: explorer.sort === 'severity' ? undefined : explorer.sort }}
                  aria-label={`Show only ${visible(g.label ?? g.value)}`}
                  title="Show only these"
                >
                  <IconFilter size={15} aria-hidden />
                </To>
              </div>
            </div>
            {isOpen && <GroupRows {...props} query={narrowed(explorer.query, g.term)} />}
          </div>
        );
      })}
    </div>
  );
}

/** How bad the findings of a group are: one bar, its parts by severity, its length against the largest group. */
function Mix({ of, most }: { of: Group; most: number }) {
  const parts = severities.filter((s) => of.severities[s]);
  return (
    <span className={css.mix} role="img" aria-label={parts.map((s) => `${of.severities[s]} ${s}`).join(', ')} style={{ width: `${Math.max(4, (of.count / most) * 100)}%` }}>
      {parts.map((s) => (
        <span key={s} data-tone={s} title={`${of.severities[s]} ${s}`} style={{ flexGrow: of.severities[s] }} />
      ))}
    </span>
  );
}

function GroupRows({ explorer, query, narrow, active, selected, onSelect, onActive }: ListProps & { query: string }) {
  const list = useList<Row>(['findings', 'list', query, explorer.sort, 50], '/api/findings', { q: query, sort: explorer.sort, limit: 50 });
  if (list.loading) return <Loading lines={2} />;
  return (
    <>
      {list.items.map((f) => (
        <div key={f.id} role="presentation" className={css.nested} style={{ height }}>
          <FindingRow
            finding={f}
            columns={explorer.columns}
            narrow={narrow}
            active={f.id === active}
            selected={selected(f.id)}
            onSelect={(range) => onSelect(f, range)}
            onOpen={() => {
              onActive(f.id);
              explorer.open(f.id);
            }}
          />
        </div>
      ))}
      {list.more && (
        <button type="button" className={css.readOn} onClick={list.readOn} disabled={list.loadingMore}>
          More
        </button>
      )}
    </>
  );
}

/** Rows that are on their way. */
export function Loading({ lines = 12 }: { lines?: number }) {
  return (
    <div className={css.loading}>
      <Skeleton lines={lines} height={22} />
    </div>
  );
}
