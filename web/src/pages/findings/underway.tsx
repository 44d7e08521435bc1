import { useEffect } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { useSay } from '../../app/toasts.tsx';
import { count, many } from '../../part/time.tsx';
import css from './underway.module.css';

type Change = Schema<'Change'>;

const words: Record<string, [doing: string, done: string]> = {
  'finding.mute': ['Muting', 'Muted'],
  'finding.restore': ['Opening again', 'Opened again'],
  'finding.assign': ['Assigning', 'Assigned'],
};

/** What a change is at, in words. */
export function telling(c: Change): string {
  const [doing, done] = words[c.action] ?? ['Changing', 'Changed'];
  switch (c.state) {
    case 'running':
      return `${doing} ${many(c.total, 'finding')}: ${count(c.seen)} so far`;
    case 'undoing':
      return `Taking back what was changed: ${count(c.restored)} of ${many(c.changed, 'finding')}`;
    case 'undone':
      return `Taken back: ${many(c.restored, 'finding')}${c.restored < c.changed ? `, ${count(c.changed - c.restored)} left because somebody changed them since` : ''}`;
  }
  return `${done} ${many(c.changed, 'finding')}${c.changed < c.total ? `, ${count(c.total - c.changed)} left as they were` : ''}`;
}

/** Follows a change of many findings, and offers to take it back. */
export function Underway({ id }: { id: string }) {
  const client = useQueryClient();
  const say = useSay();
  const change = useQuery({
    queryKey: ['change', id],
    queryFn: ({ signal }) => get<Change>(`/api/changes/${encodeURIComponent(id)}`, undefined, signal),
    refetchInterval: (q) => (q.state.data && (q.state.data.state === 'done' || q.state.data.state === 'undone') ? false : 700),
  });
  const undo = useMutation({
    mutationFn: () => send<Change>('POST', `/api/changes/${encodeURIComponent(id)}/undo`),
    onSuccess: (c) => {
      client.setQueryData(['change', id], c);
      void client.invalidateQueries({ queryKey: ['change', id] });
    },
    onError: (e) => say.failed(e),
  });
  const c = change.data;
  const state = c?.state;
  useEffect(() => {
    if (state === 'done' || state === 'undone') void client.invalidateQueries({ queryKey: ['findings'] });
  }, [client, state]);
  if (!c) return <>Changing findings…</>;
  const going = c.state === 'running' || c.state === 'undoing';
  return (
    <div className={css.change} aria-live={going ? 'off' : undefined}>
      <span>{telling(c)}</span>
      {going && <progress aria-label="How far it is" value={c.state === 'running' ? c.seen : c.restored} max={Math.max(1, c.state === 'running' ? c.total : c.changed)} />}
      {c.undo && (
        <button type="button" className={css.undo} disabled={undo.isPending} onClick={() => undo.mutate()}>
          {c.state === 'running' ? 'Stop and undo' : 'Undo'}
        </button>
      )}
    </div>
  );
}
