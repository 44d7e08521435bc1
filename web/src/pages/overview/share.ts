import type { SeverityName } from '../../part/badge.tsx';

/** A number with the query that lists what it counts. */
export interface Numbered {
  count: number;
  query: string;
}

/** Counts by severity. */
export type Tally = Record<SeverityName, number>;

/** What GET /api/overview answers. */
export interface Overview {
  query: string;
  from: string;
  to: string;
  open: Numbered;
  severities: (Numbered & { severity: SeverityName })[];
  undecided: Numbered;
  muted: Numbered;
  new: Numbered;
  fixed: Numbered;
  days: { day: string; open: Tally }[];
  weeks: { from: string; to: string; new: Numbered; fixed: Numbered }[];
  remediation: { severity: SeverityName; fixed: number; mean: number; median: number; query: string }[];
  repositories: { id: string; name: string; score: number; count: number; open: Tally; query: string }[];
  rules: { rule: string; title: string; score: number; count: number; repositories: number; open: Tally; query: string }[];
  oldest: { id: string; severity: SeverityName; rule: string; message: string; address: string; repository: string; firstSeenAt: string }[];
  coverage: { repositories: number; scanned: number; failing: { id: string; name: string; problem: string }[]; files: number; skipped: number; problems: number; resources: number; oldest: string };
  compliance: { id: string; name: string; version: string; score: number | null; judged: number; total: number; controls: Record<string, number>; query: string }[];
}

const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const dayWithYear = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: '2-digit', timeZone: 'UTC' });

/** The names of days that a chart has room for: the year only where the days are of several. */
export function dayNames(days: string[]): string[] {
  const years = new Set(days.map((d) => d.slice(0, 4)));
  return days.map((d) => (years.size > 1 ? dayWithYear : day).format(new Date(d)));
}

/** The first day of a span that ends today and is so many days long, as the API wants it. */
export function firstDay(days: number, now = new Date()): string {
  return new Date(now.getTime() - (days - 1) * 86_400_000).toISOString().slice(0, 10);
}

/** A length of time as people say it: 93 minutes are "2 h", two days are "2 days". In seconds. */
export function lasting(seconds: number): string {
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** How a count moved from the first day to the last: "12 more than at the beginning". Fewer is good. When there was nothing on the first day, the
 * code may not have been watched yet: more is then no bad news, and the day from which there is something is said. */
export function moved(days: { day?: string; open: Tally }[]): { text: string; tone?: 'good' | 'bad' } {
  const sum = (t: Tally) => t.critical + t.high + t.medium + t.low + t.info;
  if (days.length < 2) return { text: '' };
  if (sum(days[0]!.open) === 0) {
    const first = days.find((d) => sum(d.open) > 0);
    return { text: first?.day ? `the first was seen on ${first.day.slice(0, 10)}` : '' };
  }
  const change = sum(days[days.length - 1]!.open) - sum(days[0]!.open);
  if (change === 0) return { text: 'as many as at the beginning' };
  return change > 0 ? { text: `${change} more than at the beginning`, tone: 'bad' } : { text: `${-change} fewer than at the beginning`, tone: 'good' };
}

/** A share as people say it; nothing when nothing was judged. */
export function percent(score: number | null): string {
  return score === null ? '–' : `${Math.floor(score * 100)} %`;
}
