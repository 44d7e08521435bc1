import { Button, Menu, Progress, Tabs } from '@mantine/core';
import { IconChevronDown, IconDots, IconHistory, IconPlayerPause, IconPlayerPlay, IconRefresh, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { useProgress, type Progress as ProgressOf } from '../../api/events.ts';
import { useMay } from '../../api/session.ts';
import { useGo, useParam, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Tag } from '../../part/badge.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Grid, PageFrame, Skeleton, Stat } from '../../part/page.tsx';
import { count, many, span, Time } from '../../part/time.tsx';
import { Bars } from './bars.tsx';
import { Branches } from './branches.tsx';
import { Commits } from './commits.tsx';
import { Coverage } from './coverage.tsx';
import { File } from './file.tsx';
import { Settings } from './settings.tsx';
import { short, state, term, total, type Repository as Row } from './share.ts';
import css from './repositories.module.css';

/** The code is a tab only when somebody asks for a file. */
const tabs = { branches: 'Branches', commits: 'Commits', coverage: 'Coverage', settings: 'Settings', code: 'Code' };

/** One repository: how it stands, and what can be done with it. */
export default function Repository() {
  const id = useParam('id');
  const [search, change] = useSearch();
  const client = useQueryClient();
  const go = useGo();
  const say = useSay();
  const mayScan = useMay('repository:scan');
  const mayChange = useMay('repository:write');
  const one = useQuery({
    queryKey: ['repositories', id],
    queryFn: ({ signal }) => get<Row>(`/api/repositories/${id}`, undefined, signal),
    refetchInterval: (q) => (q.state.data?.scan?.state === 'running' || (q.state.data && q.state.data.address && !q.state.data.scannedAt && !q.state.data.problem) ? 2000 : false),
  });
  const progress = useProgress(id);
  if (one.error) return <Failure error={one.error} again={() => void one.refetch()} />;
  const r = one.data;
  if (!r) {
    return (
      <PageFrame title="Repository" wide>
        <Skeleton lines={8} />
      </PageFrame>
    );
  }
  const tell = async (what: () => Promise<unknown>, done: string, undo?: () => Promise<unknown>) => {
    try {
      await what();
      await client.invalidateQueries({ queryKey: ['repositories'] });
      say.done(done, undo && (async () => void (await undo(), await client.invalidateQueries({ queryKey: ['repositories'] }))));
    } catch (e) {
      say.failed(e);
    }
  };
  const scan = (kind: string, done: string) => tell(() => send('POST', `/api/repositories/${id}/scan`, { kind }), done);
  const patch = (body: unknown) => send('PATCH', `/api/repositories/${id}`, body);
  const s = state(r);
  const tab = search.tab && search.tab in tabs && (search.tab !== 'code' || search.file) ? search.tab : 'branches';
  const running = r.scan?.state === 'running';
  const took = r.scan?.endedAt ? (new Date(r.scan.endedAt).getTime() - new Date(r.scan.startedAt).getTime()) / 1000 : 0;
  return (
    <PageFrame
      wide
      title={<Name of={r.name} />}
      about={
        <span className={css.about}>
          <Tag tone={s.tone}>{s.text}</Tag>
          {r.address ? <Name of={r.address} /> : 'Results are uploaded; nothing is fetched.'}
        </span>
      }
      actions={
        (mayScan || mayChange) && (
          <div className={css.actions}>
            {mayScan && r.address && (
              <Button.Group>
                <Button leftSection={<IconRefresh size={16} />} disabled={r.state === 'paused'} onClick={() => void scan('head', 'Fetching, and scanning what is new.')}>
                  Scan now
                </Button>
                <Menu position="bottom-end">
                  <Menu.Target>
                    <Button px={8} aria-label="Other scans" disabled={r.state === 'paused'}>
                      <IconChevronDown size={16} />
                    </Button>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item leftSection={<IconRefresh size={15} />} onClick={() => void scan('full', 'The newest commit is scanned again.')}>
                      Newest commit again
                    </Menu.Item>
                    <Menu.Item leftSection={<IconHistory size={15} />} onClick={() => void scan('history', 'The history is scanned, commit by commit.')}>
                      The whole history
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              </Button.Group>
            )}
            {mayChange && (
              <Menu position="bottom-end">
                <Menu.Target>
                  <Button variant="default" px={8} aria-label="More">
                    <IconDots size={16} />
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  {r.state === 'paused' ? (
                    <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => void tell(() => patch({ state: 'active' }), 'Watched again.', () => patch({ state: 'paused' }))}>
                      Resume
                    </Menu.Item>
                  ) : (
                    <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => void tell(() => patch({ state: 'paused' }), 'Paused: nothing is fetched or scanned.', () => patch({ state: 'active' }))}>
                      Pause
                    </Menu.Item>
                  )}
                  <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => change({ tab: 'settings', remove: '1' })}>
                    Remove…
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            )}
          </div>
        )
      }
    >
      {r.problem && (
        <div className={css.problem} role="status">
          <b>The last attempt failed.</b> {r.problem}
        </div>
      )}
      {(running || (r.address !== '' && !r.scannedAt && !r.problem && r.state !== 'paused')) && (
        <div className={css.progress} role="status">
          <span>{doing(r, progress)}</span>
          <Progress value={progress ? (100 * progress.done) / progress.total : 0} size="sm" animated aria-label="Commits that are scanned" />
        </div>
      )}
      <Card>
       <Grid min={160}>
        <Stat label={`Open on ${r.defaultBranch || 'the default branch'}`} value={r.scannedAt ? count(total(r.open)) : '–'} chart={r.scannedAt ? <Bars of={r.open} query={term('repo', r.name)} /> : <span>Not scanned yet</span>} />
        <Stat
          label="Last commit"
          value={r.head ? <code className={css.sha}>{short(r.head.sha)}</code> : '–'}
          detail={
            r.head ? (
              <>
                {r.head.subject && <Name of={r.head.subject.length > 72 ? r.head.subject.slice(0, 72) + '…' : r.head.subject} />} {r.head.author && <>by <Name of={r.head.author} /></>} <Time at={r.head.at} />
              </>
            ) : (
              'Nothing was fetched yet'
            )
          }
        />
        <Stat
          label={running ? 'Scanning now' : 'Last scan'}
          value={running ? <span className={css.live}>{progress ? `${count(progress.done)} of ${count(progress.total)}` : many(r.scan!.commits, 'commit')}</span> : r.scannedAt ? <Time at={r.scannedAt} /> : '–'}
          detail={
            r.scan ? (
              <>
                {r.scan.kind === 'upload' ? 'Upload' : r.scan.kind === 'history' ? 'History' : r.scan.kind === 'full' ? 'Newest commit again' : 'New commits'} of <Name of={r.scan.branch} />
                {r.scan.endedAt && r.scan.kind !== 'upload' && <>, took {span(took)}</>}
              </>
            ) : (
              'Not yet'
            )
          }
        />
        <Stat label="Branches" value={count(r.branches)} detail={r.credential ? { token: 'Fetched with a token', password: 'Fetched with a password', 'ssh-key': 'Fetched with a private key' }[r.credential] : r.address ? 'Fetched without a credential' : 'As uploads name them'} />
      </Grid>
      </Card>
      <Tabs value={tab} onChange={(t) => change({ tab: t === 'branches' ? undefined : (t ?? undefined), branch: undefined, remove: undefined, file: undefined, line: undefined }, 'push')} keepMounted={false}>
        <Tabs.List>
          {Object.entries(tabs).filter(([key]) => key !== 'code' || search.file).map(([key, title]) => (
            <Tabs.Tab key={key} value={key}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <div className={css.tab}>
          <Tabs.Panel value="branches">
            <Branches repository={r} />
          </Tabs.Panel>
          <Tabs.Panel value="commits">
            <Commits repository={r} />
          </Tabs.Panel>
          <Tabs.Panel value="coverage">
            <Coverage repository={r} />
          </Tabs.Panel>
          <Tabs.Panel value="code">
            <File repository={r} />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <Settings key={r.id} repository={r} gone={() => go('/repositories')} />
          </Tabs.Panel>
        </div>
      </Tabs>
    </PageFrame>
  );
}

/** What goes on, in words. A scan that began before the page was opened has no total until it tells of itself again. */
function doing(r: Row, progress: ProgressOf | undefined) {
  if (r.scan?.state === 'running')
    return (
      <>
        <b>{r.scan.kind === 'history' ? 'Scanning the history' : r.scannedAt ? 'Scanning' : 'First scan'}</b> of <Name of={r.scan.branch} />: {progress ? `${count(progress.done)} of ${many(progress.total, 'commit')}` : `${many(r.scan.commits, 'commit')} so far`}
      </>
    );
  if (!r.fetchedAt) return <b>Fetching. Branches appear here by themselves.</b>;
  return <b>Fetched. Its first scan waits for its turn.</b>;
}
