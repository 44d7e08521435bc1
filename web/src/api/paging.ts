import { useMemo } from 'react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { get } from './http.ts';

/** A page of a list: the server says where the next one begins, nobody counts pages. */
export interface Slice<T> {
  items: T[];
  /** Where the next page begins; missing or "" on the last one. */
  next?: string | null;
  /** How many there are in all, when the server knows. */
  total?: number;
}

/**
 * An endless list by keyset: everything read so far, and a way to read on. key's first element is the noun that live events
 * name (see events.ts).
 */
export function useList<T>(key: readonly unknown[], path: string, query: Record<string, string | number | undefined> = {}) {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => get<Slice<T>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
  const items = useMemo(() => list.data?.pages.flatMap((p) => p.items ?? []) ?? [], [list.data]);
  return {
    items,
    total: list.data?.pages[0]?.total,
    loading: list.isPending,
    /** What is shown answers the question before this one. */
    stale: list.isPlaceholderData,
    error: list.error,
    again: list.refetch,
    more: list.hasNextPage,
    loadingMore: list.isFetchingNextPage,
    readOn: () => {
      if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
    },
  };
}
