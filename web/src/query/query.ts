/**
 * The search language of findings, as far as the interface has to understand it: which terms a query has, and how to change one
 * of them and leave the rest as it was written. What a query means, the server decides; a term that is not understood here stays.
 *
 *   severity:high,critical repo:payments -status:muted tag:Compliance=PCI-DSS file:"a b/*.tf" some words
 */

/** One term of a query. Words without a key have the key "". */
export interface Term {
  key: string;
  negated: boolean;
  values: string[];
  /** Where it stands in the query, in characters; to is behind its last one. */
  from: number;
  to: number;
}

const spaces = /\s/;

/** Reads a query. A quote that is not closed reaches to the end. */
export function parse(query: string): Term[] {
  const terms: Term[] = [];
  let i = 0;
  while (i < query.length) {
    if (spaces.test(query[i]!)) {
      i++;
      continue;
    }
    const from = i;
    const negated = query[i] === '-' && i + 1 < query.length && !spaces.test(query[i + 1]!);
    if (negated) i++;
    const key = /^[a-zA-Z][\w-]*(?=:)/.exec(query.slice(i))?.[0] ?? '';
    if (key) i += key.length + 1;
    const values: string[] = [];
    for (;;) {
      let value = '';
      while (i < query.length && !spaces.test(query[i]!) && !(key && query[i] === ',')) {
        if (query[i] === '"') {
          i++;
          while (i < query.length && query[i] !== '"') {
            if (query[i] === '\\' && i + 1 < query.length) i++;
            value += query[i++];
          }
          i++;
        } else if (query[i] === '(') {
          // Brackets are the server's business: they are kept as they stand.
          let depth = 0;
          do {
            if (query[i] === '(') depth++;
            if (query[i] === ')') depth--;
            value += query[i++];
          } while (i < query.length && depth > 0);
        } else {
          value += query[i++];
        }
      }
      values.push(value);
      if (!key || query[i] !== ',') break;
      i++;
    }
    terms.push({ key: key.toLowerCase(), negated, values, from, to: Math.min(i, query.length) });
  }
  return terms;
}

/** A value as a query has it: quoted when it holds something that has a meaning. */
export function quote(value: string): string {
  return value === '' || /[\s,"]/.test(value) ? `"${value.replace(/[\\"]/g, '\\$&')}"` : value;
}

/** A term as a query has it. */
export function write(term: Pick<Term, 'key' | 'negated' | 'values'>): string {
  const values = term.values.map((v) => (v.startsWith('(') && v.endsWith(')') ? v : !term.key && v.includes(':') ? `"${v.replace(/[\\"]/g, '\\$&')}"` : quote(v)));
  return (term.negated ? '-' : '') + (term.key ? `${term.key}:` : '') + values.join(',');
}

/** What a query says of a key: the values that it asks for, and those that it leaves out. */
export function chosen(query: string, key: string): { included: Set<string>; excluded: Set<string> } {
  const out = { included: new Set<string>(), excluded: new Set<string>() };
  for (const t of parse(query)) {
    if (t.key === key) for (const v of t.values) (t.negated ? out.excluded : out.included).add(v);
  }
  return out;
}

/** The query with other values for a key: none of them, and the term goes. Terms of other keys stay as they were written. */
function replace(query: string, key: string, negated: boolean, values: string[]): string {
  const terms = parse(query);
  const text: string[] = [];
  let done = values.length === 0;
  for (const t of terms) {
    if (t.key !== key || t.negated !== negated) {
      text.push(query.slice(t.from, t.to));
    } else if (!done) {
      text.push(write({ key, negated, values }));
      done = true;
    }
  }
  if (!done) text.push(write({ key, negated, values }));
  return text.join(' ');
}

/** Asks for one value more or less (include), or leaves it out or no longer (exclude). What was the other way round is turned. */
export function toggle(query: string, key: string, value: string, how: 'include' | 'exclude'): string {
  const { included, excluded } = chosen(query, key);
  const [mine, other] = how === 'include' ? [included, excluded] : [excluded, included];
  if (mine.has(value)) mine.delete(value);
  else mine.add(value);
  let out = query;
  if (other.delete(value)) out = replace(out, key, how === 'include', [...other]);
  return replace(out, key, how === 'exclude', [...mine]);
}

/** Asks for exactly one value of a key. */
export function only(query: string, key: string, value: string): string {
  return replace(replace(query, key, true, []), key, false, [value]);
}

/** Says nothing of a key any more. */
export function without(query: string, key: string): string {
  return replace(replace(query, key, true, []), key, false, []);
}

/** The query without the term at an index of parse. */
export function drop(query: string, index: number): string {
  return parse(query)
    .filter((_, i) => i !== index)
    .map((t) => query.slice(t.from, t.to))
    .join(' ');
}

/** What somebody is about to write at a place of the query, and the part of it that a completion takes the place of. */
export interface Cursor {
  kind: 'key' | 'value';
  /** Of a value: the key before it. */
  key: string;
  /** What was written of it. */
  prefix: string;
  from: number;
  to: number;
}

/** Says what stands at a place (in characters) of the query. */
export function cursorAt(query: string, place: number): Cursor {
  const term = parse(query).find((t) => t.from <= place && place <= t.to);
  if (!term) return { kind: 'key', key: '', prefix: '', from: place, to: place };
  const start = term.from + (term.negated ? 1 : 0);
  const keyEnd = start + term.key.length;
  if (!term.key || place <= keyEnd) {
    const to = term.key ? keyEnd + 1 : term.to;
    return { kind: 'key', key: '', prefix: query.slice(start, Math.min(place, to)), from: start, to };
  }
  // The value around the place: between commas that no quote holds.
  let from = keyEnd + 1;
  let quoted = false;
  let to = term.to;
  for (let i = keyEnd + 1; i < term.to; i++) {
    if (query[i] === '"') quoted = !quoted;
    if (query[i] === ',' && !quoted) {
      if (i < place) from = i + 1;
      else {
        to = i;
        break;
      }
    }
  }
  return { kind: 'value', key: term.key, prefix: query.slice(from, Math.min(place, to)).replace(/^"/, ''), from, to };
}

/** The query with a completion in the place of what was written, and where the cursor then is. */
export function complete(query: string, cursor: Cursor, text: string): { query: string; place: number } {
  const put = cursor.kind === 'key' ? `${text}:` : quote(text) + (query[cursor.to] === undefined ? ' ' : '');
  return { query: query.slice(0, cursor.from) + put + query.slice(cursor.to), place: cursor.from + put.length };
}
