import { expect, test } from 'vitest';
import { lasted, what } from './share.ts';

test('what a job does', () => {
  expect(what({ kind: 'scan', mode: 'full', daily: true })).toBe('Scan again, daily');
  expect(what({ kind: 'scan', mode: 'head', daily: false })).toBe('Scan new commits');
  expect(what({ kind: 'fetch', mode: '', daily: false })).toBe('Fetch');
});

test('how long a job took', () => {
  const startedAt = '2026-11-22T10:00:00.000Z';
  expect(lasted({ state: 'done', startedAt, endedAt: '2026-11-22T10:01:33.000Z' })).toBe('1 min 33 s');
  expect(lasted({ state: 'running', startedAt, endedAt: '' }, Date.parse(startedAt) + 5000)).toBe('5 s');
  expect(lasted({ state: 'waiting', startedAt, endedAt: '' })).toBe('–');
  expect(lasted({ state: 'queued', startedAt: '', endedAt: '' })).toBe('–');
});
