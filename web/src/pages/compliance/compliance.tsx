import { IconShieldHalf } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To } from '../../app/link.tsx';
import { StackedBar } from '../../chart/parts.tsx';
import { Empty } from '../../part/empty.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { count, many } from '../../part/time.tsx';
import { Scoped, Basis } from './scope.tsx';
import { parts, percent, type Framework, type Scope } from './share.ts';
import css from './compliance.module.css';

/** The frameworks, and how far their controls are met. */
export default function Compliance() {
  const [search] = useSearch();
  const list = useQuery({
    queryKey: ['compliance', search.q ?? ''],
    queryFn: ({ signal }) => get<{ items: Framework[]; scope: Scope }>('/api/compliance', { q: search.q }, signal),
    placeholderData: keepPreviousData,
  });
  if (list.error)
    return (
      <PageFrame title="Compliance" actions={<Scoped />}>
        <Failure error={list.error} again={() => void list.refetch()} />
      </PageFrame>
    );
  const items = [...(list.data?.items ?? [])].sort((a, b) => Number(b.judged > 0) - Number(a.judged > 0));
  return (
    <PageFrame title="Compliance" about={list.data ? <Basis of={list.data.scope} /> : 'What the code says about the controls of frameworks.'} actions={<Scoped />}>
      <Card flush>
        {list.isPending ? (
          <div className={css.wait}>
            <Skeleton lines={10} />
          </div>
        ) : (
          <Table
            label="Frameworks"
            rows={items}
            id={(f) => f.id}
            empty={
              <Empty icon={IconShieldHalf} title="No frameworks">
                This build has none.
              </Empty>
            }
            columns={[
              {
                key: 'name',
                title: 'Framework',
                cell: (f) => (
                  <div className={css.name}>
                    <To to={`/compliance/${f.id}`} search={{ q: search.q }}>
                      {f.name}
                    </To>
                    <span>
                      {f.version} · {many(f.total, 'control')}
                    </span>
                  </div>
                ),
              },
              { key: 'bar', title: 'Controls', spare: true, cell: (f) => <div className={css.bar}><StackedBar label={f.name} height={9} parts={parts(f.controls)} /></div> },
              { key: 'fail', title: 'Fail', end: true, cell: (f) => (f.controls.fail ? <To to={`/compliance/${f.id}`} search={{ q: search.q, status: 'fail' }}>{count(f.controls.fail)}</To> : '–') },
              { key: 'pass', title: 'Pass', end: true, cell: (f) => count(f.controls.pass ?? 0) },
              { key: 'score', title: 'Score', end: true, cell: (f) => (
                  <div className={css.score}>
                    <strong>{percent(f.score)}</strong>
                    <span>{f.absent ? 'no cluster of this kind' : `${count(f.judged)} of ${count(f.total)} judged`}</span>
                  </div>
                ) },
            ]}
          />
        )}
      </Card>
      <p className={css.note}>
        The score is what passes of what was judged; how many controls that is stands below it. A benchmark of a managed cluster has no score where no such cluster was found: manifests say nothing of it. A control that is accepted, undecided, not judged or served by no rule does not count as a pass. Titles of controls are ours; the text of the publisher is the binding one.
      </p>
    </PageFrame>
  );
}
