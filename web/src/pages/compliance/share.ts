import type { Icon } from '@tabler/icons-react';
import { IconCircleCheckFilled, IconCircleDashed, IconCircleDotted, IconCircleMinus, IconCircleXFilled, IconShieldCheck } from '@tabler/icons-react';

/** What is said of a control. */
export type Standing = 'fail' | 'undecided' | 'accepted' | 'pass' | 'uncovered' | 'no-rule';

/** The standings, from the one that asks for most: their word, sign, tone and what they mean. */
export const standings: Record<Standing, { word: string; icon: Icon; tone: string; means: string; colour: string; key: string }> = {
  fail: { word: 'Fails', icon: IconCircleXFilled, tone: 'bad', means: 'A rule that serves it has an open fail.', colour: 'var(--critical-fill)', key: 'fail' },
  undecided: { word: 'Undecided', icon: IconCircleDotted, tone: 'warn', means: 'Nothing fails, but an input is missing to decide.', colour: 'var(--info-fill)', key: 'undecided' },
  accepted: { word: 'Accepted', icon: IconCircleMinus, tone: 'warn', means: 'All that fails is muted or suppressed: exceptions with a reason.', colour: 'var(--medium-fill)', key: 'accepted' },
  pass: { word: 'Passes', icon: IconCircleCheckFilled, tone: 'good', means: 'Its rules gave verdicts, and none fails.', colour: 'var(--good)', key: 'pass' },
  uncovered: { word: 'Not judged', icon: IconCircleDashed, tone: 'quiet', means: 'Rules serve it, but none had anything to judge. That is no pass.', colour: 'var(--line-strong)', key: 'uncovered' },
  'no-rule': { word: 'No rule', icon: IconShieldCheck, tone: 'quiet', means: 'No rule serves it: it needs other evidence than code.', colour: 'var(--line)', key: 'noRule' },
};

/** A number with the query that lists what it counts. */
export interface Numbered {
  count: number;
  query: string;
}

/** A framework with how far its controls are met. */
export interface Framework {
  id: string;
  name: string;
  version: string;
  source: string;
  controls: Record<string, number>;
  judged: number;
  total: number;
  /** Nothing that the framework is about was judged: it has no score. */
  absent: boolean;
  score: number | null;
  query: string;
}

/** A control with its rules. */
export interface Control {
  id: string;
  title: string;
  status: Standing;
  fails: Numbered;
  undecided: Numbered;
  accepted: Numbered;
  judged: number;
  rules: { id: string; title: string; severity: string; fails: number; undecided: number; accepted: number; judged: number; off: boolean }[];
}

/** What statements rest on. */
export interface Scope {
  query: string;
  repositories: number;
  scanned: number;
  oldest: string;
  newest: string;
}

/** The parts of a bar, in one order everywhere. */
export function parts(controls: Record<string, number>, only?: Standing[]) {
  return (Object.keys(standings) as Standing[])
    .filter((s) => !only || only.includes(s))
    .map((s) => ({ name: standings[s].word, value: controls[standings[s].key] ?? 0, colour: standings[s].colour }));
}

/** Order of controls as people write them: 2.9 before 2.10, AC-2 before AC-10. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** A score as people say it, never rounded up to all; nothing when nothing was judged. */
export function percent(score: number | null): string {
  return score === null ? '–' : `${Math.floor(score * 100)} %`;
}
