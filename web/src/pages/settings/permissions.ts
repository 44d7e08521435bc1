/** What each permission allows, in words. One that is not here is shown by its name. */
export const words: Record<string, string> = {
  'finding:read': 'Read findings, resources, graphs and compliance',
  'finding:export': 'Export findings and reports',
  'finding:triage': 'Mute, open again, assign and comment',
  'repository:read': 'Read repositories, branches, commits and jobs',
  'repository:scan': 'Start scans, retry jobs',
  'repository:write': 'Connect, change and remove repositories',
  'report:upload': 'Upload results from CI',
  'rule:read': 'Read rules and decisions about them',
  'rule:write': 'Switch rules off, change severities',
  'view:write': 'Save views',
  'channel:write': 'Change where teams are told of what happens',
  'team:read': 'Read the names of teams and people',
  'people:write': 'Change people, teams, roles and ownership',
  'audit:read': 'Read and export the audit log',
  'settings:write': 'Change the settings of the organisation',
  'system:read': 'Read the queue and how the server is',
};

/** What most tokens are for. */
export const presets: { label: string; permissions: string[] }[] = [
  { label: 'Upload from CI', permissions: ['report:upload'] },
  { label: 'Read everything', permissions: ['finding:read', 'finding:export', 'repository:read', 'rule:read', 'team:read'] },
  { label: 'Triage', permissions: ['finding:read', 'finding:triage', 'repository:read', 'rule:read', 'team:read'] },
];
