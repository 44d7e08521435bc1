import type { Schema } from '../../api/types.ts';

export type AuditRecord = Schema<'AuditRecord'>;
export type AuditLog = Schema<'AuditStateOutputBody'>;

/** What a signed note over the log says: its name, size and root, and who signed it. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: string;
  /** Names of the keys; the first is the log's own, the others are witnesses. */
  signers: string[];
}

/** Reads a signed note; undefined when it is none, as that of an empty log. The signatures are proved by `plumbline audit verify`, not here. */
export function checkpointOf(note: string): Checkpoint | undefined {
  const [text, signatures] = note.split('\n\n');
  const [origin, size, root] = (text ?? '').split('\n');
  if (!origin || !root || !/^\d+$/.test(size ?? '')) return undefined;
  return { origin, size: Number(size), root, signers: (signatures ?? '').split('\n').filter((l) => l.startsWith('— ')).map((l) => l.split(' ')[1] ?? '') };
}

/** The times of the API between two days as inputs have them (2026-11-22), both included, in the person's own time. */
export function between(from?: string, until?: string): { from?: string; until?: string } {
  const at = (day: string | undefined, later: number) => {
    const [y, m, d] = (day ?? '').split('-').map(Number);
    const t = y && m && d ? new Date(y, m - 1, d + later) : undefined;
    return t && !Number.isNaN(t.getTime()) ? t.toISOString() : undefined;
  };
  return { from: at(from, 0), until: at(until, 1) };
}

/** How a column of the log names an actor or an object: kind:id, or the kind alone. */
export function reference(of: { kind: string; id: string }): string {
  return of.id ? `${of.kind}:${of.id}` : of.kind;
}

/** The data of a record in one line: "reason risk-accepted, count 3"; "" for none. */
export function brief(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  return Object.entries(data)
    .map(([k, v]) => `${k} ${typeof v === 'string' ? v : JSON.stringify(v)}`)
    .join(', ');
}

/** A text as one word of a line of bash. */
export function quoted(text: string): string {
  return /^[\w.+/:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
