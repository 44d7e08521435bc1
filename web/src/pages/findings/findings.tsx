import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Button, Drawer } from '@mantine/core';
import { useElementSize, useMediaQuery } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconBug, IconCircleCheck, IconMessage, IconUser, IconVolume, IconVolumeOff, IconX } from '@tabler/icons-react';
import { useList } from '../../api/paging.ts';
import { useMay } from '../../api/session.ts';
import { useGo } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { useKeys } from '../../app/keys.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Empty } from '../../part/empty.tsx';
import { Skeleton } from '../../part/page.tsx';
import { count, many } from '../../part/time.tsx';
import { parse } from '../../query/query.ts';
import type { Action, Row, Target } from './data.ts';
import { start } from './data.ts';
import { FacetRail } from './facets.tsx';
import { FlatList, GroupList, Head, Loading } from './list.tsx';
import { SearchBox } from './search-box.tsx';
import { useExplorer } from './state.ts';
import { Toolbar } from './toolbar.tsx';
import { Decide, type Intent } from './actions.tsx';
import css from './findings.module.css';

const Panel = lazy(() => import('./panel.tsx'));

/** The explorer of findings: facets, the list, and the finding that is looked at. */
export default function Findings() {
  const explorer = useExplorer();
  const { query, sort, group, finding } = explorer;
  const phone = useMediaQuery('(max-width: 760px)', false, { getInitialValueInEffect: false }) ?? false;
  const may = useMay('finding:triage');
  const go = useGo();
  const say = useSay();
  const list = useList<Row>(['findings', 'list', query, sort], '/api/findings', { q: query, sort, limit: 100 });
  const [active, setActive] = useState('');
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map());
  const [everything, setEverything] = useState(false);
  const [intent, setIntent] = useState<Intent>();
  const [facets, setFacets] = useState(false);
  // State and not a ref: the list below is drawn before a ref would be set, and would find nothing to scroll in.
  const [scroll, setScroll] = useState<HTMLDivElement | null>(null);
  const { ref: measure, width } = useElementSize<HTMLDivElement>();
  const narrow = width > 0 && width < 760;
  const last = useRef('');

  const clear = useCallback(() => {
    setChosen(new Map());
    setEverything(false);
  }, []);
  useEffect(clear, [query, clear]);
  const current = finding || active;

  const total = list.total ?? list.items.length;
  const picked = everything ? total : chosen.size;
  const target = useMemo<Target>(() => (everything ? { query } : { ids: [...chosen.keys()] }), [everything, query, chosen]);
  const selected = useCallback((id: string) => everything || chosen.has(id), [everything, chosen]);

  const select = (f: Row, range: boolean) => {
    setEverything(false);
    setChosen((before) => {
      const next = new Map(before);
      const [a, b] = [list.items.findIndex((x) => x.id === last.current), list.items.findIndex((x) => x.id === f.id)];
      if (range && a >= 0 && b >= 0) for (const x of list.items.slice(Math.min(a, b), Math.max(a, b) + 1)) next.set(x.id, x);
      else if (!next.delete(f.id)) next.set(f.id, f);
      last.current = f.id;
      return next;
    });
  };

  // In a grouped list only what is drawn can be gone through.
  const order = () => (group ? [...(scroll?.querySelectorAll<HTMLElement>('[data-finding]') ?? [])].map((e) => e.dataset.finding!) : list.items.map((f) => f.id));
  const step = (by: 1 | -1) => {
    const ids = order();
    const at = ids.indexOf(current);
    const next = ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : at + by];
    if (next === undefined) return;
    setActive(next);
    if (finding) explorer.open(next, 'replace');
  };
  const rowOf = (id: string) => list.items.find((f) => f.id === id) ?? chosen.get(id);
  const intend = (kind: Action['kind'], ids = picked > 0 ? undefined : current ? [current] : []) => {
    if (!may) return;
    const n = ids ? ids.length : picked;
    if (n > 0) setIntent({ kind, target: ids ? { ids } : target, n });
  };
  const copyLink = (id: string) => {
    const url = new URL(window.location.href);
    url.search = `?finding=${encodeURIComponent(id)}`;
    void navigator.clipboard?.writeText(url.href).then(() => say.done('Link copied'));
  };

  useKeys('Findings', [
    { key: 'j', does: 'Next finding', run: () => step(1) },
    { key: 'k', does: 'Finding before', run: () => step(-1) },
    { key: 'Enter', does: 'Look at the finding', run: (e) => ((e.target as HTMLElement).closest('a, button') ? (e.target as HTMLElement).click() : active && explorer.open(active)) },
    {
      key: 'x',
      does: 'Select or not',
      run: () => {
        const f = rowOf(current);
        if (f) select(f, false);
      },
    },
    { key: 'm', does: 'Mute', run: () => intend('mute') },
    { key: 'a', does: 'Assign', run: () => intend('assign') },
    { key: 'c', does: 'Comment', run: () => intend('comment') },
    { key: 'e', does: 'Copy the link', run: () => current && copyLink(current) },
    { key: '/', does: 'Search', run: () => document.getElementById('findings-search')?.focus() },
    { key: 'Escape', does: 'Close, or select nothing', run: () => (finding ? explorer.close() : clear()) },
  ]);

  const rail = <FacetRail query={query} change={explorer.setQuery} />;
  const shared = { explorer, narrow, active: current, selected, onSelect: select, onActive: setActive };
  return (
    <div className={css.page} data-panel={finding ? '' : undefined}>
      <header className={css.head}>
        <div className={css.title}>
          <h1>Findings</h1>
          <span className={css.total} role="status" data-stale={list.stale ? '' : undefined}>
            {list.loading || list.error ? '' : many(total, 'match', 'match')}
          </span>
          <span className={css.spacer} />
          {phone && (
            <Button variant="default" size="xs" leftSection={<IconAdjustmentsHorizontal size={15} aria-hidden />} onClick={() => setFacets(true)}>
              Filter
            </Button>
          )}
          <Toolbar explorer={explorer} />
        </div>
        <SearchBox query={query} change={explorer.setQuery} />
      </header>
      {!phone && (
        <aside className={css.facets} aria-label="Filter" tabIndex={0}>
          {rail}
        </aside>
      )}
      <section className={css.list} aria-label="List of findings" ref={measure}>
        {list.error ? (
          <Failure error={list.error} again={() => void list.again()} />
        ) : !list.loading && list.items.length === 0 ? (
          <Nothing query={query} reset={() => explorer.setQuery(start)} connect={() => go('/repositories')} />
        ) : (
          <div className={css.scroll} ref={setScroll} role="grid" aria-label="Findings" aria-rowcount={total} aria-multiselectable tabIndex={0} aria-activedescendant={current ? `finding-${current}` : undefined} data-stale={list.stale ? '' : undefined}>
            <Head
              explorer={explorer}
              narrow={narrow}
              all={everything || (chosen.size > 0 && list.items.every((f) => chosen.has(f.id)))}
              some={picked > 0}
              onAll={() => (picked > 0 ? clear() : setChosen(new Map(list.items.map((f) => [f.id, f]))))}
            />
            {list.loading ? <Loading /> : group ? <GroupList {...shared} /> : <FlatList {...shared} list={list} scroll={scroll} />}
          </div>
        )}
        {picked > 0 && (
          <div className={css.bulk} role="toolbar" aria-label="What to do with the selection">
            <b>{count(picked)} selected</b>
            {!everything && total > chosen.size && (
              <button type="button" className={css.link} onClick={() => setEverything(true)}>
                Select all {count(total)} that match
              </button>
            )}
            <span className={css.spacer} />
            {may && (
              <>
                <Button size="xs" leftSection={<IconVolumeOff size={15} aria-hidden />} onClick={() => intend('mute')}>
                  Mute
                </Button>
                <Button size="xs" variant="default" leftSection={<IconVolume size={15} aria-hidden />} onClick={() => intend('restore')}>
                  Open again
                </Button>
                <Button size="xs" variant="default" leftSection={<IconUser size={15} aria-hidden />} onClick={() => intend('assign')}>
                  Assign
                </Button>
                {!everything && (
                  <Button size="xs" variant="default" leftSection={<IconMessage size={15} aria-hidden />} onClick={() => intend('comment')}>
                    Comment
                  </Button>
                )}
              </>
            )}
            <button type="button" className={css.close} aria-label="Select nothing" onClick={clear}>
              <IconX size={16} aria-hidden />
            </button>
          </div>
        )}
      </section>
      {finding && (
        <Suspense
          fallback={
            <aside className={css.waiting} aria-label="Finding">
              <Skeleton lines={9} />
            </aside>
          }
        >
          <Panel
            id={finding}
            tab={explorer.tab}
            setTab={explorer.setTab}
            close={explorer.close}
            step={step}
            copyLink={() => copyLink(finding)}
            intend={(kind) => intend(kind, [finding])}
            search={(q) => explorer.setQuery(q)}
          />
        </Suspense>
      )}
      <Decide intent={intent} close={() => setIntent(undefined)} done={clear} />
      <Drawer opened={facets && phone} onClose={() => setFacets(false)} title="Filter" size="88%" position="left" closeButtonProps={{ 'aria-label': 'Close' }}>
        {rail}
      </Drawer>
    </div>
  );
}

/** What stands in place of the list when it is empty, and why that may be. */
function Nothing({ query, reset, connect }: { query: string; reset: () => void; connect: () => void }) {
  const terms = parse(query);
  if (terms.length === 0) {
    return (
      <Empty icon={IconBug} title="No findings yet">
        <p>Findings come from repositories: connect one, and every commit of every branch is scanned.</p>
        <Button onClick={connect}>Connect a repository</Button>
      </Empty>
    );
  }
  const onlyOpen = query === start || query === 'status:open';
  return (
    <Empty icon={onlyOpen ? IconCircleCheck : IconBug} title={onlyOpen ? 'Nothing is open' : 'Nothing matches'}>
      {onlyOpen ? (
        <p>Whatever was found is fixed or muted. If nothing was scanned yet, connect a repository.</p>
      ) : (
        <p>
          Remove a term above, or start over. Several values of one key are joined by commas (<code>severity:high,critical</code>), a minus leaves out (<code>-status:muted</code>), a star stands for anything (
          <code>file:modules/*</code>).
        </p>
      )}
      <Button variant="default" onClick={onlyOpen ? connect : reset}>
        {onlyOpen ? 'Repositories' : 'Show what is open'}
      </Button>
    </Empty>
  );
}
