import { useState, type ReactNode } from 'react';
import css from './chart.module.css';

/** Numbers as a table, for those who cannot or will not read a drawing. */
export interface TableOf {
  head: string[];
  rows: (string | number)[][];
}

/** What is around every drawing: its name, its legend, and the same as a table behind a button. */
export function ChartFrame({ label, legend, table, children }: { label: string; legend?: { name: string; colour: string }[]; table: TableOf; children: ReactNode }) {
  const [asTable, setAsTable] = useState(false);
  return (
    <figure className={css.chart} aria-label={label}>
      <div className={css.top}>
        {legend && !asTable && (
          <ul className={css.legend}>
            {legend.map((l) => (
              <li key={l.name}>
                <span style={{ background: l.colour }} aria-hidden />
                {l.name}
              </li>
            ))}
          </ul>
        )}
        <button type="button" className={css.toggle} aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Chart' : 'Table'}
          <span className="sr-only"> of {label}</span>
        </button>
      </div>
      {asTable ? (
        <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
          <table className={css.table}>
            <thead>
              <tr>
                {table.head.map((h) => (
                  <th key={h} scope="col">
                    {h}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((r, i) => (
                <tr key={i}>
                  {r.map((c, k) => (k === 0 ? <th key={k} scope="row">{c}</th> : <td key={k}>{c}</td>))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        children
      )}
    </figure>
  );
}

/** The colours of the severities in drawings, and of other series in their order. */
export const fill = {
  critical: 'var(--critical-fill)',
  high: 'var(--high-fill)',
  medium: 'var(--medium-fill)',
  low: 'var(--low-fill)',
  info: 'var(--info-fill)',
} as const;

export const series = ['var(--series-1)', 'var(--series-2)', 'var(--series-3)', 'var(--series-4)', 'var(--series-5)', 'var(--series-6)'];
