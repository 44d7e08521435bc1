import { lazy, Suspense, useDeferredValue, useMemo, useRef, useState } from 'react';
import { NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch, IconSitemap, IconWorld, IconX } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { useKeys } from '../../app/keys.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Source } from '../../part/source.tsx';
import { Table } from '../../part/table.tsx';
import { count, many } from '../../part/time.tsx';
import { fits, reachable, tiers, type Edge, type Node } from './share.ts';
import css from './graph.module.css';

const Canvas = lazy(() => import('./canvas.tsx'));

interface Graph {
  nodes: Node[];
  edges: Edge[];
  total: number;
  grouped: '' | 'unit' | 'repository';
  cut: boolean;
  tiers: Record<string, number>;
  units: string[];
}

/** The estate drawn: what refers to what, and what the internet can reach. */
export default function GraphPage() {
  const [search, change] = useSearch();
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const query = { repository: search.repository, unit: search.unit, tier: search.tier };
  const graph = useQuery({ queryKey: ['resources', 'graph', query], queryFn: ({ signal }) => get<Graph>('/api/graph', query, signal), placeholderData: keepPreviousData });
  const facets = useQuery({ queryKey: ['resources', 'facets', {}], queryFn: ({ signal }) => get<{ repositories: { value: string; label: string; count: number }[] }>('/api/resources/facets', undefined, signal) });
  const all = graph.data;
  const g = useMemo(() => (all && search.reach ? { ...all, ...reachable(all.nodes, all.edges) } : all), [all, search.reach]);
  const found = useMemo(() => (g && wanted.trim() ? g.nodes.filter((n) => fits(n, wanted)) : []), [g, wanted]);
  const field = useRef<HTMLInputElement>(null);
  const goTo = (step: number) => {
    if (found.length === 0) return;
    const at = found.findIndex((n) => n.id === search.node);
    change({ node: found[at < 0 ? 0 : (at + step + found.length) % found.length]!.id });
  };
  const along = (end: 'from' | 'to') => {
    const e = g?.edges.find((e) => e[end === 'to' ? 'from' : 'to'] === search.node);
    if (e) change({ node: e[end] });
  };
  useKeys('Graph', [
    { key: '/', does: 'Find a resource; Enter goes to the next one', run: () => field.current?.focus() },
    { key: 'l', does: 'To what it refers to', run: () => along('to') },
    { key: 'h', does: 'To what refers to it', run: () => along('from') },
    { key: 'Escape', does: 'Close what is chosen', run: () => change({ node: undefined }) },
  ]);
  if (graph.error)
    return (
      <PageFrame title="Graph">
        <Failure error={graph.error} again={() => void graph.refetch()} />
      </PageFrame>
    );
  const ways = (all?.nodes ?? []).filter((n) => n.exposed !== '').length;
  const chosen = g?.nodes.find((n) => n.id === search.node);
  const shownTiers = new Set(search.tier ? search.tier.split(',') : tiers);
  const toggle = (tier: string) => {
    const next = tiers.filter((t) => (t === tier ? !shownTiers.has(t) : shownTiers.has(t)));
    change({ tier: next.length === 0 || next.length === tiers.length ? undefined : next.join(','), node: undefined });
  };
  const grouped = g?.grouped ? `, grouped by ${g.grouped === 'unit' ? 'directory' : 'repository'} and tier because there are many` : '';
  return (
    <PageFrame wide title="Graph" about={g ? `${many(g.total, 'resource')}${grouped}${g.cut ? '; there is more than could be looked at' : ''}` : 'What refers to what, and what the internet can reach.'}>
      <div className={css.tools}>
        <NativeSelect
          aria-label="Repository"
          value={search.repository ?? ''}
          onChange={(e) => change({ repository: e.currentTarget.value || undefined, unit: undefined, node: undefined })}
          data={[{ value: '', label: 'All repositories' }, ...(facets.data?.repositories ?? []).map((r) => ({ value: r.value, label: `${r.label} (${count(r.count)})` }))]}
        />
        {g && g.units.length > 1 && (
          <NativeSelect aria-label="Directory" value={search.unit ?? ''} onChange={(e) => change({ unit: e.currentTarget.value || undefined, node: undefined })} data={[{ value: '', label: 'All directories' }, ...g.units.map((u) => ({ value: u, label: visible(u) }))]} />
        )}
        <TextInput aria-label="Find in the graph" placeholder="Find" leftSection={<IconSearch size={15} aria-hidden />}  ref={field}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter') goTo(e.shiftKey ? -1 : 1);
            if (e.key === 'Escape') e.currentTarget.blur();
          }}
        />
        {wanted.trim() !== '' && (
          <span className={css.found} role="status">
            {found.length === 0 ? 'Nothing fits' : `${count(found.length)} found; Enter goes through them`}
          </span>
        )}
        <div role="group" aria-label="Tiers" className={css.tiers}>
          {tiers.map((t) => (
            <button key={t} type="button" data-tier={t} aria-pressed={shownTiers.has(t)} onClick={() => toggle(t)}>
              <i />
              {t} <b>{count(g?.tiers[t] ?? 0)}</b>
            </button>
          ))}
          <button type="button" className={css.reach} aria-pressed={Boolean(search.reach)} onClick={() => change({ reach: search.reach ? undefined : '1' })}>
            <IconWorld size={14} aria-hidden /> Only what the internet reaches <b>{count(ways)}</b>
          </button>
        </div>
        <SegmentedControl
          aria-label="Show as"
          value={search.as ?? 'picture'}
          onChange={(as) => change({ as: as === 'picture' ? undefined : as })}
          data={[
            { value: 'picture', label: 'Picture' },
            { value: 'list', label: 'List' },
          ]}
        />
      </div>
      {!g ? (
        <Card>
          <Skeleton lines={10} />
        </Card>
      ) : g.nodes.length === 0 ? (
        <Card>
          <Empty icon={IconSitemap} title="Nothing to draw">
            {search.reach ? 'The internet reaches nothing here, as far as the code says.' : 'The graph is made when the default branch of a repository is scanned. If tiers or a directory are chosen, ask for more of them.'}
          </Empty>
        </Card>
      ) : (
        <div className={css.stage} data-side={chosen ? '' : undefined}>
          {search.as === 'list' ? (
            <Card flush>
              <Table
                label="Resources of the graph"
                rows={g.nodes.filter((n) => wanted === '' || fits(n, wanted))}
                id={(n) => n.id}
                onOpen={(n) => change({ node: n.id })}
                columns={[
                  { key: 'label', title: 'Resource', cell: (n) => <button type="button" className={css.link} onClick={() => change({ node: n.id })}><Name of={n.label} /></button> },
                  { key: 'tier', title: 'Tier', cell: (n) => n.tier },
                  { key: 'repository', title: 'Repository', spare: true, cell: (n) => <Name of={n.repository.name} /> },
                  { key: 'exposed', title: 'Internet', spare: true, cell: (n) => (n.exposed ? <span className={css.exposed}><Name of={n.exposed} /></span> : n.path ? 'on a way from there' : '–') },
                  { key: 'refers', title: 'Refers to', end: true, cell: (n) => count(g.edges.filter((e) => e.from === n.id).length) },
                  { key: 'open', title: 'Open', end: true, cell: (n) => (n.open && n.query ? <ToFindings query={n.query}>{count(n.open)}</ToFindings> : n.open || '–') },
                ]}
              />
            </Card>
          ) : (
            <div className={css.picture}>
              <Suspense fallback={<Skeleton lines={8} />}>
                <Canvas nodes={g.nodes} edges={g.edges} search={wanted} chosen={search.node} onChoose={(node) => change({ node })} />
              </Suspense>
            </div>
          )}
          {chosen && <Side of={chosen} graph={g} onChoose={(node) => change({ node })} />}
        </div>
      )}
      <p className={css.legend}>
        <span>
          <i aria-hidden /> refers to
        </span>
        <span>
          <i data-way="" aria-hidden /> a way from the internet to data or identities, as far as the code says
        </span>
        <span>
          <i data-maybe="" aria-hidden /> may be there or not
        </span>
        <span>
          <i data-exposed="" aria-hidden /> the internet reaches it
        </span>
      </p>
    </PageFrame>
  );
}

/** What is known of one node, and where to go from it. */
function Side({ of: n, graph, onChoose }: { of: Node; graph: Graph; onChoose: (id: string | undefined) => void }) {
  const named = (id: string) => graph.nodes.find((x) => x.id === id);
  const list = (title: string, edges: Edge[], end: 'from' | 'to') =>
    edges.length > 0 && (
      <>
        <h3>{title}</h3>
        <ul>
          {edges.slice(0, 40).map((e) => (
            <li key={e[end]}>
              <button type="button" className={css.link} onClick={() => onChoose(e[end])}>
                <Name of={named(e[end])?.label ?? ''} />
              </button>{' '}
              <span className={css.quiet}>{e.label}</span>
            </li>
          ))}
        </ul>
      </>
    );
  return (
    <Card title={<Name of={n.label} />} about={n.type || n.tier} actions={<button type="button" className={css.close} aria-label="Close" title="Close" onClick={() => onChoose(undefined)}><IconX size={17} aria-hidden /></button>}>
      <div className={css.side}>
        {n.exposed && (
          <p className={css.exposed}>
            <IconWorld size={15} aria-hidden /> Reachable from the internet: <Name of={n.exposed} />
          </p>
        )}
        {n.open > 0 && n.query && (
          <p>
            <ToFindings query={n.query}>{many(n.open, 'open finding')}</ToFindings>
          </p>
        )}
        <p>
          <To to={`/repositories/${n.repository.id}`}>
            <Name of={n.repository.name} />
          </To>
          {n.variant && <span className={css.quiet}> with the inputs of <Name of={n.variant} /></span>}
        </p>
        {n.file && <Source repository={n.repository.id} file={n.file} line={n.line} />}
        {n.count === 1 ? (
          <p>
            <To to="/resources" search={{ q: n.label, repository: n.repository.id }}>
              Tags and details
            </To>
          </p>
        ) : (
          <p>
            <To to="/graph" search={{ repository: n.repository.id, unit: n.unit || undefined }}>
              Draw these {count(n.count)} resources
            </To>
          </p>
        )}
        {list('Refers to', graph.edges.filter((e) => e.from === n.id), 'to')}
        {list('Is referred to by', graph.edges.filter((e) => e.to === n.id), 'from')}
      </div>
    </Card>
  );
}
