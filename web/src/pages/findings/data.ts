import type { SeverityName } from '../../part/badge.tsx';

/** Something that has an id and a name. */
export interface Named {
  id: string;
  name: string;
}

/** A commit that brought or mended a finding. */
export interface Commit {
  sha: string;
  author: string;
  at?: string;
}

/** A finding as a row of the list. */
export interface Row {
  id: string;
  severity: SeverityName;
  baseSeverity: SeverityName;
  status: 'open' | 'muted' | 'fixed';
  outcome: 'fail' | 'undecided';
  rule: string;
  ruleTitle: string;
  category: string;
  message: string;
  provider: string;
  dialect: string;
  resourceType: string;
  address: string;
  attribute?: string;
  unit: string;
  file: string;
  line: number;
  repository: Named;
  team?: Named;
  /** Its name is an address of mail. */
  assignee?: Named;
  hasFix: boolean;
  firstSeenAt: string;
  lastSeenAt: string;
  introduced?: Commit;
  fixedAt?: string;
  fixed?: Commit;
  mute?: Mute;
}

/** A decision that a finding is not to be acted on. */
export interface Mute {
  reason: string;
  comment: string;
  by: string;
  at?: string;
  until?: string;
}

/** Lines of a file; from and to are the first and the last line that are marked, text is what it is about: module.web, var.acl. */
export interface Excerpt {
  text?: string;
  file: string;
  first: number;
  lines: string[];
  from: number;
  to: number;
}

export interface Place {
  text?: string;
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
  caution?: string;
  /** Addresses of other resources that change too. */
  shared: string[];
  files: string[];
  /** Unified, of all files; "" when it is not to be shown. */
  diff: string;
  /** What the fix went through before it was offered. */
  gates: string[];
}

/** Something that happened to a finding. */
export interface Happening {
  id: string;
  at: string;
  kind: string;
  actor: string;
  branch?: string;
  sha?: string;
  data: Record<string, unknown>;
}

/** A finding with all that is known of it. */
export interface Detail extends Row {
  /** Markdown of the rule's page. */
  why: string;
  controls: { framework: string; name: string; control: string; title: string }[];
  native?: string;
  maybe?: boolean;
  variants: string[];
  secret?: boolean;
  excerpt?: Excerpt;
  /** The lines of module calls and of the way that values took, where they are elsewhere. */
  code: Excerpt[];
  calls: Place[];
  related: Place[];
  evidence: Evidence[];
  waits: { name: string; kind: string; place?: Place }[];
  fixes: Fix[];
  suppression?: { kind: string; reason: string; until?: string; place?: Place };
  presence: { branch: string; default: boolean; status: 'open' | 'muted' | 'fixed'; file: string; line: number; since: string; sinceAt?: string; fixed?: string; fixedAt?: string }[];
  /** False when the details are not kept any more. */
  kept: boolean;
}

export interface FacetValue {
  value: string;
  /** For people, where it is another text. */
  label?: string;
  count: number;
}

export interface Facets {
  items: { key: string; values: FacetValue[]; more: number }[];
  total: number;
}

/** How a half-written query can go on: texts in place of start to end. */
export interface Suggestions {
  start: number;
  end: number;
  key: string;
  items: { text: string; doc: string }[];
  mistake?: { start: number; end: number; message: string };
}

/** A group of findings: all of one rule, one repository and so on. */
export interface Group {
  value: string;
  label?: string;
  count: number;
  severities: Partial<Record<SeverityName, number>>;
  /** The terms of a query that ask for it. */
  term: string;
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

/** The keys that are counted beside the list, in their order. The server knows more; it completes them itself. */
export const facets: { key: string; title: string; open?: boolean; search?: boolean }[] = [
  { key: 'severity', title: 'Severity', open: true },
  { key: 'status', title: 'Status', open: true },
  { key: 'verdict', title: 'Verdict', open: true },
  { key: 'repo', title: 'Repository', open: true, search: true },
  { key: 'rule', title: 'Rule', open: true, search: true },
  { key: 'category', title: 'Category' },
  { key: 'provider', title: 'Provider' },
  { key: 'type', title: 'Resource type', search: true },
  { key: 'dialect', title: 'Dialect' },
  { key: 'file', title: 'File path', search: true },
  { key: 'branch', title: 'Branch', search: true },
  { key: 'team', title: 'Team', search: true },
  { key: 'framework', title: 'Framework', search: true },
  { key: 'has', title: 'Has' },
  { key: 'assignee', title: 'Assignee', search: true },
  { key: 'reason', title: 'Mute reason' },
];

/** What chips call a key; others are called by their own name. */
export const titles: Record<string, string> = {
  ...Object.fromEntries(facets.map((f) => [f.key, f.title])),
  address: 'Resource',
  control: 'Control',
  tag: 'Tag',
  age: 'Age',
  'first-seen': 'First seen',
  'last-seen': 'Last seen',
  is: 'Is',
  unit: 'Unit',
  author: 'Author',
  commit: 'Commit',
};

/** What findings can be grouped by. */
export const groupings = [
  { key: 'rule', title: 'Rule' },
  { key: 'repo', title: 'Repository' },
  { key: 'team', title: 'Team' },
  { key: 'file', title: 'File' },
  { key: 'resource', title: 'Resource' },
  { key: 'type', title: 'Resource type' },
  { key: 'category', title: 'Category' },
] as const;

/** What the list can be sorted by; a - turns it round. */
export const sorts = [
  { key: 'severity', title: 'Worst first' },
  { key: 'first-seen', title: 'Newest first' },
  { key: '-first-seen', title: 'Oldest first' },
  { key: 'last-seen', title: 'Last seen' },
  { key: 'repo', title: 'Repository' },
  { key: 'rule', title: 'Rule' },
  { key: 'file', title: 'File' },
] as const;

/** What people see before they have asked for anything: what fails and was not decided about. */
export const start = 'status:open verdict:fail';
