import { useEffect, useState } from 'react';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconGitBranch, IconPlus, IconSearch } from '@tabler/icons-react';
import { useList } from '../../api/paging.ts';
import { useMay } from '../../api/session.ts';
import { useGo, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To } from '../../app/link.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { Add } from './add.tsx';
import { Bars } from './bars.tsx';
import { short, state, term, type Repository } from './share.ts';
import css from './repositories.module.css';

/** Every repository with what is open in it. */
export default function Repositories() {
  const [search, change] = useSearch();
  const go = useGo();
  const may = useMay('repository:write');
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text !== (search.q ?? '')) change({ q: text || undefined });
    }, 200);
    return () => clearTimeout(timer);
  }, [text, search.q, change]);
  const query = { q: search.q, state: search.state, sort: search.sort ?? 'risk' };
  const list = useList<Repository>(['repositories', 'list', query], '/api/repositories', query);
  if (list.error) return <Failure error={list.error} again={() => void list.again()} />;

  const columns: Column<Repository>[] = [
    {
      key: 'name',
      title: 'Repository',
      cell: (r) => (
        <div className={css.who}>
          <To to={`/repositories/${r.id}`}>
            <Name of={r.name} />
          </To>
          <span>{r.address ? <Name of={r.address.replace(/^https:\/\//, '').replace(/\.git$/, '')} /> : 'Results are uploaded'}</span>
        </div>
      ),
    },
    { key: 'open', title: 'Open on the default branch', cell: (r) => (r.scannedAt ? <Bars of={r.open} query={term('repo', r.name)} /> : <span className={css.none}>Not scanned yet</span>) },
    {
      key: 'head',
      title: 'Last commit',
      spare: true,
      cell: (r) =>
        r.head ? (
          <div className={css.commit}>
            <span title={r.head.subject}>{r.head.subject ? <Name of={r.head.subject} /> : <code>{short(r.head.sha)}</code>}</span>
            <span>
              {r.head.author && <Name of={r.head.author} />} <Time at={r.head.at} />
            </span>
          </div>
        ) : (
          '–'
        ),
    },
    { key: 'scanned', title: 'Scanned', spare: true, cell: (r) => (r.scannedAt ? <Time at={r.scannedAt} /> : 'Not yet') },
    {
      key: 'state',
      title: 'State',
      cell: (r) => {
        const s = state(r);
        return (
          <div className={css.state}>
            <Tag tone={s.tone}>{s.text}</Tag>
            {r.problem && <span title={r.problem}>{r.problem}</span>}
          </div>
        );
      },
    },
  ];
  const filtered = Boolean(search.q || search.state);
  return (
    <PageFrame
      wide
      title="Repositories"
      about="Every commit of every branch is scanned as it arrives."
      actions={
        may && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: '1' })}>
            Add a repository
          </Button>
        )
      }
    >
      <div className={css.bar}>
        <TextInput aria-label="Search repositories" placeholder="Name or address" leftSection={<IconSearch size={15} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
        <NativeSelect
          aria-label="State"
          value={search.state ?? ''}
          onChange={(e) => change({ state: e.currentTarget.value || undefined })}
          data={[
            { value: '', label: 'Any state' },
            { value: 'active', label: 'Active' },
            { value: 'paused', label: 'Paused' },
            { value: 'problem', label: 'With a problem' },
          ]}
        />
        <NativeSelect
          aria-label="Order"
          value={search.sort ?? 'risk'}
          onChange={(e) => change({ sort: e.currentTarget.value === 'risk' ? undefined : e.currentTarget.value })}
          data={[
            { value: 'risk', label: 'Worst first' },
            { value: 'name', label: 'By name' },
            { value: 'scanned', label: 'Last scanned first' },
          ]}
        />
      </div>
      <Card flush>
        {list.loading ? (
          <div className={css.pad}>
            <Skeleton lines={6} />
          </div>
        ) : (
          <Table
            label="Repositories"
            rows={list.items}
            id={(r) => r.id}
            columns={columns}
            onOpen={(r) => go(`/repositories/${r.id}`)}
            empty={
              filtered ? (
                <Empty icon={IconGitBranch} title="No repository fits">
                  <p>Nothing here has this name, address or state.</p>
                  <Button variant="default" onClick={() => change({ q: undefined, state: undefined })}>
                    Show all
                  </Button>
                </Empty>
              ) : (
                <Empty icon={IconGitBranch} title="Nothing is watched yet">
                  <p>Add a repository by its git address. It is fetched and scanned at once, and after that with every commit.</p>
                  <p>Or let CI send results: plumbline scan --upload.</p>
                  {may && <Button onClick={() => change({ add: '1' })}>Add a repository</Button>}
                </Empty>
              )
            }
          />
        )}
      </Card>
      {list.more && (
        <div className={css.more}>
          <Button variant="default" loading={list.loadingMore} onClick={list.readOn}>
            Show more
          </Button>
        </div>
      )}
      {search.add && may && <Add onClose={() => change({ add: undefined })} />}
    </PageFrame>
  );
}
