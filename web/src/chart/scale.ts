/** A line that starts at zero and ends at or above the most, with marks at round numbers: at most want steps. */
export function ticks(most: number, want = 4): number[] {
  if (!(most > 0)) return [0, 1];
  const raw = most / want;
  const power = 10 ** Math.floor(Math.log10(raw));
  const nice = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw && (s >= 10 || s !== 2.5 * power)) ?? 10 * power;
  // Counts have no halves.
  const step = Number.isInteger(most) ? Math.max(1, Math.ceil(nice)) : nice;
  const out = [0];
  while (out[out.length - 1]! < most) out.push(Math.round(out.length * step * 1e9) / 1e9);
  return out;
}

/** The d of a path through points; straight between them, because nothing is known of what is in between. */
export function through(points: [number, number][]): string {
  return points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)},${round(y)}`).join('');
}

/** The d of an area between two lines that have the same x. */
export function between(upper: [number, number][], lower: [number, number][]): string {
  if (upper.length === 0) return '';
  return through(upper) + through([...lower].reverse()).replace('M', 'L') + 'Z';
}

/** The d of a part of a ring. Angles are parts of a whole turn from the top, clockwise. */
export function arc(cx: number, cy: number, outer: number, inner: number, from: number, to: number): string {
  const end = Math.min(to, from + 0.99999); // a whole turn has no direction
  const at = (r: number, a: number): string => `${round(cx + r * Math.sin(a * 2 * Math.PI))},${round(cy - r * Math.cos(a * 2 * Math.PI))}`;
  const large = end - from > 0.5 ? 1 : 0;
  return `M${at(outer, from)}A${outer},${outer} 0 ${large} 1 ${at(outer, end)}L${at(inner, end)}A${inner},${inner} 0 ${large} 0 ${at(inner, from)}Z`;
}

const round = (n: number) => Math.round(n * 100) / 100;

/** Which labels of n stand below a line of some width, so that none touches the next: their indices. */
export function labelled(n: number, width: number, each = 76): number[] {
  if (n === 0) return [];
  const room = Math.max(1, Math.floor(width / each));
  const step = Math.max(1, Math.ceil(n / room));
  const out = [];
  for (let i = n - 1; i >= 0; i -= step) out.unshift(i);
  return out;
}
