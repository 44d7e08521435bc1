import { useEffect, useState } from 'react';
import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { IconBuildingLighthouse, IconFilter } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useGo, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { fill } from '../../chart/frame.tsx';
import { LineChart } from '../../chart/line-chart.tsx';
import { StackedBar } from '../../chart/parts.tsx';
import { Severity, severities } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton, Stat } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { count, many, Time } from '../../part/time.tsx';
import { dayNames, firstDay, lasting, moved, percent, type Numbered, type Overview, type Tally } from './share.ts';
import css from './overview.module.css';

const spans: Record<string, number> = { '30': 30, '90': 90, '365': 365 };

/** How the organisation stands: every number leads to the findings behind it. */
export default function OverviewPage() {
  const [search, change] = useSearch();
  const go = useGo();
  const span = search.days && spans[search.days] ? search.days : '90';
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  const overview = useQuery({
    queryKey: ['overview', search.q ?? '', span],
    queryFn: ({ signal }) => get<Overview>('/api/overview', { q: search.q, from: firstDay(spans[span]!) }, signal),
    placeholderData: keepPreviousData,
  });
  const actions = (
    <div className={css.controls}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          change({ q: text.trim() || undefined }, 'push');
        }}
      >
        <TextInput aria-label="Only what fits a query" placeholder="team:platform severity:>=high" leftSection={<IconFilter size={15} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
      </form>
      <SegmentedControl
        aria-label="Span"
        value={span}
        onChange={(days) => change({ days: days === '90' ? undefined : days })}
        data={[
          { value: '30', label: '30 days' },
          { value: '90', label: '90 days' },
          { value: '365', label: '1 year' },
        ]}
      />
    </div>
  );
  const o = overview.data;
  if (overview.error)
    return (
      <PageFrame title="Overview" actions={actions}>
        <Failure error={overview.error} again={() => void overview.refetch()} />
      </PageFrame>
    );
  if (!o)
    return (
      <PageFrame title="Overview" actions={actions}>
        <Card>
          <Skeleton lines={8} />
        </Card>
      </PageFrame>
    );
  if (o.coverage.repositories === 0 && !o.query)
    return (
      <PageFrame title="Overview">
        <Card>
          <Empty icon={IconBuildingLighthouse} title="Nothing to watch yet">
            <p>Connect a repository by its git address: every commit of every branch is scanned, and what it finds is counted here.</p>
            <Button component="a" href="/repositories">
              Connect a repository
            </Button>
          </Empty>
        </Card>
      </PageFrame>
    );
  const labels = dayNames(o.days.map((d) => d.day));
  const weeks = dayNames(o.weeks.map((w) => w.from));
  const changed = moved(o.days);
  const worst = Math.max(1, ...o.severities.map((s) => s.count));
  return (
    <PageFrame title="Overview" about={o.query ? <>What fits {o.query}</> : 'All default branches that you may see'} actions={actions}>
      <div className={css.stats}>
        <Stat label="Open" value={<Count of={o.open} />} detail={changed.text} tone={changed.tone} />
        <Stat label="New" value={<Count of={o.new} />} detail={`in ${spans[span]} days`} />
        <Stat label="Fixed" value={<Count of={o.fixed} />} detail={`in ${spans[span]} days`} />
        <Stat label="Undecided" value={<Count of={o.undecided} />} detail="an input is missing" />
        <Stat label="Muted" value={<Count of={o.muted} />} detail="somebody decided so" />
      </div>
      <div className={css.wideAndSide}>
        <Card title="Open by severity">
          <LineChart label="Open findings by severity" labels={labels} stacked height={230} series={[...severities].reverse().map((s) => ({ name: s, colour: fill[s], values: o.days.map((d) => d.open[s]) }))} />
        </Card>
        <Card title="Now">
          <ul className={css.bars}>
            {o.severities.map((s) => (
              <li key={s.severity}>
                <Severity of={s.severity} />
                <StackedBar label={s.severity} parts={[{ name: s.severity, value: s.count, colour: fill[s.severity] }]} most={worst} height={8} />
                <span>
                  <Count of={s} />
                </span>
              </li>
            ))}
          </ul>
        </Card>
      </div>
      <div className={css.wideAndSide}>
        <Card title="New against fixed" about="By week; press a week to see what was new">
          <LineChart
            label="New and fixed findings by week"
            labels={weeks}
            height={200}
            series={[
              { name: 'New', colour: 'var(--series-3)', values: o.weeks.map((w) => w.new.count) },
              { name: 'Fixed', colour: 'var(--series-2)', values: o.weeks.map((w) => w.fixed.count) },
            ]}
            onPick={(i) => go('/findings', { q: o.weeks[i]!.new.query })}
          />
        </Card>
        <Card title="Time to remediate" about="From first seen to fixed; mutes do not count" flush>
          <Table
            label="Time to remediate by severity"
            rows={o.remediation}
            id={(r) => r.severity}
            columns={[
              { key: 'severity', title: 'Severity', cell: (r) => <Severity of={r.severity} quiet /> },
              { key: 'fixed', title: 'Fixed', end: true, cell: (r) => <Count of={{ count: r.fixed, query: r.query }} /> },
              { key: 'median', title: 'Median', end: true, cell: (r) => (r.fixed ? lasting(r.median) : '–') },
              { key: 'mean', title: 'Mean', end: true, cell: (r) => (r.fixed ? lasting(r.mean) : '–') },
            ]}
          />
        </Card>
      </div>
      <div className={css.two}>
        <Card title="Riskiest repositories" about="Score: critical 100, high 25, medium 5, low 1" flush>
          <Table
            label="Riskiest repositories"
            rows={o.repositories}
            id={(r) => r.id}
            empty={<p className={css.none}>Nothing is open.</p>}
            columns={[
              {
                key: 'name',
                title: 'Repository',
                cell: (r) => (
                  <To to={`/repositories/${r.id}`}>
                    <Name of={r.name} />
                  </To>
                ),
              },
              { key: 'open', title: 'By severity', spare: true, cell: (r) => <Mix of={r.open} most={Math.max(...o.repositories.map((x) => x.count))} label={r.name} /> },
              { key: 'count', title: 'Open', end: true, cell: (r) => <Count of={r} /> },
              { key: 'score', title: 'Score', end: true, cell: (r) => <span className={css.number}>{count(r.score)}</span> },
            ]}
          />
        </Card>
        <Card title="Riskiest rules" about="By the same score" flush>
          <Table
            label="Riskiest rules"
            rows={o.rules}
            id={(r) => r.rule}
            empty={<p className={css.none}>Nothing is open.</p>}
            columns={[
              { key: 'rule', title: 'Rule', cell: (r) => <To to={`/rules/${encodeURIComponent(r.rule)}`}>{r.title}</To> },
              { key: 'repositories', title: 'Repositories', end: true, spare: true, cell: (r) => count(r.repositories) },
              { key: 'count', title: 'Open', end: true, cell: (r) => <Count of={r} /> },
              { key: 'score', title: 'Score', end: true, cell: (r) => <span className={css.number}>{count(r.score)}</span> },
            ]}
          />
        </Card>
      </div>
      <div className={css.two}>
        <Card title="Compliance" about="Controls that pass, of those that something was judged for">
          {o.compliance.length === 0 ? (
            <p className={css.none}>Nothing was judged yet.</p>
          ) : (
            <ul className={css.frameworks}>
              {o.compliance.map((f) => (
                <li key={f.id}>
                  <To to={`/compliance/${f.id}`}>
                    {f.name} {f.version}
                  </To>
                  <StackedBar
                    label={f.name}
                    height={8}
                    parts={[
                      { name: 'pass', value: f.controls.pass ?? 0, colour: 'var(--good)' },
                      { name: 'accepted', value: f.controls.accepted ?? 0, colour: 'var(--medium-fill)' },
                      { name: 'undecided', value: f.controls.undecided ?? 0, colour: 'var(--info-fill)' },
                      { name: 'fail', value: f.controls.fail ?? 0, colour: 'var(--critical-fill)' },
                    ]}
                  />
                  <span className={css.score} title={`${f.controls.pass ?? 0} of ${f.judged} judged controls pass; ${f.total} in all`}>
                    {percent(f.score)} <small>of {f.judged}</small>
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Coverage" about="What the last scans looked at">
          <div className={css.coverage}>
            <Stat label="Repositories scanned" value={<To to="/repositories">{`${count(o.coverage.scanned)} of ${count(o.coverage.repositories)}`}</To>} detail={o.coverage.oldest && <>oldest scan: <Time at={o.coverage.oldest} /></>} />
            <Stat label="Files understood" value={count(o.coverage.files)} detail={`${count(o.coverage.skipped)} in languages that are not infrastructure`} />
            <Stat label="Resources" value={<To to="/resources">{count(o.coverage.resources)}</To>} />
            <Stat label="Problems" value={count(o.coverage.problems)} detail="could not be read or resolved" tone={o.coverage.problems ? 'bad' : undefined} />
          </div>
          {o.coverage.failing.map((r) => (
            <p key={r.id} className={css.failing}>
              <To to={`/repositories/${r.id}`}>
                <Name of={r.name} />
              </To>{' '}
              <Name of={r.problem} />
            </p>
          ))}
        </Card>
      </div>
      <Card title="Open for longest" about="High and critical ones first" flush>
        <Table
          label="Findings that are open for longest"
          rows={o.oldest}
          id={(f) => f.id}
          empty={<p className={css.none}>Nothing is open.</p>}
          columns={[
            { key: 'severity', title: 'Severity', cell: (f) => <Severity of={f.severity} /> },
            {
              key: 'finding',
              title: 'Finding',
              cell: (f) => (
                <To to="/findings" search={{ q: `id:${f.id}`, finding: f.id }}>
                  <Name of={f.message} />
                </To>
              ),
            },
            { key: 'address', title: 'Resource', spare: true, cell: (f) => <span className={css.mono}><Name of={f.address} /></span> },
            { key: 'repository', title: 'Repository', spare: true, cell: (f) => <Name of={f.repository} /> },
            { key: 'since', title: 'First seen', end: true, cell: (f) => <Time at={f.firstSeenAt} /> },
          ]}
        />
      </Card>
      <p className={css.note}>
        {many(o.open.count, 'open finding')}. Days are those of UTC. A finding was open from when it was first seen until it was fixed or muted; one that came back counts as open in between.
      </p>
    </PageFrame>
  );
}

/** A number that leads to its findings. */
function Count({ of }: { of: Numbered }) {
  return of.count > 0 ? <ToFindings query={of.query}>{count(of.count)}</ToFindings> : <>0</>;
}

/** Counts by severity as one bar. */
function Mix({ of, most, label }: { of: Tally; most: number; label: string }) {
  return <StackedBar label={label} most={most} parts={severities.map((s) => ({ name: s, value: of[s], colour: fill[s] }))} />;
}
