import { expect, test } from 'vitest';
import { between, brief, checkpointOf, quoted, reference } from './share.ts';

test('a signed note is read', () => {
  expect(checkpointOf('plumbline.example/audit\n7\nCsUY=\n\n— plumbline.example/audit abcd\n— witness.example efgh\n')).toEqual({
    origin: 'plumbline.example/audit',
    size: 7,
    root: 'CsUY=',
    signers: ['plumbline.example/audit', 'witness.example'],
  });
  expect(checkpointOf('')).toBeUndefined();
  expect(checkpointOf('origin\nmany\nroot\n\n')).toBeUndefined();
});

test('days are whole', () => {
  const { from, until } = between('2026-11-22', '2026-11-22');
  expect(new Date(until!).getTime() - new Date(from!).getTime()).toBe(86_400_000);
  expect(between('yesterday', '')).toEqual({ from: undefined, until: undefined });
});

test('data in a line', () => {
  expect(brief({ reason: 'no-fix', count: 3, after: { days: 1 } })).toBe('reason no-fix, count 3, after {"days":1}');
  expect(brief(null)).toBe('');
});

test('references and words of bash', () => {
  expect(reference({ kind: 'person', id: '1a' })).toBe('person:1a');
  expect(reference({ kind: 'system', id: '' })).toBe('system');
  expect(quoted('a+b/c=')).toBe('a+b/c=');
  expect(quoted("it's $HOME")).toBe(`'it'\\''s $HOME'`);
});
