import { expect, it } from 'vitest';
import { narrowed } from '../pages/findings/list.tsx';
import { settingsOf } from '../pages/findings/data.ts';
import { tail, visible } from './name.tsx';
import { ago, brief, many, span } from './time.tsx';

const now = Date.parse('2026-11-22T12:00:00Z');

it.each([
  ['2026-11-22T11:59:30Z', 'just now'],
  ['2026-11-22T11:48:00Z', '12 minutes ago'],
  ['2026-11-21T11:00:00Z', 'yesterday'],
  ['2026-11-01T12:00:00Z', '3 weeks ago'],
  ['2026-12-22T12:00:00Z', 'in 4 weeks'],
])('%s is %s', (at, want) => expect(ago(at, now)).toBe(want));

it.each([
  [0.0421, '42 ms'],
  [12.34, '12.3 s'],
  [93, '1 min 33 s'],
  [7260, '2 h 1 min'],
  [864_000, '10 days'],
])('%d seconds', (s, want) => expect(span(s)).toBe(want));

it('counts', () => expect([brief(9999), brief(1_234_567), many(1, 'finding'), many(1200, 'match', 'match')]).toEqual(['9,999', '1.2M', '1 finding', '1,200 match']));

it('shows what hides', () => expect(visible('a\u202eb\u0000c\u200bd\te')).toBe('a‹U+202E›b‹U+0000›c‹U+200B›d\te'));

it.each([
  ['short/main.tf', 20, 'short/main.tf'],
  ['a/very/long/path/to/modules/bucket/main.tf', 22, '…/bucket/main.tf'],
  ['nothingbutletterswithoutaslash.tf', 12, '…outaslash.tf'],
])('keeps the tail of %s', (path, most, want) => expect(tail(path, most)).toBe(want));

it.each([
  ['status:open rule:a*', 'rule:ab', 'status:open rule:ab'],
  ['status:open', 'address:x repo:y', 'status:open address:x repo:y'],
  ['-team:a b', 'team:none', 'b team:none'],
  ['', 'rule:x', 'rule:x'],
])('%s of a group %s', (query, term, want) => expect(narrowed(query, term)).toBe(want));

it.each([
  ['', {}],
  ['{"group":"rule"}', { group: 'rule' }],
  ['nonsense', {}],
  ['null', {}],
])('settings %s', (settings, want) => expect(settingsOf({ settings })).toEqual(want));
