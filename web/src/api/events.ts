import { useEffect, useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';

/** The nouns of live events. An event of a noun makes every query whose key begins with it read again. */
export const nouns = ['findings', 'repositories', 'scans', 'jobs', 'rules', 'audit', 'overview', 'people', 'channels'] as const;

/** How long events are gathered before anything is read again: a scan changes thousands of findings at once. */
const pause = 800;

/** How often everything is asked for again when there is no stream. */
const slow = 30_000;

/** How far a scan is: commits that are done, of those that it does. */
export interface Progress {
  done: number;
  total: number;
}

/** What an event of scans says of a repository; no progress when nothing runs. Undefined when the event says neither. */
export function stepOf(data: string): { repository: string; progress: Progress | null } | undefined {
  try {
    const { repository, data: d } = JSON.parse(data) as { repository?: string; data?: { state?: string; done?: number; total?: number } };
    if (!repository || !d) return undefined;
    if (d.state !== 'running') return { repository, progress: null };
    return typeof d.done === 'number' && typeof d.total === 'number' && d.total > 0 ? { repository, progress: { done: d.done, total: d.total } } : undefined;
  } catch {
    return undefined;
  }
}

/** How far the scan of a repository is, as events said since the page was opened; undefined when none did. */
export function useProgress(repository: string): Progress | undefined {
  return useQuery<Progress | null>({ queryKey: ['progress', repository], queryFn: () => null, enabled: false }).data ?? undefined;
}

/**
 * Keeps what is shown up to date while the page is open and visible. The browser connects again by itself; after that everything
 * is read again, because nobody knows what was missed. Answers whether the stream is up: undefined before the first answer.
 */
export function useEvents(): boolean | undefined {
  const client = useQueryClient();
  const [up, setUp] = useState<boolean>();
  useEffect(() => {
    const waiting = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let dropped = false;
    const flush = () => {
      timer = undefined;
      if (document.hidden) return; // told again when it is looked at
      for (const noun of waiting) void client.invalidateQueries({ queryKey: [noun] });
      waiting.clear();
    };
    const later = () => (timer ??= setTimeout(flush, pause));
    let stream: EventSource;
    let asking: ReturnType<typeof setInterval> | undefined;
    const connect = () => {
      stream = new EventSource('/api/events');
      stream.onopen = () => {
        clearInterval(asking);
        asking = undefined;
        setUp(true);
        if (dropped) void client.invalidateQueries();
        dropped = false;
      };
      stream.onerror = () => {
        dropped = true;
        setUp(false);
        // A proxy that lets no streams through, or a session that ended: ask now and then instead.
        if (stream.readyState === EventSource.CLOSED) {
          asking ??= setInterval(() => {
            if (!document.hidden) void client.invalidateQueries();
          }, slow);
        }
      };
      for (const noun of nouns) {
        stream.addEventListener(noun, (e: MessageEvent<string>) => {
          waiting.add(noun);
          if (noun === 'scans') {
            waiting.add('repositories'); // a repository shows its last scan
            const step = stepOf(e.data);
            if (step) client.setQueryData(['progress', step.repository], step.progress);
          }
          later();
        });
      }
    };
    connect();
    const seen = () => {
      if (!document.hidden && waiting.size > 0) later();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      stream.close();
      clearTimeout(timer);
      clearInterval(asking);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [client]);
  return up;
}
