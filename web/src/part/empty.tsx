import type { ReactNode } from 'react';
import type { Icon } from '@tabler/icons-react';
import css from './empty.module.css';

/** What stands where there is nothing: what this place is for, and the next thing to do. */
export function Empty({ icon: Mark, title, children }: { icon: Icon; title: string; children?: ReactNode }) {
  return (
    <div className={css.empty}>
      <div className={css.mark}>
        <Mark size={26} stroke={1.6} aria-hidden />
      </div>
      <h2>{title}</h2>
      <div className={css.text}>{children}</div>
    </div>
  );
}
