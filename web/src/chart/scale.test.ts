import { describe, expect, it } from 'vitest';
import { arc, between, labelled, through, ticks } from './scale.ts';

describe('ticks', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
    [1234, [0, 500, 1000, 1500]],
  ])('%d', (most, want) => expect(ticks(most)).toEqual(want));

  it('reaches the most, begins at zero and has few steps', () => {
    for (let most = 1; most < 20_000; most += 7) {
      const t = ticks(most);
      expect(t[0]).toBe(0);
      expect(t[t.length - 1]).toBeGreaterThanOrEqual(most);
      expect(t.length).toBeLessThanOrEqual(6);
      expect(t.every(Number.isInteger)).toBe(true);
    }
  });
});

it('draws lines and areas', () => {
  expect(through([[0, 1], [2, 3.456]])).toBe('M0,1L2,3.46');
  expect(between([[0, 1], [2, 1]], [[0, 5], [2, 6]])).toBe('M0,1L2,1L2,6L0,5Z');
  expect(between([], [])).toBe('');
});

it('draws parts of a ring', () => {
  expect(arc(0, 0, 10, 5, 0, 0.25)).toBe('M0,-10A10,10 0 0 1 10,0L5,0A5,5 0 0 0 0,-5Z');
  expect(arc(0, 0, 10, 5, 0, 0.75)).toContain('0 1 1');
  expect(arc(0, 0, 10, 5, 0, 1)).not.toContain('NaN');
});

describe('labelled', () => {
  it.each([
    [0, 500, []],
    [3, 500, [0, 1, 2]],
    [30, 300, [9, 19, 29]],
    [5, 10, [4]],
  ])('%d in %d', (n, width, want) => expect(labelled(n, width)).toEqual(want));
});
