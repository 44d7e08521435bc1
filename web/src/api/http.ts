import { problemOf } from './problem.ts';

type Scalar = string | number | boolean | undefined | null;

/** What hears of answers that say "sign in first". One listener, which App sets. */
let signedOut: () => void = () => {};

/** Sets what happens when the server answers 401. */
export function onSignedOut(then: () => void) {
  signedOut = then;
}

/** An address of the API with its query; empty values are left out, lists are joined by commas. */
export function address(path: string, query: Record<string, Scalar | Scalar[]> = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) {
    const text = Array.isArray(v) ? v.join(',') : v;
    if (text !== undefined && text !== null && text !== '') q.set(k, String(text));
  }
  const s = q.toString();
  return s ? `${path}?${s}` : path;
}

/** Thirty-two hexadecimal digits that no other request has. crypto.randomUUID is not there on plain http addresses. */
export function once(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** fetch with what every request of the interface has. A failure is a Problem. */
export async function call(input: Request | string, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { credentials: 'same-origin', ...init });
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const problem = problemOf(response.status, response.headers, body);
  if (response.status === 401) signedOut();
  throw problem;
}

/** Reads from the API: get<Job[]>('/api/jobs', { state: 'failed' }). */
export async function get<T>(path: string, query?: Record<string, Scalar | Scalar[]>, signal?: AbortSignal): Promise<T> {
  const response = await call(address(path, query), { signal, headers: { Accept: 'application/json' } });
  return (await response.json()) as T;
}

/** Changes something through the API. A request that is repeated after a broken connection is done once (Idempotency-Key). */
export async function send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const response = await call(path, {
    method,
    headers: { Accept: 'application/json', 'Idempotency-Key': once(), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 204 || response.headers.get('Content-Length') === '0') return undefined as T;
  return (await response.json()) as T;
}
