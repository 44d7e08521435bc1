import { useState } from 'react';
import { Button, NativeSelect } from '@mantine/core';
import { IconAdjustments } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useMay } from '../../api/session.ts';
import { useParam, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { Severity, Tag } from '../../part/badge.tsx';
import { Code } from '../../part/code.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton, Stat } from '../../part/page.tsx';
import { Prose } from '../../part/prose.tsx';
import { count, Time } from '../../part/time.tsx';
import { falsePositives, place, ruling, words, type Decision, type RulePage } from './share.ts';
import { Decide } from './decide.tsx';
import css from './rules.module.css';

/** The page of a rule: why it is there, what it says of which code, what was decided about it. */
export default function RuleView() {
  const id = useParam('rule');
  const may = useMay('rule:write');
  const [deciding, setDeciding] = useState<Partial<Decision> | undefined>();
  const rule = useQuery({ queryKey: ['rules', 'page', id], queryFn: ({ signal }) => get<RulePage>(`/api/rules/${encodeURIComponent(id)}`, undefined, signal) });
  if (rule.error) return <Failure error={rule.error} again={() => void rule.refetch()} />;
  const r = rule.data;
  if (!r)
    return (
      <PageFrame title={id}>
        <Card>
          <Skeleton lines={9} />
        </Card>
      </PageFrame>
    );
  const number = (label: string, n: number, query: string | undefined) => <Stat label={label} value={n > 0 && query ? <ToFindings query={query}>{count(n)}</ToFindings> : '0'} />;
  return (
    <PageFrame
      title={r.title}
      about={
        <span className={css.id}>
          {r.effective && <Severity of={r.effective} />}
          {r.effective !== r.severity && <span>instead of {r.severity}</span>}
          {r.off && <Tag tone="warn">Off</Tag>}
          <Name of={r.id} />
        </span>
      }
      actions={
        may && (
          <Button leftSection={<IconAdjustments size={16} aria-hidden />} onClick={() => setDeciding({})}>
            Decide about this rule
          </Button>
        )
      }
    >
      <div className={css.columns}>
        <div className={css.main}>
          <Card title="Why">
            {r.why ? <Prose of={r.why} /> : <p>This rule is a page of a repository of yours: its text stands there.</p>}
          </Card>
          <Examples of={r} />
          {r.require.length > 0 && (
            <Card title="What must hold" about="The expression that is judged; what is unknown makes it undecided, never a pass.">
              {r.require.map((c) => (
                <div key={c.type} className={css.pair}>
                  {c.type && <h3 className={css.mono}>{c.type}</h3>}
                  <pre className={css.require} tabIndex={0}>
                    {c.text.trim()}
                  </pre>
                </div>
              ))}
            </Card>
          )}
        </div>
        <div className={css.side}>
          <Card title="Findings" about="On default branches">
            <div className={css.numbers}>
              {number('Open', r.tally.open, r.queries.open)}
              {number('Undecided', r.tally.undecided, r.queries.undecided)}
              {number('Muted', r.tally.muted, r.queries.muted)}
              {number('Fixed', r.tally.fixed, r.queries.fixed)}
              {number('Decided', r.tally.decided, r.queries.decided)}
              {number('False positives', r.tally.falsePositives, r.queries.falsePositives)}
            </div>
            <p className={css.quiet} style={{ marginTop: 12 }}>
              False-positive rate: {falsePositives(r.tally)}. Decided are fails that somebody muted, for whatever reason, or that were fixed.
            </p>
          </Card>
          <Card title="Decisions" about={r.decided.length ? 'The most specific one counts' : undefined}>
            {r.decided.length === 0 && <p className={css.quiet}>Nobody changed anything: the rule is on, with its own severity.</p>}
            {r.decided.map((d) => (
              <div key={d.id} className={css.decision}>
                <span>
                  <strong>{place(d)}</strong>: {ruling(d)}
                </span>
                <span>{visible(d.reason)}</span>
                <span className={css.quiet}>
                  {d.by}, <Time at={d.at} />{' '}
                  {may && (
                    <Button variant="subtle" size="compact-xs" onClick={() => setDeciding(d)}>
                      Change
                    </Button>
                  )}
                </span>
              </div>
            ))}
          </Card>
          <Card title="About">
            <dl className={css.facts}>
              {r.category && <Fact name="About">{words(r.category)}</Fact>}
              {r.types.length > 0 && (
                <Fact name="Judges">
                  <span className={css.mono}>{r.types.join(', ')}</span>
                </Fact>
              )}
              {r.fixes.length > 0 && (
                <Fact name="Its fix">
                  <span className={css.mono}>{r.fixes.join('; ')}</span>
                  {r.caution && <div className={css.quiet}>{r.caution}</div>}
                </Fact>
              )}
              {r.controls.length > 0 && (
                <Fact name="Serves">
                  {r.controls.map((c) => (
                    <div key={c.framework + c.control}>
                      <To to={`/compliance/${c.framework}`} search={{ control: c.control }}>
                        {c.framework} {c.control}
                      </To>{' '}
                      <span className={css.quiet}>{c.title}</span>
                    </div>
                  ))}
                </Fact>
              )}
              {r.aliases.length > 0 && (
                <Fact name="In other scanners">
                  <span className={css.mono}>{r.aliases.join(', ')}</span>
                </Fact>
              )}
            </dl>
          </Card>
        </div>
      </div>
      {deciding && <Decide rule={r} start={deciding} onClose={() => setDeciding(undefined)} />}
    </PageFrame>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Examples in one language at a time. */
function Examples({ of }: { of: RulePage }) {
  const [search, change] = useSearch();
  const dialects = [...new Set(of.examples.map((e) => e.dialect))];
  if (dialects.length === 0) return null;
  const shown = dialects.includes(search.dialect ?? '') ? search.dialect! : dialects[0]!;
  return (
    <Card
      title="Examples"
      about="Each is run as a test of the rule"
      actions={dialects.length > 1 && <NativeSelect aria-label="Language of the examples" size="xs" value={shown} data={dialects} onChange={(e) => change({ dialect: e.currentTarget.value })} />}
    >
      <div className={css.pair}>
        {of.examples
          .filter((e) => e.dialect === shown)
          .map((e, i) => (
            <div key={i}>
              <h3>{e.section}</h3>
              {e.files.map((f, k) => (
                <Code key={k} file={f.name || shown} first={1} lines={f.text.replace(/\n$/, '').split('\n')} />
              ))}
            </div>
          ))}
      </div>
    </Card>
  );
}
