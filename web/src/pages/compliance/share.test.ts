import { expect, test } from 'vitest';
import { byName, parts, percent } from './share.ts';

test('parts of a bar are in one order, and only those that were asked for', () => {
  expect(parts({ pass: 3, fail: 1, noRule: 9 }, ['fail', 'pass', 'no-rule']).map((p) => [p.name, p.value])).toEqual([
    ['Fails', 1],
    ['Passes', 3],
    ['No rule', 9],
  ]);
});

test('controls are sorted as people count', () => {
  expect(['2.10', 'AC-10', '2.9', 'AC-2'].sort(byName)).toEqual(['2.9', '2.10', 'AC-2', 'AC-10']);
});

test('scores', () => {
  expect([percent(null), percent(0.995), percent(1)]).toEqual(['–', '99 %', '100 %']);
});
