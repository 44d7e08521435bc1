/** A piece of a line of code with what it is: string, comment, number, word (a constant or keyword), key, or "" for the rest. */
export interface Token {
  kind: '' | 'string' | 'comment' | 'number' | 'word' | 'key';
  text: string;
}

const pieces =
  /("(?:\\.|[^"\\])*"?|'(?:[^'\\]|\\.)*')|((?:^|(?<=\s))(?:#|\/\/).*$)|(?<![\w./-])(-?\d+(?:\.\d+)?)(?![\w./-])|(?<![\w./-])(true|false|null|yes|no|resource|module|variable|data|provider|output|locals|terraform|param|existing|FROM|RUN|COPY|ADD|USER|ENV|CMD|ENTRYPOINT|EXPOSE|WORKDIR|ARG)(?![\w./-])|((?:^|(?<=^\s*(?:- )?))[\w./-]+(?=\s*(?:=(?!=)|:(?:\s|$))))/g;

/** Parts a line so that it can be coloured. The same for every dialect: strings, comments, numbers and keys look alike in all of them. */
export function tokens(line: string): Token[] {
  const out: Token[] = [];
  let at = 0;
  for (const m of line.matchAll(pieces)) {
    if (m.index > at) out.push({ kind: '', text: line.slice(at, m.index) });
    out.push({ kind: m[1] !== undefined ? 'string' : m[2] !== undefined ? 'comment' : m[3] !== undefined ? 'number' : m[4] !== undefined ? 'word' : 'key', text: m[0] });
    at = m.index + m[0].length;
  }
  if (at < line.length) out.push({ kind: '', text: line.slice(at) });
  return out;
}
