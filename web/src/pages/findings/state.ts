import { useCallback, useMemo } from 'react';
import { useLocalStorage } from '@mantine/hooks';
import { useSearch } from '../../app/address.ts';
import { start } from './data.ts';

/** Columns besides the finding itself, in their order; the first ones are shown until somebody chooses. */
export const columns = [
  { key: 'status', title: 'Status', width: '76px' },
  { key: 'resource', title: 'Resource', width: 'minmax(120px, 1.05fr)' },
  { key: 'place', title: 'Repository and file', width: 'minmax(130px, 1.1fr)' },
  { key: 'team', title: 'Team', width: '110px' },
  { key: 'assignee', title: 'Assignee', width: '130px' },
  { key: 'first', title: 'First seen', width: '116px' },
  { key: 'last', title: 'Last seen', width: '116px' },
  { key: 'category', title: 'Category', width: '130px' },
  { key: 'provider', title: 'Provider', width: '110px' },
  { key: 'dialect', title: 'Dialect', width: '120px' },
  { key: 'author', title: 'Introduced by', width: '130px' },
] as const;

export type ColumnKey = (typeof columns)[number]['key'];

const usual: ColumnKey[] = ['status', 'resource', 'place', 'first'];

/** Everything that says what the explorer shows. All of it stands in the address, so that a sent link shows the same. */
export interface Explorer {
  query: string;
  sort: string;
  /** What the list is grouped by; "" for not at all. */
  group: string;
  columns: ColumnKey[];
  /** Id of the finding in the side panel; "" when it is closed. */
  finding: string;
  tab: string;
  setQuery: (query: string, how?: 'push' | 'replace') => void;
  setSort: (sort: string) => void;
  setGroup: (group: string) => void;
  setColumns: (columns: ColumnKey[]) => void;
  open: (finding: string, how?: 'push' | 'replace') => void;
  close: () => void;
  setTab: (tab: string) => void;
  /** Shows what a saved view says. */
  show: (view: { query: string; sort?: string; group?: string; columns?: string[] }) => void;
}

/** The state of the explorer. */
export function useExplorer(): Explorer {
  const [search, change] = useSearch();
  const [mine, setMine] = useLocalStorage<ColumnKey[]>({ key: 'plumbline.columns', defaultValue: usual, getInitialValueInEffect: false });
  // "q=" with nothing asks for everything; no q at all is a first visit.
  const query = search.q ?? start;
  const chosen = useMemo(() => {
    const keys = search.columns?.split(',') ?? mine;
    return columns.map((c) => c.key).filter((k) => keys.includes(k));
  }, [search.columns, mine]);
  const setQuery = useCallback((q: string, how: 'push' | 'replace' = 'push') => change({ q: q.trim() === '' ? '*' : q.trim() }, how), [change]);
  return {
    query: query === '*' ? '' : query,
    sort: search.sort ?? 'severity',
    group: search.group ?? '',
    columns: chosen,
    finding: search.finding ?? '',
    tab: search.tab ?? 'details',
    setQuery,
    setSort: (sort) => change({ sort: sort === 'severity' ? undefined : sort }),
    setGroup: (group) => change({ group: group || undefined }, 'push'),
    setColumns: (keys) => {
      setMine(keys);
      change({ columns: undefined });
    },
    open: (finding, how = 'push') => change({ finding }, how),
    close: () => change({ finding: undefined, tab: undefined }),
    setTab: (tab) => change({ tab: tab === 'details' ? undefined : tab }),
    show: (view) => change({ q: view.query || '*', sort: view.sort, group: view.group, columns: view.columns?.join(','), finding: undefined }, 'push'),
  };
}
