import { useEffect, useState } from 'react';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconRulerMeasure, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, keepPreviousData } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useGo, useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { Severity, Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { count, many } from '../../part/time.tsx';
import { falsePositives, term, words, type Rule } from './share.ts';
import css from './rules.module.css';

interface Answer {
  items: Rule[];
  next: string;
  total: number;
  facets: Record<string, { value: string; count: number }[]>;
}

const order: Record<string, string> = { rule: 'id', severity: 'severity', open: 'open', wrong: 'false-positives' };

/** The catalogue of rules. */
export default function Rules() {
  const [search, change] = useSearch();
  const go = useGo();
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text !== (search.q ?? '')) change({ q: text || undefined });
    }, 200);
    return () => clearTimeout(timer);
  }, [text, search.q, change]);

  const query = { q: search.q, provider: search.provider, category: search.category, severity: search.severity, framework: search.framework, state: search.state, sort: order[search.sort ?? 'open'] };
  const list = useInfiniteQuery({
    queryKey: ['rules', query],
    queryFn: ({ pageParam, signal }) => get<Answer>('/api/rules', { ...query, cursor: pageParam, limit: 100 }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
  if (list.error) return <Failure error={list.error} again={() => void list.refetch()} />;
  const first = list.data?.pages[0];
  const rows = list.data?.pages.flatMap((p) => p.items) ?? [];

  const choice = (name: string, label: string) => (
    <NativeSelect
      aria-label={label}
      value={search[name] ?? ''}
      onChange={(e) => change({ [name]: e.currentTarget.value || undefined })}
      data={[{ value: '', label: `${label}: all` }, ...(first?.facets[name] ?? []).map((f) => ({ value: f.value, label: `${name === 'framework' ? f.value : words(f.value)} (${count(f.count)})` }))]}
    />
  );
  const columns: Column<Rule>[] = [
    { key: 'severity', title: 'Severity', sortable: true, cell: (r) => (r.effective ? <Severity of={r.effective} /> : '–') },
    {
      key: 'rule',
      title: 'Rule',
      sortable: true,
      cell: (r) => (
        <div className={css.rule}>
          <To to={`/rules/${encodeURIComponent(r.id)}`}>{r.title}</To>
          <span className={css.id}>
            <Name of={r.id} />
            {r.off && <Tag tone="warn">Off</Tag>}
            {!r.off && r.settings > 0 && <Tag tone="accent">Changed</Tag>}
          </span>
        </div>
      ),
    },
    { key: 'category', title: 'About', spare: true, cell: (r) => words(r.category) || '–' },
    { key: 'fix', title: 'Fix', spare: true, cell: (r) => (r.fix ? 'Yes' : '–') },
    { key: 'open', title: 'Open', sortable: true, end: true, cell: (r) => (r.tally.open ? <ToFindings query={`${term('rule', r.id)} status:open verdict:fail`}>{count(r.tally.open)}</ToFindings> : '–') },
    { key: 'muted', title: 'Muted', end: true, spare: true, cell: (r) => (r.tally.muted ? <ToFindings query={`${term('rule', r.id)} status:muted`}>{count(r.tally.muted)}</ToFindings> : '–') },
    { key: 'wrong', title: 'False positives', sortable: true, end: true, spare: true, cell: (r) => falsePositives(r.tally) },
  ];
  const sort = search.sort ?? 'open';
  return (
    <PageFrame title="Rules" about={first ? `${many(first.total, 'rule')}. Each is judged in every language it can be written in.` : 'What is judged, and what you decided about it.'}>
      <div className={css.filters}>
        <TextInput className={css.search} aria-label="Search rules" placeholder="Name, resource type, id of another scanner" leftSection={<IconSearch size={15} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
        {choice('severity', 'Severity')}
        {choice('provider', 'Provider')}
        {choice('category', 'About')}
        {choice('framework', 'Framework')}
        <NativeSelect
          aria-label="State"
          value={search.state ?? ''}
          onChange={(e) => change({ state: e.currentTarget.value || undefined })}
          data={[
            { value: '', label: 'State: all' },
            { value: 'open', label: 'With open findings' },
            { value: 'changed', label: 'Changed by somebody' },
            { value: 'off', label: 'Switched off somewhere' },
          ]}
        />
      </div>
      <Card flush>
        {list.isPending ? (
          <div className={css.wait}>
            <Skeleton lines={10} />
          </div>
        ) : (
          <Table
            label="Rules"
            columns={columns}
            rows={rows}
            id={(r) => r.id}
            sort={sort === 'rule' ? 'rule' : `-${sort}`}
            onSort={(s) => change({ sort: s.replace('-', '') })}
            onOpen={(r) => go(`/rules/${encodeURIComponent(r.id)}`)}
            empty={
              <Empty icon={IconRulerMeasure} title="No rule fits">
                Ask for less: take a filter away, or search for a resource type such as aws_s3_bucket.
              </Empty>
            }
          />
        )}
      </Card>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show more
        </Button>
      )}
    </PageFrame>
  );
}
