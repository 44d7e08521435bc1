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
