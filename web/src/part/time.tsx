const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** How long ago (or how far ahead) a moment is: "3 days ago". now is in milliseconds. */
export function ago(moment: string | Date, now = Date.now()): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return 'just now';
}

/** The moment in full, in the person's own time and words. */
export function inFull(moment: string | Date): string {
  return exact.format(new Date(moment));
}

/** The day of a moment. */
export function dayOf(moment: string | Date): string {
  return day.format(new Date(moment));
}

/** How long something took or is: 93 → "1 min 33 s", 0.4 → "400 ms". In seconds. */
export function span(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** A moment as people say it, with the exact one for those who ask. Nothing for no moment. */
export function Time({ at }: { at: string | undefined | null }) {
  if (!at || at.startsWith('0001-')) return null;
  return (
    <time dateTime={at} title={inFull(at)}>
      {ago(at)}
    </time>
  );
}

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count in full: 1,204. */
export function count(n: number): string {
  return whole.format(n);
}

/** A count where there is little room: 1.2K. */
export function brief(n: number): string {
  return n < 10_000 ? whole.format(n) : short.format(n);
}

/** "1 finding", "2 findings". */
export function many(n: number, one: string, more = one + 's'): string {
  return `${whole.format(n)} ${n === 1 ? one : more}`;
}
