import { IconBug, IconClockPlay, IconFileCertificate, IconGitBranch, IconLayoutDashboard, IconPackages, IconRulerMeasure, IconSettings, IconShieldHalf, IconSitemap } from '@tabler/icons-react';
import type { Page } from '../app/page.ts';

/** Every page, in the order of the rail; the first one with a place there is where a person arrives. README.md says how to add one. */
export const pages: Page[] = [
  { path: '/overview', title: 'Overview', load: () => import('./overview/overview.tsx'), nav: { icon: IconLayoutDashboard, group: 'see', key: 'o', bar: true } },
  { path: '/findings', title: 'Findings', load: () => import('./findings/findings.tsx'), nav: { icon: IconBug, group: 'see', key: 'f', bar: true } },
  { path: '/repositories', title: 'Repositories', load: () => import('./repositories/repositories.tsx'), nav: { icon: IconGitBranch, group: 'see', key: 'r', bar: true } },
  { path: '/repositories/$id', title: 'Repository', load: () => import('./repositories/repository.tsx') },
  { path: '/resources', title: 'Resources', load: () => import('./resources/resources.tsx'), nav: { icon: IconPackages, group: 'see', key: 'e' } },
  { path: '/graph', title: 'Graph', load: () => import('./graph/graph.tsx'), nav: { icon: IconSitemap, group: 'see', key: 'm' } },
  { path: '/rules', title: 'Rules', load: () => import('./rules/rules.tsx'), nav: { icon: IconRulerMeasure, group: 'know', key: 'u' } },
  { path: '/rules/$rule', title: 'Rule', load: () => import('./rules/rule.tsx') },
  { path: '/compliance', title: 'Compliance', load: () => import('./compliance/compliance.tsx'), nav: { icon: IconShieldHalf, group: 'know', key: 'c' } },
  { path: '/compliance/$framework', title: 'Framework', load: () => import('./compliance/framework.tsx') },
  { path: '/jobs', title: 'Jobs', load: () => import('./jobs/jobs.tsx'), nav: { icon: IconClockPlay, group: 'run', key: 'j' } },
  { path: '/audit', title: 'Audit', load: () => import('./audit/audit.tsx'), nav: { icon: IconFileCertificate, group: 'run', key: 'a', needs: 'audit:read' } },
  { path: '/settings', title: 'Settings', load: () => import('./settings/settings.tsx'), nav: { icon: IconSettings, group: 'run', key: 's' } },
  { path: '/signin', title: 'Sign in', load: () => import('./signin/signin.tsx'), bare: true },
];
