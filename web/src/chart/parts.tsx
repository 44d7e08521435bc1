import type { ReactNode } from 'react';
import { count } from '../part/time.tsx';
import { ChartFrame, series as colours } from './frame.tsx';
import { arc, through } from './scale.ts';
import css from './chart.module.css';

/** A part of a whole. */
export interface Share {
  name: string;
  value: number;
  /** A custom property: fill.high; when missing, the next of the palette. */
  colour?: string;
}

const coloured = (parts: Share[]) => parts.map((p, i) => ({ ...p, colour: p.colour ?? colours[i % colours.length]! }));
const said = (parts: Share[]) => parts.map((p) => `${p.name} ${count(p.value)}`).join(', ');

/** The parts of a whole as one bar. With most, its length is compared with the longest of several. */
export function StackedBar({ label, parts, most, height = 10 }: { label: string; parts: Share[]; most?: number; height?: number }) {
  const total = parts.reduce((sum, p) => sum + p.value, 0);
  return (
    <span className={css.track} style={{ height }} role="img" aria-label={`${label}: ${said(parts)}`}>
      <span className={css.stack} style={{ width: `${most ? (total / most) * 100 : 100}%` }}>
        {coloured(parts).map((p) => p.value > 0 && <span key={p.name} title={`${p.name}: ${count(p.value)}`} style={{ flexGrow: p.value, background: p.colour }} />)}
      </span>
    </span>
  );
}

/** The parts of a whole as a ring, with what matters most in its middle. */
export function Donut({ label, parts, size = 150, children }: { label: string; parts: Share[]; size?: number; children?: ReactNode }) {
  const total = parts.reduce((sum, p) => sum + p.value, 0);
  const r = size / 2;
  let from = 0;
  const shown = coloured(parts);
  return (
    <ChartFrame label={label} table={{ head: ['', 'Count'], rows: parts.map((p) => [p.name, count(p.value)]) }}>
      <div className={css.donut}>
        <div className={css.ring} style={{ width: size, height: size }}>
          <svg width={size} height={size} role="img" aria-label={`${label}: ${said(parts)}`}>
            <circle cx={r} cy={r} r={r * 0.83} className={css.empty} style={{ strokeWidth: r * 0.3 }} />
            {shown.map((p) => {
              if (total === 0 || p.value === 0) return null;
              const start = from;
              from += p.value / total;
              return (
                <path key={p.name} d={arc(r, r, r * 0.98, r * 0.68, start, from)} style={{ fill: p.colour }} className={css.slice}>
                  <title>{`${p.name}: ${count(p.value)}`}</title>
                </path>
              );
            })}
          </svg>
          <div className={css.middle}>{children}</div>
        </div>
        <ul className={css.keys}>
          {shown.map((p) => (
            <li key={p.name}>
              <span style={{ background: p.colour }} aria-hidden />
              {p.name}
              <b>{count(p.value)}</b>
            </li>
          ))}
        </ul>
      </div>
    </ChartFrame>
  );
}

/** A line without axes beside a number. Says first, last and largest to those who do not see it. */
export function Sparkline({ label, values, width = 120, height = 32, colour = 'var(--series-1)' }: { label: string; values: number[]; width?: number; height?: number; colour?: string }) {
  const most = Math.max(...values, 0) || 1;
  const points = values.map((v, i): [number, number] => [values.length <= 1 ? width / 2 : 2 + (i * (width - 4)) / (values.length - 1), height - 3 - (v / most) * (height - 6)]);
  const last = points[points.length - 1];
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} className={css.spark} role="img" aria-label={values.length === 0 ? `${label}: nothing yet` : `${label}: from ${count(values[0]!)} to ${count(values[values.length - 1]!)}, at most ${count(Math.max(...values))}`}>
      {points.length > 1 && <path d={`${through(points)}L${points[points.length - 1]![0]},${height}L${points[0]![0]},${height}Z`} style={{ fill: colour, opacity: 0.12 }} />}
      <path d={through(points)} className={css.line} style={{ stroke: colour }} />
      {last && <circle cx={last[0]} cy={last[1]} r={2.4} style={{ fill: colour }} />}
    </svg>
  );
}

/** How much of a whole is reached, from 0 to 1, as half a ring. undefined when nobody knows. */
export function Gauge({ label, value, size = 130, colour }: { label: string; value: number | undefined; size?: number; colour?: string }) {
  const r = size / 2;
  const part = value === undefined ? 0 : Math.min(1, Math.max(0, value));
  // Less than everything is never shown as everything.
  const percent = value === undefined ? '–' : `${part < 1 ? Math.min(99, Math.round(part * 100)) : 100}%`;
  const tone = colour ?? (part >= 0.9 ? 'var(--good)' : part >= 0.6 ? 'var(--medium-fill)' : 'var(--high-fill)');
  return (
    <div className={css.gauge} style={{ width: size, height: r + 10 }} role="img" aria-label={`${label}: ${percent === '–' ? 'not known' : percent}`}>
      <svg width={size} height={r + 4} aria-hidden>
        <path d={arc(r, r, r * 0.97, r * 0.74, -0.25, 0.25)} className={css.rest} />
        {part > 0 && <path d={arc(r, r, r * 0.97, r * 0.74, -0.25, -0.25 + part / 2)} style={{ fill: tone }} />}
      </svg>
      <b>{percent}</b>
    </div>
  );
}
