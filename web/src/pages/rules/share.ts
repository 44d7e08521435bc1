import type { SeverityName } from '../../part/badge.tsx';

/** How many findings a rule has, and what became of them. */
export interface Tally {
  open: number;
  undecided: number;
  muted: number;
  fixed: number;
  decided: number;
  falsePositives: number;
}

/** A rule in the list. */
export interface Rule {
  id: string;
  title: string;
  severity: SeverityName | '';
  effective: SeverityName | '';
  off: boolean;
  settings: number;
  category: string;
  provider: string;
  fix: boolean;
  frameworks: string[];
  tally: Tally;
}

/** A decision about a rule, in the words of the API. */
export interface Decision {
  id: string;
  team: string;
  repository: string;
  teamName: string;
  repositoryName: string;
  off: boolean;
  severity: string;
  reason: string;
  by: string;
  at: string;
}

/** The page of a rule. */
export interface RulePage extends Rule {
  message: string;
  why: string;
  types: string[];
  require: { type: string; text: string }[];
  fixes: string[];
  caution: string;
  examples: { section: string; dialect: string; files: { name: string; text: string }[] }[];
  controls: { framework: string; name: string; control: string; title: string }[];
  aliases: string[];
  since: string;
  decided: Decision[];
  queries: Record<string, string>;
}

/** What share of what was decided were false positives, with what it was computed from: a share of three says little. */
export function falsePositives(t: Pick<Tally, 'decided' | 'falsePositives'>): string {
  if (t.decided === 0) return '–';
  return `${Math.round((100 * t.falsePositives) / t.decided)} % (${t.falsePositives} of ${t.decided})`;
}

/** A term of a query; a value that would not be read as it is stands in quotes. */
export function term(key: string, value: string): string {
  return /^[\w./-]+$/.test(value) ? `${key}:${value}` : `${key}:"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** Words for people: "access-control" → "Access control". */
export function words(id: string): string {
  const text = id.replace(/-/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Where a decision holds, in words. */
export function place(d: Pick<Decision, 'teamName' | 'repositoryName'>): string {
  if (d.repositoryName) return `Repository ${d.repositoryName}`;
  return d.teamName ? `Team ${d.teamName}` : 'Organisation';
}

/** What a decision says, in words. */
export function ruling(d: Pick<Decision, 'off' | 'severity'>): string {
  if (d.off) return 'off';
  return d.severity ? `on, as ${d.severity}` : 'on, as the rule says';
}
