import type { ComponentType } from 'react';
import type { Icon } from '@tabler/icons-react';

/** A page of the interface: one line in pages/index.tsx. */
export interface Page {
  /** Where it is: '/jobs', '/repositories/$id' ($id is a parameter, see useParam). */
  path: string;
  /** What the tab of the browser, the palette and the rail call it. */
  title: string;
  /** Brings the code of the page when somebody first goes there. */
  load: () => Promise<{ default: ComponentType }>;
  /** Its place in the rail; a page without one is reached from other pages. */
  nav?: {
    icon: Icon;
    group: 'see' | 'know' | 'run';
    /** The letter that goes there after g: "f" makes "g f". */
    key?: string;
    /** On a phone it stands in the bar at the bottom; the others are behind "More". At most four. */
    bar?: boolean;
    /** The permission that a person needs to be shown it; the server decides for itself. */
    needs?: string;
  };
  /** True for pages outside of the shell: signing in, printing. */
  bare?: boolean;
}
