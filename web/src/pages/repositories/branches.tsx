import { Button } from '@mantine/core';
import { IconGitBranch } from '@tabler/icons-react';
import { useList } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { count, Time } from '../../part/time.tsx';
import { Bars } from './bars.tsx';
import { short, term, type Repository } from './share.ts';
import css from './repositories.module.css';

type Branch = Schema<'Branch'>;

/** The branches, each with what is open on it and how it differs from the default one. */
export function Branches({ repository: r }: { repository: Repository }) {
  const [, change] = useSearch();
  const list = useList<Branch>(['repositories', r.id, 'branches'], `/api/repositories/${r.id}/branches`);
  if (list.error) return <Failure error={list.error} again={() => void list.again()} />;
  const columns: Column<Branch>[] = [
    {
      key: 'name',
      title: 'Branch',
      cell: (b) => (
        <div className={css.who}>
          <button type="button" className={css.link} onClick={() => change({ tab: 'commits', branch: b.isDefault ? undefined : b.name }, 'push')}>
            <Name of={b.name} />
          </button>
          {b.isDefault && <Tag tone="accent">Default</Tag>}
        </div>
      ),
    },
    { key: 'open', title: 'Open', cell: (b) => (b.scanned ? <Bars of={b.open} query={`${term('repo', r.name)} ${term('branch', b.name)}`} /> : <span className={css.none}>Not scanned yet</span>) },
    {
      key: 'difference',
      title: 'Against the default branch',
      spare: true,
      cell: (b) =>
        b.isDefault || !b.scanned ? (
          '–'
        ) : b.more + b.less === 0 ? (
          <span className={css.none}>The same</span>
        ) : (
          <span className={css.delta}>
            {b.more > 0 && <span data-tone="bad">+{count(b.more)} more</span>}
            {b.less > 0 && <span data-tone="good">−{count(b.less)} fewer</span>}
          </span>
        ),
    },
    { key: 'head', title: 'Newest commit', end: true, cell: (b) => <><code className={css.sha}>{short(b.head)}</code> <Time at={b.headAt} /></> },
  ];
  return (
    <>
      <Card flush>
        {list.loading ? (
          <div className={css.pad}>
            <Skeleton lines={5} />
          </div>
        ) : (
          <Table
            label="Branches"
            rows={list.items}
            id={(b) => b.id}
            columns={columns}
            empty={
              <Empty icon={IconGitBranch} title="No branches yet">
                <p>{r.address ? 'They appear when the repository was fetched for the first time.' : 'They appear with the first upload.'}</p>
              </Empty>
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
    </>
  );
}
