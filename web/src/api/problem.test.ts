import { expect, it } from 'vitest';
import { address } from './http.ts';
import { asProblem, Problem, problemOf } from './problem.ts';

const headers = new Headers({ 'X-Request-Id': 'R1' });

it.each([
  ['says what the server says', 422, { title: 'Unprocessable Entity', detail: 'the query is too long' }, 'the query is too long'],
  ['falls back to the title', 418, { title: 'Teapot' }, 'Teapot'],
  ['knows what a status means', 429, undefined, 'Too many requests at once. Wait a moment, then try again.'],
  ['says "sign in" in its own words', 401, { detail: 'Nobody is signed in' }, 'You are signed out. Sign in again to go on.'],
  ['says at least the status', 599, 'nonsense', 'The server answered with status 599.'],
])('%s', (_, status, body, want) => {
  const p = problemOf(status, headers, body);
  expect([p.message, p.status, p.request]).toEqual([want, status, 'R1']);
});

it('names the fields', () => {
  const errors = [{ location: 'body.until', message: 'is in the past' }, { message: 'no place' }, { location: 'x' }, null];
  expect(problemOf(422, headers, { errors }).fields).toEqual(['body.until: is in the past', 'no place']);
});

it('makes a problem of anything', () => {
  const p = new Problem(404, 'x');
  expect(asProblem(p)).toBe(p);
  expect(asProblem(new TypeError('Failed to fetch')).message).toMatch(/cannot be reached/);
  expect(asProblem('text').message).toBe('text');
});

it('writes addresses', () => {
  expect(address('/api/x', { q: 'a b', facet: ['a', 'b'], cursor: '', limit: 0, none: undefined })).toBe('/api/x?q=a+b&facet=a%2Cb&limit=0');
  expect(address('/api/x')).toBe('/api/x');
});
