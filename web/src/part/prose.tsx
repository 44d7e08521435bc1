import { Fragment, type ReactNode } from 'react';
import { visible } from './name.tsx';
import css from './prose.module.css';

const inline = /(`+)([^`]+?)\1|\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Text with emphasis, code and links. An address that is not a plain one of the web stays text. */
function spans(text: string): ReactNode[] {
  const out: ReactNode[] = [];
  let at = 0;
  for (const m of text.matchAll(inline)) {
    out.push(visible(text.slice(at, m.index)));
    if (m[2] !== undefined) out.push(<code>{visible(m[2])}</code>);
    else if (m[3] !== undefined) out.push(<strong>{spans(m[3])}</strong>);
    else if (m[4] !== undefined) out.push(<em>{spans(m[4])}</em>);
    else if (/^https?:\/\//i.test(m[6]!))
      out.push(
        <a href={m[6]} target="_blank" rel="noreferrer noopener">
          {visible(m[5]!)}
        </a>,
      );
    else out.push(visible(m[0]));
    at = m.index + m[0].length;
  }
  out.push(visible(text.slice(at)));
  return out.map((x, i) => <Fragment key={i}>{x}</Fragment>);
}

/** The small part of Markdown that rules are written in, as elements: paragraphs, lists, headings, fenced code, emphasis, links. No HTML. */
export function Prose({ of }: { of: string }) {
  const blocks: ReactNode[] = [];
  const lines = of.replace(/\r/g, '').split('\n');
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!;
    if (line.trim() === '') {
      i++;
    } else if (line.startsWith('```')) {
      const text: string[] = [];
      for (i++; i < lines.length && !lines[i]!.startsWith('```'); i++) text.push(lines[i]!);
      i++;
      blocks.push(<pre tabIndex={0}>{visible(text.join('\n'))}</pre>);
    } else if (/^#{1,6} /.test(line)) {
      blocks.push(<h3>{spans(line.replace(/^#+ /, ''))}</h3>);
      i++;
    } else if (/^\s*([-*]|\d+\.) /.test(line)) {
      const numbered = /^\s*\d/.test(line);
      const items: string[] = [];
      for (; i < lines.length && lines[i]!.trim() !== ''; i++) {
        if (/^\s*([-*]|\d+\.) /.test(lines[i]!)) items.push(lines[i]!.replace(/^\s*([-*]|\d+\.) /, ''));
        else items[items.length - 1] += ' ' + lines[i]!.trim();
      }
      const entries = items.map((t, k) => <li key={k}>{spans(t)}</li>);
      blocks.push(numbered ? <ol>{entries}</ol> : <ul>{entries}</ul>);
    } else {
      const text: string[] = [];
      for (; i < lines.length && lines[i]!.trim() !== '' && !lines[i]!.startsWith('```'); i++) text.push(lines[i]!.trim());
      blocks.push(<p>{spans(text.join(' '))}</p>);
    }
  }
  return (
    <div className={css.prose}>
      {blocks.map((b, i) => (
        <Fragment key={i}>{b}</Fragment>
      ))}
    </div>
  );
}
