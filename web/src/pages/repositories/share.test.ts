import { expect, test } from 'vitest';
import { kindsFor, state, term, total, type Repository } from './share.ts';

const repository: Repository = {
  id: '1', name: 'web', address: 'https://x/y', credential: '', defaultBranch: 'main', state: 'active', problem: '', createdAt: '', fetchedAt: 'x', scannedAt: 'x',
  open: { critical: 1, high: 2, medium: 3, low: 4, info: 5 }, branches: 1,
};

test('kinds of credentials follow the address', () => {
  expect(kindsFor('https://host/x')).toEqual(['none', 'token', 'password']);
  expect(kindsFor(' git@host:x/y.git')).toEqual(['ssh-key', 'none']);
  expect(kindsFor('ssh://git@host/x')[0]).toBe('ssh-key');
  expect(kindsFor('file:///x')).toEqual(['none']);
  expect(kindsFor('/srv/x')).toEqual(['none']);
  expect(kindsFor('')).toEqual(['none']);
});

test('a state says the most urgent thing', () => {
  expect(state(repository).text).toBe('Watched');
  expect(state({ ...repository, problem: 'no access' }).tone).toBe('bad');
  expect(state({ ...repository, problem: 'x', scan: { id: '1', kind: 'commit', state: 'running', branch: 'main', commits: 0, startedAt: '', endedAt: '', problem: '' } }).text).toBe('Scanning');
  expect(state({ ...repository, state: 'paused', problem: 'x' }).text).toBe('Paused');
  expect(state({ ...repository, address: '', scannedAt: '' }).text).toBe('Waits for an upload');
});

test('names stand in queries', () => {
  expect(term('repo', 'payments/infra')).toBe('repo:payments/infra');
  expect(term('branch', 'a b"c')).toBe('branch:"a b\\"c"');
});

test('totals', () => expect(total(repository.open)).toBe(15));
