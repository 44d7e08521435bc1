import type { ReactNode } from 'react';
import css from './page.module.css';

/** The head of a page and what stands below it. wide pages use the whole window; others keep a readable width. */
export function PageFrame({ title, about, actions, wide, children }: { title: ReactNode; about?: ReactNode; actions?: ReactNode; wide?: boolean; children: ReactNode }) {
  return (
    <div className={css.page} data-wide={wide ? '' : undefined}>
      <header className={css.head}>
        <div className={css.titles}>
          <h1>{title}</h1>
          {about && <div className={css.about}>{about}</div>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A surface with a title: one thing to look at. */
export function Card({ title, about, actions, children, flush }: { title?: ReactNode; about?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean }) {
  return (
    <section className={css.card}>
      {(title || actions) && (
        <div className={css.cardHead}>
          <div>
            <h2>{title}</h2>
            {about && <p>{about}</p>}
          </div>
          {actions}
        </div>
      )}
      <div className={flush ? undefined : css.cardBody}>{children}</div>
    </section>
  );
}

/** Cards beside each other as far as they fit; min is the least width of one in pixels. */
export function Grid({ children, min = 300 }: { children: ReactNode; min?: number }) {
  return (
    <div className={css.grid} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(${min}px, 100%), 1fr))` }}>
      {children}
    </div>
  );
}

/** One number with its name, what it means and where it leads. */
export function Stat({ label, value, detail, tone, chart }: { label: ReactNode; value: ReactNode; detail?: ReactNode; tone?: 'good' | 'bad'; chart?: ReactNode }) {
  return (
    <div className={css.stat}>
      <div className={css.statLabel}>{label}</div>
      <div className={css.statValue}>{value}</div>
      {detail && (
        <div className={css.statDetail} data-tone={tone}>
          {detail}
        </div>
      )}
      {chart}
    </div>
  );
}

/** Grey bars where text will be. lines is how many. */
export function Skeleton({ lines = 3, height = 14 }: { lines?: number; height?: number }) {
  return (
    <div className={css.skeleton} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} style={{ height, width: `${92 - ((i * 37) % 45)}%` }} />
      ))}
    </div>
  );
}
