import { IconBug } from '@tabler/icons-react';
import type { Page } from '../app/page.ts';

/** Every page, in the order of the rail; the first one with a place there is where a person arrives. README.md says how to add one. */
export const pages: Page[] = [
  { path: '/findings', title: 'Findings', load: () => import('./findings/findings.tsx'), nav: { icon: IconBug, group: 'see', key: 'f', bar: true } },
  { path: '/signin', title: 'Sign in', load: () => import('./signin/signin.tsx'), bare: true },
];
