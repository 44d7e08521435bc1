import type { Schema } from '../../api/types.ts';
import { severities } from '../../part/badge.tsx';

export type Repository = Schema<'Repository'>;
export type Tally = Schema<'Tally'>;

/** How many there are in all. */
export function total(t: Tally): number {
  return severities.reduce((n, s) => n + t[s], 0);
}

/** A name as a term of a query: quoted where it would part. */
export function term(key: string, value: string): string {
  return /^[\w.~@+/-]+$/.test(value) ? `${key}:${value}` : `${key}:"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** What a repository is doing, and how that is meant. */
export function state(r: Repository): { text: string; tone: 'good' | 'bad' | 'warn' | 'accent' | 'info' } {
  if (r.scan?.state === 'running') return { text: r.scan.kind === 'history' ? 'Scanning history' : 'Scanning', tone: 'accent' };
  if (r.scan?.state === 'queued') return { text: 'Waiting', tone: 'accent' };
  if (r.state === 'paused') return { text: 'Paused', tone: 'warn' };
  if (r.problem) return { text: 'Problem', tone: 'bad' };
  if (r.address === '') return { text: r.scannedAt ? 'Uploads' : 'Waits for an upload', tone: 'info' };
  if (!r.fetchedAt) return { text: 'Waits to be fetched', tone: 'accent' };
  if (!r.scannedAt) return { text: 'Waits to be scanned', tone: 'accent' };
  return { text: 'Watched', tone: 'good' };
}

/** The kinds of credential that an address takes. */
export function kindsFor(address: string): ('none' | 'token' | 'password' | 'ssh-key')[] {
  const text = address.trim();
  if (text === '' || text.startsWith('/') || /^file:/i.test(text)) return ['none'];
  if (/^ssh:/i.test(text) || (!text.includes('://') && /^[^/]+:/.test(text))) return ['ssh-key', 'none'];
  return ['none', 'token', 'password'];
}

/** What a person calls the kinds. */
export const kindNames = { none: 'None, it is public', token: 'Token', password: 'User and password', 'ssh-key': 'SSH private key' } as const;

/** The first characters of a commit. */
export function short(sha: string): string {
  return sha.slice(0, 8);
}

/** Where a setting comes from. */
export const sources: Record<string, string> = { organisation: 'Organisation', repository: 'This repository', file: 'Its own file' };
