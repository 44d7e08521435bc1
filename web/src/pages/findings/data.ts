import type { Schema } from '../../api/types.ts';

/** A finding as a row of the list. */
export type Row = Schema<'FindingRow'>;
/** A finding with all that is known of it. */
export type Detail = Schema<'FindingDetail'>;
/** Lines of a file; from and to are the first and the last line that are marked. */
export type Excerpt = Schema<'FindingExcerpt'>;
export type Place = Schema<'FindingPlace'>;
/** Something that happened to a finding. */
export type Happening = Schema<'FindingEvent'>;
export type FacetValue = Pick<Schema<'FacetValue'>, 'value' | 'label' | 'count'>;
export type Facets = Schema<'FacetsOutputBody'>;
/** How a half-written query can go on: texts in place of start to end. */
export type Suggestions = Schema<'SuggestOutputBody'>;
/** A group of findings: all of one rule, one repository and so on. */
export type Group = Schema<'FindingGroup'>;
/** What a change of findings did. */
export type Triaged = Schema<'Triaged'>;

/** A saved search; what it looks like is in settings, which only the interface reads. */
export type View = Schema<'View'>;

/** What settings of a view hold. */
export interface ViewSettings {
  sort?: string;
  group?: string;
  columns?: string[];
}

/** The settings of a view; none when they cannot be read. */
export function settingsOf(view: Pick<View, 'settings'>): ViewSettings {
  try {
    const s: unknown = JSON.parse(view.settings || '{}');
    return typeof s === 'object' && s !== null ? (s as ViewSettings) : {};
  } catch {
    return {};
  }
}

/** What can be done to findings. */
export type Action =
  | { kind: 'mute'; reason: string; comment: string; until?: string }
  | { kind: 'restore'; comment: string }
  | { kind: 'assign'; assignee?: string }
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
