import { span } from '../../part/time.tsx';

/** Where a job is: waiting is one that failed and is tried again, or was put off. */
export const states = ['queued', 'running', 'waiting', 'failed', 'done', 'cancelled'] as const;
export type State = (typeof states)[number];

/** What a job does, in words. */
export function what(j: { kind: string; mode: string; daily: boolean }): string {
  switch (j.kind) {
    case 'fetch':
      return 'Fetch';
    case 'blame':
      return 'Find origins';
    case 'change':
      return 'Change findings';
    case 'scan':
      return (j.mode === 'history' ? 'Scan history' : j.mode === 'full' ? 'Scan again' : 'Scan new commits') + (j.daily ? ', daily' : '');
  }
  if (j.kind === 'tell') return 'Make messages';
  if (j.kind === 'deliver') return 'Send a message';
  return 'Upkeep';
}

/** How long the last attempt took, or has taken so far; "–" when it did not begin. now is in milliseconds. */
export function lasted(j: { state: string; startedAt: string; endedAt: string }, now = Date.now()): string {
  if (!j.startedAt || j.state === 'queued') return '–';
  const end = j.endedAt ? Date.parse(j.endedAt) : j.state === 'running' ? now : undefined;
  return end === undefined ? '–' : span(Math.max(0, (end - Date.parse(j.startedAt)) / 1000));
}
