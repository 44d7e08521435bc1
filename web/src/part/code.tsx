import { memo, useState } from 'react';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { Name, visible } from './name.tsx';
import { tokens } from './token.ts';
import css from './code.module.css';

/** A line of code in colours. */
export const Line = memo(function Line({ text }: { text: string }) {
  // Longer lines are data; parting them would take time and help nobody.
  if (text.length > 400) return visible(text);
  return tokens(text).map((t, i) => (t.kind ? <span key={i} className={css[t.kind]}>{visible(t.text)}</span> : visible(t.text)));
});

/** Puts a text on the clipboard. On plain http addresses the browser has none; then the text is selected for the person to copy. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = () => {
    void Promise.resolve(navigator.clipboard?.writeText(text)).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    });
  };
  return (
    <button type="button" className={css.copy} onClick={copy} aria-label={label} title={label}>
      {done ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
    </button>
  );
}

interface Props {
  file: string;
  /** Number of the first line. */
  first: number;
  lines: string[];
  /** First and last line that decided. */
  mark?: [number, number];
  /** What is said at the marked line. */
  note?: string;
  tone?: 'bad' | 'accent';
  /** Beside the name of the file. */
  label?: string;
}

/** Lines of a file with the one that decided. */
export function Code({ file, first, lines, mark, note, tone = 'bad', label }: Props) {
  const width = String(first + lines.length).length;
  return (
    <figure className={css.code} data-tone={tone}>
      <figcaption>
        <span className={css.file}>
          <Name of={file} />
          {mark && `:${mark[0]}`}
        </span>
        {label && <span className={css.label}>{label}</span>}
        <Copy text={lines.join('\n')} label="Copy these lines" />
      </figcaption>
      <pre tabIndex={0} aria-label={`Lines of ${visible(file)}`}>
        {lines.map((text, i) => {
          const n = first + i;
          const marked = mark !== undefined && n >= mark[0] && n <= mark[1];
          return (
            <div key={n} className={css.row} data-marked={marked ? '' : undefined}>
              <span className={css.gutter} style={{ width: `${width + 1}ch` }} aria-hidden>
                {n}
              </span>
              <code>
                {marked && <span className="sr-only">deciding line: </span>}
                <Line text={text} />
                {'\n'}
              </code>
              {note && mark && n === mark[1] && <div className={css.note}>{note}</div>}
            </div>
          );
        })}
      </pre>
    </figure>
  );
}
