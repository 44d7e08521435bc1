import type { SeverityName } from '../../part/badge.tsx';

/** A finding as a row of the list. */
export interface Row {
  id: string;
  rule: string;
  title: string;
  message: string;
  severity: SeverityName;
  outcome: 'fail' | 'undecided';
  status: 'open' | 'muted' | 'fixed';
  category: string;
  repository: { id: string; name: string };
  branch: string;
  address: string;
  resourceType: string;
  provider: string;
  dialect: string;
  file: string;
  line: number;
  team?: { id: string; name: string };
  assignee?: { id: string; name: string };
  hasFix: boolean;
  firstSeen: string;
  lastSeen: string;
  mute?: Mute;
}

/** A decision that a finding is not to be acted on. */
export interface Mute {
  reason: string;
  comment: string;
  by: string;
  at: string;
  until?: string;
}

/** Lines of a file; mark is the first and the last line of what decided. */
export interface Excerpt {
  file: string;
  first: number;
  lines: string[];
  mark: [number, number];
}

/** A place of code with what it is about: module.web, var.acl. */
export interface Step extends Excerpt {
  text: string;
}

export interface Place {
  text: string;
  file: string;
  line: number;
}

export interface Evidence {
  path: string;
  value: string;
  from: Place[];
}

export interface Fix {
  title: string;
  caution: string;
  /** Addresses of other resources that change too. */
  shared: string[];
  /** Unified, of all files. */
  diff: string;
  /** What the fix went through before it was offered. */
  gates: string[];
}

/** Something that happened to a finding. */
export interface Happening {
  id: string;
  at: string;
  kind: 'opened' | 'fixed' | 'reopened' | 'moved' | 'muted' | 'restored' | 'expired' | 'assigned' | 'commented' | 'severity';
  actor: string;
  branch?: string;
  sha?: string;
  text?: string;
}

/** A finding with all that is known of it. */
export interface Detail extends Row {
  why: string;
  attribute: string;
  unit: string;
  variants: string[];
  excerpt?: Excerpt | null;
  /** The way from where modules are called and values are set to the line that decided, outermost first. */
  trail: Step[];
  related: Place[];
  evidence: Evidence[];
  waits: { name: string; kind: string; file: string; line: number }[];
  fixes: Fix[];
  controls: { framework: string; title: string; items: string[] }[];
  introduced?: { sha: string; author: string; at: string };
  fixed?: { sha: string; author: string; at: string };
  presence: { branch: string; state: 'open' | 'fixed'; file: string; line: number; since: string }[];
  timeline: Happening[];
  event: unknown;
}

export interface FacetValue {
  value: string;
  label?: string;
  count: number;
}

export interface Facets {
  total: number;
  facets: { key: string; values: FacetValue[]; more?: boolean }[];
}

/** A group of findings: all of one rule, one repository and so on. */
export interface Group {
  value: string;
  label?: string;
  count: number;
  severities: Partial<Record<SeverityName, number>>;
}

export interface View {
  id: string;
  name: string;
  query: string;
  sort?: string;
  group?: string;
  columns?: string[];
  mine: boolean;
}

/** What can be done to findings. */
export type Action =
  | { kind: 'mute'; reason: string; comment: string; until?: string }
  | { kind: 'restore'; comment: string }
  | { kind: 'assign'; assignee: string }
  | { kind: 'comment'; comment: string };

/** Which findings: some by id, or all that a query matches. */
export type Target = { ids: string[] } | { query: string };

/** Why somebody mutes a finding. */
export const reasons: { value: string; label: string; means: string }[] = [
  { value: 'false-positive', label: 'False positive', means: 'The rule is wrong here.' },
  { value: 'risk-accepted', label: 'Risk accepted', means: 'It is as it says, and that is decided.' },
  { value: 'pending-fix', label: 'Fix pending', means: 'It is being mended elsewhere.' },
  { value: 'no-fix', label: 'No fix', means: 'Nothing can be done about it.' },
  { value: 'duplicate', label: 'Duplicate', means: 'Another finding says the same.' },
  { value: 'other', label: 'Other', means: 'The comment says why.' },
];

/** The keys of the search language with what they ask for; the first ones are facets, in their order. */
export const keys: { key: string; title: string; facet: boolean; about: string; open?: boolean; search?: boolean }[] = [
  { key: 'severity', title: 'Severity', facet: true, about: 'critical, high, medium, low, info', open: true },
  { key: 'status', title: 'Status', facet: true, about: 'open, muted, fixed', open: true },
  { key: 'repo', title: 'Repository', facet: true, about: 'name of the repository', open: true, search: true },
  { key: 'rule', title: 'Rule', facet: true, about: 'id of the rule; * stands for anything', open: true, search: true },
  { key: 'category', title: 'Category', facet: true, about: 'what kind of weakness it is', open: true },
  { key: 'provider', title: 'Provider', facet: true, about: 'aws, azurerm, google, kubernetes …' },
  { key: 'type', title: 'Resource type', facet: true, about: 'type of the resource', search: true },
  { key: 'dialect', title: 'Dialect', facet: true, about: 'terraform, cloudformation, kubernetes …' },
  { key: 'file', title: 'File path', facet: true, about: 'path of the file; * stands for anything', search: true },
  { key: 'branch', title: 'Branch', facet: true, about: 'name of the branch', search: true },
  { key: 'team', title: 'Team', facet: true, about: 'the team that owns it', search: true },
  { key: 'framework', title: 'Framework', facet: true, about: 'compliance framework that the rule serves', search: true },
  { key: 'has', title: 'Has', facet: true, about: 'fix, assignee, team, mute, expiry' },
  { key: 'verdict', title: 'Verdict', facet: true, about: 'fail or undecided' },
  { key: 'assignee', title: 'Assignee', facet: false, about: 'who takes care; me, none' },
  { key: 'reason', title: 'Mute reason', facet: false, about: 'why it was muted' },
  { key: 'address', title: 'Resource', facet: false, about: 'address of the resource; * stands for anything' },
  { key: 'control', title: 'Control', facet: false, about: 'framework/item: cis-aws-3.0.0/2.3.1' },
  { key: 'tag', title: 'Tag', facet: false, about: 'Name=value of a tag of the resource' },
  { key: 'age', title: 'Age', facet: false, about: 'time since it was first seen: >30d, <1w' },
  { key: 'first-seen', title: 'First seen', facet: false, about: 'a day: >=2026-01-01' },
  { key: 'fixed', title: 'Fixed', facet: false, about: 'a day: >=2026-01-01' },
  { key: 'is', title: 'Is', facet: false, about: 'new (first seen within seven days), expiring' },
  { key: 'unit', title: 'Unit', facet: false, about: 'directory of what is evaluated together' },
  { key: 'author', title: 'Author', facet: false, about: 'who introduced it' },
  { key: 'commit', title: 'Commit', facet: false, about: 'that introduced it' },
];

/** What findings can be grouped by. */
export const groupings = [
  { key: 'rule', title: 'Rule' },
  { key: 'repo', title: 'Repository' },
  { key: 'team', title: 'Team' },
  { key: 'file', title: 'File' },
  { key: 'type', title: 'Resource type' },
] as const;

/** What the list can be sorted by; - is from the largest. */
export const sorts = [
  { key: '-severity', title: 'Worst first' },
  { key: '-first-seen', title: 'Newest first' },
  { key: 'first-seen', title: 'Oldest first' },
  { key: '-last-seen', title: 'Last seen' },
  { key: 'repo', title: 'Repository' },
  { key: 'rule', title: 'Rule' },
  { key: 'file', title: 'File' },
] as const;

/** What people see before they have asked for anything. */
export const start = 'status:open';
