import { Button, Modal, NativeSelect } from '@mantine/core';
import { IconGitCommit } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import type { Schema } from '../../api/types.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To } from '../../app/link.tsx';
import { Severity, Status } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name, tail, visible } from '../../part/name.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { count, many, Time } from '../../part/time.tsx';
import { short, type Repository } from './share.ts';
import css from './repositories.module.css';

type Commit = Schema<'Commit'>;

/** The scanned commits of a branch, and what each brought and took away. */
export function Commits({ repository: r }: { repository: Repository }) {
  const [search, change] = useSearch();
  const branch = search.branch;
  const list = useList<Commit>(['repositories', r.id, 'commits', branch ?? ''], `/api/repositories/${r.id}/commits`, { branch });
  const branches = useQuery({
    queryKey: ['repositories', r.id, 'branches', 'names'],
    queryFn: ({ signal }) => get<Schema<'ListBranchesOutputBody'>>(`/api/repositories/${r.id}/branches`, { limit: 100 }, signal),
  });
  if (list.error) return <Failure error={list.error} again={() => void list.again()} />;
  const names = (branches.data?.items ?? []).map((b) => ({ value: b.isDefault ? '' : b.name, label: visible(b.name) }));
  if (branch && !names.some((n) => n.value === branch)) names.push({ value: branch, label: visible(branch) });
  const columns: Column<Commit>[] = [
    {
      key: 'commit',
      title: 'Commit',
      cell: (c) => (
        <div className={css.who}>
          <button type="button" className={css.link} onClick={() => change({ commit: c.sha }, 'push')}>
            {c.subject ? <Name of={c.subject} /> : short(c.sha)}
          </button>
          <span>
            <code className={css.sha}>{short(c.sha)}</code> {c.author && <Name of={c.author} />} <Time at={c.committedAt} />
          </span>
        </div>
      ),
    },
    {
      key: 'delta',
      title: 'Changed',
      cell: (c) =>
        c.added + c.gone === 0 ? (
          <span className={css.none}>Nothing</span>
        ) : (
          <span className={css.delta}>
            {c.added > 0 && <span data-tone="bad">+{count(c.added)} new</span>}
            {c.gone > 0 && <span data-tone="good">−{count(c.gone)} fixed</span>}
          </span>
        ),
    },
    { key: 'findings', title: 'Findings', end: true, cell: (c) => count(c.findings) },
    { key: 'undecided', title: 'Undecided', end: true, spare: true, cell: (c) => (c.undecided ? count(c.undecided) : '–') },
    { key: 'problems', title: 'Problems', end: true, spare: true, cell: (c) => (c.problems ? count(c.problems) : '–') },
  ];
  return (
    <>
      {names.length > 1 && (
        <div className={css.bar}>
          <NativeSelect aria-label="Branch" value={branch ?? ''} data={names} onChange={(e) => change({ branch: e.currentTarget.value || undefined })} />
        </div>
      )}
      <Card flush>
        {list.loading ? (
          <div className={css.pad}>
            <Skeleton lines={6} />
          </div>
        ) : (
          <Table
            label="Commits"
            rows={list.items}
            id={(c) => c.sha}
            columns={columns}
            onOpen={(c) => change({ commit: c.sha }, 'push')}
            empty={
              <Empty icon={IconGitCommit} title="No commit was scanned yet">
                <p>Commits appear as they are scanned. Older ones appear when the history is scanned.</p>
              </Empty>
            }
          />
        )}
      </Card>
      {list.more && (
        <div className={css.more}>
          <Button variant="default" loading={list.loadingMore} onClick={list.readOn}>
            Show older ones
          </Button>
        </div>
      )}
      {search.commit && <OneCommit repository={r} sha={search.commit} onClose={() => change({ commit: undefined })} />}
    </>
  );
}

/** What one commit changed. */
function OneCommit({ repository: r, sha, onClose }: { repository: Repository; sha: string; onClose: () => void }) {
  const one = useQuery({ queryKey: ['repositories', r.id, 'commit', sha], queryFn: ({ signal }) => get<Schema<'GetCommitOutputBody'>>(`/api/repositories/${r.id}/commits/${encodeURIComponent(sha)}`, undefined, signal) });
  const c = one.data?.commit;
  const side = (title: string, list: Schema<'CommitFinding'>[], all: number) =>
    all > 0 && (
      <section className={css.side}>
        <h3>
          {many(all, 'finding')} {title}
        </h3>
        <ul>
          {list.map((f) => (
            <li key={f.id}>
              <Severity of={f.severity} quiet />
              <To to="/findings" search={{ finding: f.id }}>
                {f.message}
              </To>
              <span>
                {f.file && `${tail(f.file)}:${f.line}`} <Status of={f.outcome === 'undecided' && f.status === 'open' ? 'undecided' : f.status} />
              </span>
            </li>
          ))}
        </ul>
        {list.length < all && <p className={css.none}>{count(all - list.length)} are not listed.</p>}
      </section>
    );
  return (
    <Modal opened onClose={onClose} lockScroll={false} size="xl" title={c ? <Name of={c.subject || short(c.sha)} /> : short(sha)}>
      {one.error ? (
        <Failure error={one.error} again={() => void one.refetch()} />
      ) : !c ? (
        <Skeleton lines={5} />
      ) : (
        <div className={css.form}>
          <p className={css.none}>
            <code className={css.sha}>{c.sha}</code>
            <br />
            {c.author && <Name of={c.author} />} <Time at={c.committedAt} />. {many(c.findings, 'finding')} in all, {count(c.suppressed)} suppressed in the code.
          </p>
          {c.added + c.gone === 0 && <p>This commit changed nothing about the findings.</p>}
          {side('new', one.data!.added, c.added)}
          {side('fixed', one.data!.gone, c.gone)}
        </div>
      )}
    </Modal>
  );
}
