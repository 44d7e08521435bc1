import type { ReactNode } from 'react';
import { IconEye } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { ToFindings } from '../../app/link.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Grid, Skeleton, Stat } from '../../part/page.tsx';
import { Place } from '../../part/source.tsx';
import { count, many, Time } from '../../part/time.tsx';
import { short, term, type Repository } from './share.ts';
import css from './repositories.module.css';

const tones: Record<string, 'bad' | 'warn' | 'info'> = { unreadable: 'bad', invalid: 'bad', limit: 'warn', bug: 'bad', unresolved: 'info' };

/** What the last scan of a branch understood, and what it did not and why. */
export function Coverage({ repository: r }: { repository: Repository }) {
  const [search, change] = useSearch();
  const one = useQuery({
    queryKey: ['repositories', r.id, 'coverage', search.branch ?? ''],
    queryFn: ({ signal }) => get<Schema<'CoverageOutputBody'>>(`/api/repositories/${r.id}/coverage`, { branch: search.branch }, signal),
  });
  if (one.error) return <Failure error={one.error} again={() => void one.refetch()} />;
  const c = one.data;
  if (!c) return <Skeleton lines={6} />;
  if (!c.commit) {
    return (
      <Empty icon={IconEye} title="Nothing was scanned yet">
        <p>After the first scan this says which files were understood, which were not, and what is missing to decide the rest.</p>
      </Empty>
    );
  }
  const verdict = (name: string) => c.verdicts.find((v) => v.name === name)?.count ?? 0;
  const list = (title: string, about: string, rows: ReactNode[]) =>
    rows.length > 0 && (
      <Card title={title} about={about} flush>
        <ul className={css.rows}>{rows}</ul>
      </Card>
    );
  // Code is shown of the default branch; of another one the place is a name.
  const place = (file: string, line: number) =>
    file && <code className={css.place}>{r.address && !search.branch ? <Place repository={r.id} file={file} line={line} /> : <Name of={line ? `${file}:${line}` : file} />}</code>;
  return (
    <div className={css.tab}>
      <p className={css.none}>
        Of commit <code className={css.sha}>{short(c.commit)}</code>, scanned <Time at={c.scannedAt} />.
        {search.branch && (
          <>
            {' '}
            Branch <Name of={search.branch} />. <button type="button" className={css.link} onClick={() => change({ branch: undefined })}>Show the default branch</button>
          </>
        )}
      </p>
      <Grid min={160}>
        <Stat label="Files understood" value={count(c.files)} detail={c.dialects.slice(0, 4).map((d) => `${d.name} ${count(d.count)}`).join(' · ') || 'None'} />
        <Stat label="Not understood" value={count(c.skipped)} detail={`no dialect claims them; ${many(c.ignored, 'path')} left out by ignore files`} />
        <Stat label="Resources" value={count(c.resources)} detail={`in ${many(c.units, 'unit')}, judged by ${many(c.rules, 'rule')}`} />
        <Stat
          label="Undecided"
          value={verdict('undecided') ? <ToFindings query={`${term('repo', r.name)} verdict:undecided`}>{count(verdict('undecided'))}</ToFindings> : '0'}
          detail={`${count(verdict('pass'))} passed, ${count(verdict('fail'))} failed`}
        />
        <Stat label="Problems" value={count(c.totalProblems)} tone={c.totalProblems ? 'bad' : 'good'} detail={c.totalProblems ? 'what is below was not scanned' : 'everything could be read'} />
      </Grid>
      {list(
        'Problems',
        'Input that could not be read or resolved. Findings in these files stay as they were.',
        c.problems.map((p, i) => (
          <li key={i}>
            <Tag tone={tones[p.kind] ?? 'info'}>{p.kind}</Tag>
            <span><Name of={p.message} /></span>
            {place(p.file, p.line)}
          </li>
        )),
      )}
      {list(
        'What would decide most',
        c.sampled ? 'Inputs that undecided verdicts wait for, of the first 2,000.' : 'Inputs that undecided verdicts wait for. Give them a value in a .tfvars file or in the settings.',
        c.undecided.slice(0, 30).map((u, i) => (
          <li key={i}>
            <Tag tone="info">{u.kind}</Tag>
            <span>
              <code><Name of={u.name} /></code> would help to decide {many(u.findings, 'verdict')}
            </span>
            {place(u.file, u.line)}
          </li>
        )),
      )}
      {list(
        'Missing modules',
        'They were not at hand, so that what they declare was not judged.',
        c.missing.map((m, i) => (
          <li key={i}>
            <span><code><Name of={m} /></code></span>
          </li>
        )),
      )}
      {list(
        'Suppressions to look at',
        'Unused, expired, unexplained, or for a rule that does not exist.',
        c.hygiene.map((h, i) => (
          <li key={i}>
            <Tag tone="warn">{h.kind}</Tag>
            <span><Name of={h.message} /></span>
            {place(h.file, h.line)}
          </li>
        )),
      )}
      {list(
        'Mistakes in settings files',
        'These files were left out.',
        c.mistakes.map((m, i) => (
          <li key={i}>
            <span><Name of={m} /></span>
          </li>
        )),
      )}
    </div>
  );
}
