import { IconAlertTriangle, IconCircleCheckFilled, IconTool } from '@tabler/icons-react';
import { Diff } from '../../part/diff.tsx';
import { Empty } from '../../part/empty.tsx';
import { visible } from '../../part/name.tsx';
import { Prose } from '../../part/prose.tsx';
import type { Detail } from './data.ts';
import { Part } from './details.tsx';
import css from './remediation.module.css';

/** The changes that would mend a finding, each proved before it is shown. */
export function Remediation({ f }: { f: Detail }) {
  if (f.fixes.length === 0) {
    return (
      <>
        <Empty icon={IconTool} title="No fix is offered">
          <p>A fix is shown only when it was proved: it parses, mends the finding, and brings nothing new. None did here, or the right value is yours to choose.</p>
        </Empty>
        <Part title="Why it matters">
          <Prose of={f.why} />
        </Part>
      </>
    );
  }
  return (
    <div className={css.fixes}>
      {f.fixes.map((fix, i) => (
        <section key={i} className={css.fix}>
          <h3>
            {f.fixes.length > 1 && <span className={css.which}>{i === 0 ? 'First choice' : `Choice ${i + 1}`}</span>}
            {visible(fix.title)}
          </h3>
          {fix.caution && (
            <div className={css.caution}>
              <IconAlertTriangle size={17} aria-hidden />
              <span>
                <b>Caution.</b> {visible(fix.caution)}
              </span>
            </div>
          )}
          {fix.diff ? <Diff of={fix.diff} applies={fix.applies} /> : <p className={css.apply}>The change is not shown because it is about a secret.</p>}
          {fix.diff && !fix.applies && (
            <p className={css.apply}>
              There is no patch of this change to copy: it would show a secret, or is too long. <code>plumbline fix</code> makes the change in the repository.
            </p>
          )}
          {fix.shared.length > 0 && (
            <div className={css.shared}>
              <b>Also changes</b>
              <ul>
                {fix.shared.map((s) => (
                  <li key={s}>
                    <code>{visible(s)}</code>
                  </li>
                ))}
              </ul>
            </div>
          )}
          <div className={css.proof}>
            <b>Proof: it was applied in memory and scanned again</b>
            <ul>
              {fix.gates.map((g) => (
                <li key={g}>
                  <IconCircleCheckFilled size={15} aria-hidden /> {visible(g)}
                </li>
              ))}
            </ul>
          </div>
        </section>
      ))}
      {f.fixes.some((fix) => fix.applies) && <p className={css.apply}>
        To apply a patch: copy it, then <code>git apply</code> in the repository. On the command line <code>plumbline fix</code> does the same for everything that is proved.
      </p>}
    </div>
  );
}
