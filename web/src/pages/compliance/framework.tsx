import { useMemo } from 'react';
import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconDownload } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { address, get } from '../../api/http.ts';
import { useMay } from '../../api/session.ts';
import { useParam, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { StackedBar } from '../../chart/parts.tsx';
import { Severity, Tag } from '../../part/badge.tsx';
import { Name } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { count, many, Time } from '../../part/time.tsx';
import { Basis, Scoped } from './scope.tsx';
import { byName, parts, percent, standings, type Control, type Framework, type Numbered, type Scope, type Standing } from './share.ts';
import css from './compliance.module.css';

interface Exception {
  id: string;
  rule: string;
  message: string;
  address: string;
  repository: { name: string };
  mute?: { reason: string; comment: string; by: string; at?: string; until?: string };
}

interface Detail {
  control: Control;
  evidence: { repository: string; name: string; sha: string; scannedAt: string; judged: string[]; problems: number }[];
  exceptions: Exception[];
}

/** One framework: its controls, and for each its rules, evidence and exceptions. */
export default function FrameworkView() {
  const id = useParam('framework');
  const [search, change] = useSearch();
  const may = useMay('finding:export');
  const answer = useQuery({
    queryKey: ['compliance', id, search.q ?? ''],
    queryFn: ({ signal }) => get<{ framework: Framework; controls: Control[]; scope: Scope }>(`/api/compliance/${encodeURIComponent(id)}`, { q: search.q }, signal),
    placeholderData: keepPreviousData,
  });
  const controls = useMemo(() => [...(answer.data?.controls ?? [])].sort((a, b) => byName(a.id, b.id)), [answer.data]);
  if (answer.error)
    return (
      <PageFrame title={id} actions={<Scoped />}>
        <Failure error={answer.error} again={() => void answer.refetch()} />
      </PageFrame>
    );
  if (!answer.data)
    return (
      <PageFrame title={id} actions={<Scoped />}>
        <Card>
          <Skeleton lines={10} />
        </Card>
      </PageFrame>
    );
  const { framework: f, scope } = answer.data;
  const only = (Object.keys(standings) as Standing[]).find((s) => s === search.status);
  const shown = controls.filter((c) => !only || c.status === only);
  const report = (format: string) => address(`/api/compliance/${encodeURIComponent(id)}/report`, { q: search.q, format });
  return (
    <PageFrame
      title={`${f.name} ${f.version}`}
      about={<Basis of={scope} />}
      actions={
        <>
          <Scoped />
          {may && (
            <Menu position="bottom-end">
              <Menu.Target>
                <Button leftSection={<IconDownload size={16} aria-hidden />}>Report</Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item component="a" href={report('html')} download>
                  To print (HTML)
                </Menu.Item>
                <Menu.Item component="a" href={report('csv')} download>
                  Controls (CSV)
                </Menu.Item>
                <Menu.Item component="a" href={report('json')} download>
                  Everything (JSON)
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </>
      }
    >
      <Card>
        <div className={css.head}>
          <div className={css.big}>
            <strong>{percent(f.score)}</strong>
            <span>
              {f.absent ? `No score: no cluster of this kind was found. ${f.controls.pass ?? 0} of ${f.judged} judged controls pass for manifests, which may run anywhere` : `${f.controls.pass ?? 0} of ${f.judged} judged controls pass; ${f.total} in all`}
            </span>
          </div>
          <div className={css.legend}>
            <StackedBar label="Controls" height={12} parts={parts(f.controls)} />
            <div role="group" aria-label="Show only">
              {(Object.keys(standings) as Standing[]).map((s) => {
                const n = f.controls[standings[s].key] ?? 0;
                return (
                  <button key={s} type="button" className={css.choice} aria-pressed={only === s} title={standings[s].means} onClick={() => change({ status: only === s ? undefined : s })}>
                    <i style={{ background: standings[s].colour }} />
                    {standings[s].word} <b>{count(n)}</b>
                  </button>
                );
              })}
            </div>
          </div>
        </div>
      </Card>
      <Card flush>
        <ul className={css.controls}>
          {shown.map((c) => (
            <ControlRow key={c.id} of={c} framework={f.id} open={search.control === c.id} onToggle={() => change({ control: search.control === c.id ? undefined : c.id })} />
          ))}
        </ul>
      </Card>
    </PageFrame>
  );
}

function ControlRow({ of: c, framework, open, onToggle }: { of: Control; framework: string; open: boolean; onToggle: () => void }) {
  const s = standings[c.status];
  return (
    <li className={css.control}>
      <button type="button" className={css.row} aria-expanded={open} onClick={onToggle}>
        {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
        <span className={css.id}>{c.id}</span>
        <span className={css.title}>{c.title}</span>
        <span className={css.standing} data-tone={s.tone}>
          <s.icon size={15} aria-hidden />
          {s.word}
        </span>
      </button>
      <span className={css.numbers}>
        {c.fails.count > 0 && <Count of={c.fails} word="open" />}
        {c.undecided.count > 0 && <Count of={c.undecided} word="undecided" />}
        {c.accepted.count > 0 && <Count of={c.accepted} word="accepted" />}
      </span>
      {open && <ControlDetail framework={framework} of={c} />}
    </li>
  );
}

function Count({ of, word }: { of: Numbered; word: string }) {
  return (
    <ToFindings query={of.query}>
      {count(of.count)} {word}
    </ToFindings>
  );
}

/** What a standing rests on. */
function ControlDetail({ framework, of }: { framework: string; of: Control }) {
  const [search] = useSearch();
  const detail = useQuery({
    queryKey: ['compliance', framework, 'control', of.id, search.q ?? ''],
    queryFn: ({ signal }) => get<Detail>(`/api/compliance/${encodeURIComponent(framework)}/controls/${encodeURIComponent(of.id)}`, { q: search.q }, signal),
  });
  return (
    <div className={css.detail}>
      <p>{standings[of.status].means}</p>
      {of.rules.length > 0 && (
        <>
          <h3>Rules</h3>
          <ul>
            {of.rules.map((r) => (
              <li key={r.id}>
                <Severity of={r.severity} quiet /> <To to={`/rules/${encodeURIComponent(r.id)}`}>{r.title}</To> {r.off && <Tag tone="warn">Off</Tag>}
                <span className={css.quiet}>
                  {' '}
                  {r.judged > 0 ? `judged in ${many(r.judged, 'repository', 'repositories')}` : 'nothing to judge'}
                  {r.fails > 0 && `, ${count(r.fails)} open`}
                  {r.undecided > 0 && `, ${count(r.undecided)} undecided`}
                  {r.accepted > 0 && `, ${count(r.accepted)} accepted`}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {detail.error && <Failure error={detail.error} again={() => void detail.refetch()} />}
      {detail.isPending && <Skeleton lines={3} />}
      {detail.data && (
        <>
          {detail.data.exceptions.length > 0 && (
            <>
              <h3>Exceptions</h3>
              <ul>
                {detail.data.exceptions.map((e) => (
                  <li key={e.id}>
                    <To to="/findings" search={{ q: `id:${e.id}` }}>
                      <Name of={e.repository.name} />: <Name of={e.address} />
                    </To>{' '}
                    {e.mute && (
                      <span className={css.quiet}>
                        {e.mute.reason}
                        {e.mute.comment && <>: {e.mute.comment}</>} ({e.mute.by || 'the code'}
                        {e.mute.at && (
                          <>
                            , <Time at={e.mute.at} />
                          </>
                        )}
                        , {e.mute.until ? <>until <Time at={e.mute.until} /></> : 'without end'})
                      </span>
                    )}
                  </li>
                ))}
              </ul>
            </>
          )}
          {of.rules.length > 0 && (
            <>
              <h3>Evidence</h3>
              <ul>
                {detail.data.evidence.slice(0, 20).map((e) => (
                  <li key={e.repository}>
                    <To to={`/repositories/${e.repository}`}>
                      <Name of={e.name} />
                    </To>{' '}
                    <span className={css.quiet}>
                      {e.sha ? (
                        <>
                          {e.judged.length > 0 ? `judged by ${many(e.judged.length, 'rule')}` : 'nothing to judge'} at {e.sha.slice(0, 10)}, <Time at={e.scannedAt} />
                          {e.problems > 0 && `, ${many(e.problems, 'problem')}`}
                        </>
                      ) : (
                        'not scanned'
                      )}
                    </span>
                  </li>
                ))}
              </ul>
              {detail.data.evidence.length > 20 && <p className={css.quiet}>and {count(detail.data.evidence.length - 20)} more: the report has all.</p>}
            </>
          )}
        </>
      )}
    </div>
  );
}
