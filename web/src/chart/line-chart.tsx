import { useState, type KeyboardEvent } from 'react';
import { useElementSize } from '@mantine/hooks';
import { brief, count } from '../part/time.tsx';
import { ChartFrame, series as colours } from './frame.tsx';
import { between, labelled, through, ticks } from './scale.ts';
import css from './chart.module.css';

export interface Series {
  name: string;
  /** A custom property: fill.high; when missing, the next of the palette. */
  colour?: string;
  /** One for each label; undefined where nothing is known. */
  values: (number | undefined)[];
}

interface Props {
  /** What is drawn: "Open findings by severity". */
  label: string;
  /** Names of the moments, oldest first: "3 Nov". */
  labels: string[];
  series: Series[];
  /** Areas on top of each other, the first at the bottom, in place of lines. */
  stacked?: boolean;
  height?: number;
  /** How a number is said: 1,204, or "3 days". */
  format?: (n: number) => string;
  /** What pressing a moment does: open the findings of then. */
  onPick?: (index: number) => void;
}

const space = { left: 40, right: 10, top: 8, bottom: 24 };

/** Several series over time, as lines or stacked areas. Arrow keys go from moment to moment, Enter picks one. */
export function LineChart({ label, labels, series, stacked, height = 220, format = count, onPick }: Props) {
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const [at, setAt] = useState<number>();
  const width = Math.max(measured, 200);
  const n = labels.length;
  const named = series.map((s, i) => ({ ...s, colour: s.colour ?? colours[i % colours.length]! }));
  const sums = labels.map((_, i) => series.reduce((sum, s) => sum + (s.values[i] ?? 0), 0));
  const most = Math.max(0, ...(stacked ? sums : series.flatMap((s) => s.values.map((v) => v ?? 0))));
  const marks = ticks(most);
  const top = marks[marks.length - 1]!;
  const x = (i: number) => space.left + (n <= 1 ? (width - space.left - space.right) / 2 : (i * (width - space.left - space.right)) / (n - 1));
  const y = (v: number) => height - space.bottom - (v / top) * (height - space.top - space.bottom);

  const floor = labels.map(() => 0);
  const drawn = named.map((s) => {
    if (!stacked) {
      // A gap in what is known is a gap in the line.
      const runs: [number, number][][] = [[]];
      s.values.forEach((v, i) => (v === undefined ? runs.push([]) : runs[runs.length - 1]!.push([x(i), y(v)])));
      return { ...s, d: runs.filter((r) => r.length > 0).map(through).join('') };
    }
    const lower: [number, number][] = floor.map((v, i) => [x(i), y(v)]);
    s.values.forEach((v, i) => (floor[i] = floor[i]! + (v ?? 0)));
    return { ...s, d: between(floor.map((v, i) => [x(i), y(v)]), lower) };
  });

  const hear = (e: KeyboardEvent) => {
    if (e.key === 'ArrowRight' || e.key === 'ArrowLeft') {
      e.preventDefault();
      setAt((i) => (i === undefined ? n - 1 : Math.min(n - 1, Math.max(0, i + (e.key === 'ArrowRight' ? 1 : -1)))));
    }
    if (e.key === 'Enter' && at !== undefined) onPick?.(at);
    if (e.key === 'Escape') setAt(undefined);
  };
  const near = (clientX: number, box: DOMRect) => Math.min(n - 1, Math.max(0, Math.round(((clientX - box.left - space.left) / (width - space.left - space.right)) * (n - 1))));
  const said = at === undefined ? undefined : `${labels[at]}: ${named.map((s) => `${s.name} ${s.values[at] === undefined ? 'not known' : format(s.values[at]!)}`).join(', ')}`;

  return (
    <ChartFrame label={label} legend={named.map((s) => ({ name: s.name, colour: s.colour }))} table={{ head: ['', ...series.map((s) => s.name)], rows: labels.map((l, i) => [l, ...series.map((s) => (s.values[i] === undefined ? '–' : format(s.values[i]!)))]) }}>
      <div ref={ref} className={css.canvas} style={{ height }}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={said ?? `${label}. Arrow keys read it from moment to moment.`}
          tabIndex={0}
          data-pick={onPick ? '' : undefined}
          onKeyDown={hear}
          onPointerMove={(e) => n > 0 && setAt(near(e.clientX, e.currentTarget.getBoundingClientRect()))}
          onPointerLeave={() => setAt(undefined)}
          onBlur={() => setAt(undefined)}
          onClick={() => at !== undefined && onPick?.(at)}
        >
          {marks.map((v) => (
            <g key={v}>
              <line className={css.grid} x1={space.left} x2={width - space.right} y1={y(v)} y2={y(v)} data-zero={v === 0 ? '' : undefined} />
              <text className={css.tick} x={space.left - 8} y={y(v) + 4} textAnchor="end">
                {brief(v)}
              </text>
            </g>
          ))}
          {labelled(n, width - space.left).map((i) => (
            <text key={i} className={css.tick} x={x(i)} y={height - 6} textAnchor={i === n - 1 ? 'end' : i === 0 ? 'start' : 'middle'}>
              {labels[i]}
            </text>
          ))}
          {drawn.map((s) => (stacked ? <path key={s.name} d={s.d} className={css.area} style={{ fill: s.colour }} /> : <path key={s.name} d={s.d} className={css.line} style={{ stroke: s.colour }} />))}
          {at !== undefined && (
            <g>
              <line className={css.cursor} x1={x(at)} x2={x(at)} y1={space.top} y2={height - space.bottom} />
              {!stacked && named.map((s) => s.values[at] !== undefined && <circle key={s.name} cx={x(at)} cy={y(s.values[at]!)} r={3.5} className={css.dot} style={{ fill: s.colour }} />)}
            </g>
          )}
        </svg>
        {at !== undefined && (
          <div className={css.tip} style={x(at) > width / 2 ? { right: width - x(at) + 10 } : { left: x(at) + 10 }} aria-hidden>
            <b>{labels[at]}</b>
            {(stacked ? [...named].reverse() : named).map((s) => (
              <span key={s.name}>
                <i style={{ background: s.colour }} />
                {s.name}
                <em>{s.values[at] === undefined ? '–' : format(s.values[at]!)}</em>
              </span>
            ))}
          </div>
        )}
      </div>
    </ChartFrame>
  );
}
