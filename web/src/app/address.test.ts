import { expect, it } from 'vitest';
import { parseSearch, writeSearch } from './address.ts';

it.each([
  [{}, ''],
  [{ q: 'severity:high,critical repo:a/b' }, '?q=severity:high,critical+repo:a/b'],
  [{ q: 'a+b & c=d #e %41', sort: '' }, '?q=a%2Bb+%26+c%3Dd+%23e+%2541'],
  [{ q: undefined, finding: 'x"<y>' }, '?finding=x%22%3Cy%3E'],
  [{ q: '\u202eé' }, '?q=%E2%80%AE%C3%A9'],
])('%j', (search, want) => {
  expect(writeSearch(search)).toBe(want);
  expect(parseSearch(want)).toEqual(Object.fromEntries(Object.entries(search).filter(([, v]) => v)));
});

it('takes the last of a name that stands twice', () => expect(parseSearch('?a=1&a=2')).toEqual({ a: '2' }));
