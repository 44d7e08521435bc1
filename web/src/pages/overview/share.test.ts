import { expect, test } from 'vitest';
import { dayNames, firstDay, lasting, moved, percent } from './share.ts';

const none = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
const tally = (high: number) => ({ open: { critical: 0, high, medium: 1, low: 0, info: 0 } });

test('days are named by what tells them apart', () => {
  expect(dayNames(['2026-11-01T00:00:00.000Z', '2026-11-22T00:00:00.000Z'])).toEqual(['Nov 1', 'Nov 22']);
  expect(dayNames(['2025-11-01T00:00:00.000Z', '2026-11-22T00:00:00.000Z'])[0]).toBe('Nov 1, 25');
});

test('a span ends today', () => {
  expect(firstDay(1, new Date('2026-11-22T23:00:00Z'))).toBe('2026-11-22');
  expect(firstDay(90, new Date('2026-11-22T01:00:00Z'))).toBe('2026-08-25');
});

test('lengths of time', () => {
  expect([20, 3599, 3600, 93 * 60, 47 * 3600, 48 * 3600, 90 * 86_400].map(lasting)).toEqual(['1 min', '60 min', '1 h', '2 h', '47 h', '2 days', '90 days']);
});

test('how a count moved', () => {
  expect(moved([tally(5)])).toEqual({ text: '' });
  expect(moved([tally(5), tally(9), tally(2)])).toEqual({ text: '3 fewer than at the beginning', tone: 'good' });
  expect(moved([{ day: '2026-08-01T00:00:00Z', open: none }, { day: '2026-08-02T00:00:00Z', ...tally(171) }])).toEqual({ text: 'the first was seen on 2026-08-02' });
  expect(moved([{ open: none }, { open: none }])).toEqual({ text: '' });
  expect(moved([tally(2), tally(3)])).toEqual({ text: '1 more than at the beginning', tone: 'bad' });
});

test('a score is never rounded up to all', () => {
  expect([percent(null), percent(0.999), percent(1), percent(0)]).toEqual(['–', '99 %', '100 %', '0 %']);
});
