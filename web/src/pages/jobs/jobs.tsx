import { useEffect, useRef } from 'react';
import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { IconClockPlay, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useMay } from '../../api/session.ts';
import type { Schema } from '../../api/types.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To } from '../../app/link.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton, Stat } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { ago, count, many, Time } from '../../part/time.tsx';
import { lasted, states, what, type State } from './share.ts';
import css from './jobs.module.css';

type Job = Schema<'Listed'>;
type Summary = Schema<'Summary'>;

/** How often the queue is asked for, in milliseconds: that a job begins or ends is no event. */
const pulse = 4000;

/** What the server does in the background, what failed and why. */
export default function Jobs() {
  const [search, change] = useSearch();
  const client = useQueryClient();
  const state = states.find((s) => s === search.state) ?? '';
  const query = { state: state || undefined, kind: search.kind, repository: search.repository };
  const summary = useQuery({ queryKey: ['jobs', 'summary'], queryFn: ({ signal }) => get<Summary>('/api/jobs/summary', undefined, signal), refetchInterval: pulse });
  const list = useList<Job>(['jobs', 'list', query], '/api/jobs', query);

  // The list is read again when the queue moved, not with every beat.
  const seen = useRef('');
  const now = summary.data ? JSON.stringify(summary.data) : '';
  useEffect(() => {
    if (seen.current && now && seen.current !== now) void client.invalidateQueries({ queryKey: ['jobs', 'list'] });
    seen.current = now;
  }, [now, client]);

  const columns: Column<Job>[] = [
    {
      key: 'what',
      title: 'Job',
      cell: (j) => (
        <div className={css.what}>
          <span>{what(j)}</span>
          {j.name ? (
            <To to={`/repositories/${j.repository}`}>
              <Name of={j.name} />
            </To>
          ) : null}
        </div>
      ),
    },
    {
      key: 'state',
      title: 'State',
      cell: (j) => (
        <div className={css.state}>
          <Tag tone={tones[j.state]}>{j.state.charAt(0).toUpperCase() + j.state.slice(1)}</Tag>
          {j.problem && <span className={css.problem}>{visible(j.problem)}</span>}
          {j.state === 'waiting' && j.nextAt && (
            <span className={css.quiet}>{Date.parse(j.nextAt) - Date.now() < 60_000 ? 'Tried again within a minute' : <>Tried again <Time at={j.nextAt} /></>}</span>
          )}
        </div>
      ),
    },
    { key: 'attempt', title: 'Attempt', end: true, spare: true, cell: (j) => (j.attempt ? `${j.attempt} of ${j.maxAttempts}` : '–') },
    { key: 'asked', title: 'Asked for', spare: true, cell: (j) => <Time at={j.createdAt} /> },
    { key: 'took', title: 'Took', end: true, spare: true, cell: (j) => lasted(j) },
    { key: 'process', title: 'Worker', spare: true, cell: (j) => <span className={css.quiet}><Name of={j.process} /></span> },
    { key: 'do', title: '', end: true, cell: (j) => <Actions of={j} /> },
  ];
  return (
    <PageFrame title="Jobs" about="Fetching and scanning in the background. Jobs that are done stay here for an hour, failed ones for a week.">
      {summary.data && <Numbers of={summary.data} />}
      <div className={css.bar}>
        <SegmentedControl
          aria-label="State"
          value={state}
          onChange={(s) => change({ state: s || undefined })}
          data={[{ value: '', label: 'All' }, ...states.map((s) => ({ value: s, label: s.charAt(0).toUpperCase() + s.slice(1) }))]}
        />
        <NativeSelect
          aria-label="Kind"
          value={search.kind ?? ''}
          onChange={(e) => change({ kind: e.currentTarget.value || undefined })}
          data={[
            { value: '', label: 'Any kind' },
            { value: 'fetch', label: 'Fetches' },
            { value: 'scan', label: 'Scans' },
            { value: 'blame', label: 'Origins of findings' },
            { value: 'change', label: 'Changes of findings' },
          ]}
        />
        {search.repository && (
          <Button variant="default" rightSection={<IconX size={14} aria-hidden />} onClick={() => change({ repository: undefined })}>
            One repository
          </Button>
        )}
      </div>
      {list.error ? (
        <Failure error={list.error} again={() => void list.again()} />
      ) : (
        <Card flush>
          {list.loading ? (
            <div className={css.pad}>
              <Skeleton lines={8} />
            </div>
          ) : (
            <Table
              label="Jobs"
              rows={list.items}
              id={(j) => j.id}
              columns={columns}
              empty={
                <Empty icon={IconClockPlay} title={state || search.kind || search.repository ? 'No job fits' : 'Nothing to do'}>
                  <p>{state === 'failed' ? 'Nothing has failed in the last week.' : 'Every repository is fetched every few minutes; what is new is scanned.'}</p>
                </Empty>
              }
            />
          )}
        </Card>
      )}
      {list.more && (
        <div className={css.more}>
          <Button variant="default" loading={list.loadingMore} onClick={list.readOn}>
            Show older
          </Button>
        </div>
      )}
    </PageFrame>
  );
}

const tones = { queued: 'info', running: 'accent', waiting: 'warn', done: 'good', failed: 'bad', cancelled: 'info' } as const satisfies Record<State, string>;

function Numbers({ of }: { of: Summary }) {
  return (
    <div className={css.stats}>
      <Stat label="Queued" value={<Leads to="queued" n={of.queued} />} detail={of.oldest ? `the oldest since ${ago(of.oldest)}` : 'nobody waits'} />
      <Stat label="Running" value={<Leads to="running" n={of.running} />} detail={`on ${many(of.workers, 'worker')}`} tone={of.workers ? undefined : 'bad'} />
      <Stat label="Waiting" value={<Leads to="waiting" n={of.waiting} />} detail="tried again by themselves" />
      <Stat label="Failed" value={<Leads to="failed" n={of.failed} />} detail="in seven days" tone={of.failed ? 'bad' : undefined} />
      <Stat label="Done" value={<Leads to="done" n={of.finished} />} detail="in the last hour" />
    </div>
  );
}

function Leads({ to, n }: { to: State; n: number }) {
  return (
    <To to="/jobs" search={{ state: to }} aria-label={`${count(n)} ${to}`}>
      {count(n)}
    </To>
  );
}

/** What can be done to a job: what ended badly starts again, what has not ended is cancelled, and each takes the other back. */
function Actions({ of }: { of: Job }) {
  const may = useMay('repository:scan');
  const say = useSay();
  const client = useQueryClient();
  const done = () => client.invalidateQueries({ queryKey: ['jobs'] });
  const ask = (verb: 'retry' | 'cancel') => send('POST', `/api/jobs/${of.id}/${verb}`).finally(() => void done());
  const act = useMutation({
    mutationFn: ask,
    onSuccess: (_, verb) =>
      verb === 'retry'
        ? say.done('Queued again', () => ask('cancel').then(() => undefined))
        : say.done('Cancelled', () => ask('retry').then(() => undefined)),
    onError: (e) => say.failed(e),
  });
  if (!may || of.kind === 'upkeep' || of.state === 'done') return null;
  const again = of.state === 'failed' || of.state === 'cancelled' || of.state === 'waiting';
  return (
    <div className={css.actions}>
      {again && (
        <Button size="compact-xs" variant="default" loading={act.isPending && act.variables === 'retry'} onClick={() => act.mutate('retry')}>
          Retry
        </Button>
      )}
      {(of.state === 'waiting' || !again) && (
        <Button size="compact-xs" variant="subtle" color="red" loading={act.isPending && act.variables === 'cancel'} onClick={() => act.mutate('cancel')}>
          Cancel
        </Button>
      )}
    </div>
  );
}
