import { useMemo } from 'react';
import { Copy, Line } from './code.tsx';
import { Name, visible } from './name.tsx';
import { changed, readDiff, type DiffLine } from './unified.ts';
import code from './code.module.css';
import css from './diff.module.css';

/** For each line that went and has a twin that came right after the group: where the two differ. */
function twins(hunk: DiffLine[]): Map<number, { from: number; length: number }> {
  const out = new Map<number, { from: number; length: number }>();
  for (let i = 0; i < hunk.length; ) {
    let gone = i;
    while (hunk[gone]?.kind === 'gone') gone++;
    let came = gone;
    while (hunk[came]?.kind === 'came') came++;
    if (gone - i === came - gone) {
      for (let k = 0; k < gone - i; k++) {
        const c = changed(hunk[i + k]!.text, hunk[gone + k]!.text);
        if (c) {
          out.set(i + k, { from: c.from, length: c.a });
          out.set(gone + k, { from: c.from, length: c.b });
        }
      }
    }
    i = Math.max(came, i + 1);
  }
  return out;
}

function Marked({ text, at }: { text: string; at: { from: number; length: number } | undefined }) {
  if (!at || at.length === 0) return <Line text={text} />;
  return (
    <>
      {visible(text.slice(0, at.from))}
      <mark>{visible(text.slice(at.from, at.from + at.length))}</mark>
      {visible(text.slice(at.from + at.length))}
    </>
  );
}

/** A unified difference of some files; one that does not apply has nothing to copy. */
export function Diff({ of, applies = true }: { of: string; applies?: boolean }) {
  const files = useMemo(() => readDiff(of), [of]);
  return files.map((file) => (
    <figure key={file.name} className={code.code}>
      <figcaption>
        <span className={code.file}>
          <Name of={file.name} />
        </span>
        <span className={code.label}>
          {file.came > 0 && <span className={css.plus}>+{file.came}</span>} {file.gone > 0 && <span className={css.minus}>−{file.gone}</span>}
        </span>
        {applies && <Copy text={of} label="Copy the patch" />}
      </figcaption>
      <pre tabIndex={0} aria-label={`Change of ${visible(file.name)}`}>
        {file.hunks.map((hunk, h) => {
          const at = twins(hunk);
          return (
            <div key={h} className={css.hunk}>
              {hunk.map((line, i) => (
                <div key={i} className={css.row} data-kind={line.kind}>
                  <span className={css.number} aria-hidden>
                    {line.old || ''}
                  </span>
                  <span className={css.number} aria-hidden>
                    {line.now || ''}
                  </span>
                  <span className={css.sign}>
                    {line.kind === 'came' ? '+' : line.kind === 'gone' ? '-' : ' '}
                    <span className="sr-only">{line.kind === 'came' ? 'added: ' : line.kind === 'gone' ? 'removed: ' : ''}</span>
                  </span>
                  <code>
                    <Marked text={line.text} at={at.get(i)} />
                    {'\n'}
                  </code>
                </div>
              ))}
            </div>
          );
        })}
      </pre>
    </figure>
  ));
}
