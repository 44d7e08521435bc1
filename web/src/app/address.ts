import { useCallback, useMemo } from 'react';
import { useNavigate, useParams, useRouterState } from '@tanstack/react-router';

/** The part of an address behind the question mark, by name. A name that is not there is undefined. */
export type Search = Record<string, string | undefined>;

/** Reads "?a=b&c=d". Of a name that stands twice the last one counts. */
export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

/** Writes names that are set, in their order; what a person types into a query stays readable (colons, commas, slashes). */
export function writeSearch(search: Search): string {
  const pairs = Object.entries(search).filter(([, v]) => v !== undefined && v !== null && v !== '');
  if (pairs.length === 0) return '';
  const text = pairs.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v as string)}`).join('&');
  return '?' + text.replace(/%(3A|2C|2F|40|2A)/g, (m) => decodeURIComponent(m)).replace(/%20/g, '+');
}

/**
 * The state of a page that can be shared: what stands behind the question mark, and a way to change it. Only the names of the
 * change are touched; undefined removes one. push makes a step that the browser's back button undoes.
 */
export function useSearch(): [Search, (change: Search, how?: 'push' | 'replace') => void] {
  const text = useRouterState({ select: (s) => s.location.searchStr });
  const navigate = useNavigate();
  const search = useMemo(() => parseSearch(text), [text]);
  const change = useCallback(
    (patch: Search, how: 'push' | 'replace' = 'replace') => {
      void navigate({
        to: '.',
        search: ((before: Search) => ({ ...before, ...patch })) as never,
        replace: how === 'replace',
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, change];
}

/** The value of $name in the path of the page; "" when the path has none. */
export function useParam(name: string): string {
  const params = useParams({ strict: false }) as Record<string, string | undefined>;
  return params[name] ?? '';
}

/** Goes to a path of the interface with a search: go('/findings', { q: 'severity:high' }). */
export function useGo(): (to: string, search?: Search) => void {
  const navigate = useNavigate();
  return useCallback((to, search) => void navigate({ to: to as never, search: (search ?? {}) as never }), [navigate]);
}
