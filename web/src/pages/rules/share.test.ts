import { expect, test } from 'vitest';
import { falsePositives, place, ruling, term, words } from './share.ts';

test('a share says what it was computed from', () => {
  expect(falsePositives({ decided: 0, falsePositives: 0 })).toBe('–');
  expect(falsePositives({ decided: 3, falsePositives: 1 })).toBe('33 % (1 of 3)');
});

test('a value that would mean something else stands in quotes', () => {
  expect(term('rule', 'aws-s3-public-acl')).toBe('rule:aws-s3-public-acl');
  expect(term('repo', 'a b')).toBe('repo:"a b"');
  expect(term('repo', 'say "*"')).toBe('repo:"say \\"*\\""');
});

test('decisions in words', () => {
  expect(words('access-control')).toBe('Access control');
  expect(place({ teamName: '', repositoryName: '' })).toBe('Organisation');
  expect(place({ teamName: 'data', repositoryName: '' })).toBe('Team data');
  expect(place({ teamName: '', repositoryName: 'shop' })).toBe('Repository shop');
  expect(ruling({ off: true, severity: 'high' })).toBe('off');
  expect(ruling({ off: false, severity: 'high' })).toBe('on, as high');
  expect(ruling({ off: false, severity: '' })).toBe('on, as the rule says');
});
