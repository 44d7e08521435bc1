import { expect, test } from 'vitest';
import { hourOf, outcome } from './notifications-share.ts';

test('an hour is said as it is here', () => {
  expect(hourOf(8, 0)).toBe('08:00 UTC');
  expect(hourOf(8, -60)).toBe('08:00 UTC (09:00 here)');
  expect(hourOf(23, -330)).toBe('23:00 UTC (04:30 here)');
  expect(hourOf(2, 480)).toBe('02:00 UTC (18:00 here)');
});

test('what became of a delivery', () => {
  const d = { state: 'sent' as const, status: 204, attempts: 1, problem: '' };
  expect(outcome(d)).toEqual({ tone: 'good', text: 'Arrived (204)' });
  expect(outcome({ ...d, state: 'waiting', status: 0 }).text).toBe('On its way');
  expect(outcome({ ...d, state: 'waiting', problem: 'It answered with 500', attempts: 2 }).text).toBe('Failed 2 times, is tried again');
  expect(outcome({ ...d, state: 'failed', attempts: 1 }).text).toBe('Given up after 1 attempt');
  expect(outcome({ ...d, state: 'failed', attempts: 0 }).text).toBe('Not sent');
});
