import { severities } from '../../part/badge.tsx';
import { brief, many } from '../../part/time.tsx';
import { ToFindings } from '../../app/link.tsx';
import { total, type Tally } from './share.ts';
import css from './repositories.module.css';

/** Open findings by severity: a number for each on a strip whose parts are as wide as their share. Every number leads to its findings. */
export function Bars({ of, query }: { of: Tally; query: string }) {
  const all = total(of);
  if (all === 0) return <span className={css.none}>None open</span>;
  return (
    <div className={css.bars}>
      <div className={css.strip} aria-hidden>
        {severities.map((s) => of[s] > 0 && <i key={s} data-tone={s} style={{ flexGrow: of[s] / all }} />)}
      </div>
      <div className={css.numbers}>
        {severities.map(
          (s) =>
            of[s] > 0 && (
              <ToFindings key={s} query={`${query} status:open verdict:fail severity:${s}`} data-tone={s} aria-label={`${many(of[s], `open finding`)} of severity ${s}`} title={`${s}: ${of[s]}`}>
                <b aria-hidden>{s[0]!.toUpperCase()}</b>
                {brief(of[s])}
              </ToFindings>
            ),
        )}
      </div>
    </div>
  );
}
