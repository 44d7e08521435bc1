import { useEffect, useState } from 'react';
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { IconPackages, IconSearch, IconWorld } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { To, ToFindings } from '../../app/link.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Place } from '../../part/source.tsx';
import { count, many } from '../../part/time.tsx';
import css from './resources.module.css';

interface ResourceTag {
  key: string;
  value: string;
  known: boolean;
  origin: string;
  file: string;
  line: number;
}

interface Resource {
  id: string;
  repository: { id: string; name: string };
  unit: string;
  variant: string;
  address: string;
  type: string;
  native: string;
  dialect: string;
  file: string;
  line: number;
  maybe: boolean;
  exposed: string;
  tags: ResourceTag[];
  open: { count: number; query: string };
}

interface Facet {
  value: string;
  label: string;
  count: number;
}

interface Facets {
  total: number;
  exposed: number;
  taggable: number;
  untagged: number;
  types: Facet[];
  providers: Facet[];
  dialects: Facet[];
  repositories: Facet[];
  tags: Facet[];
}

/** What the code declares, after expansion, with effective tags and where they come from. */
export default function Resources() {
  const [search, change] = useSearch();
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  const query = { q: search.q, type: search.type, provider: search.provider, dialect: search.dialect, repository: search.repository, tag: search.tag, without: search.without, untagged: search.untagged, exposed: search.exposed };
  const list = useList<Resource>(['resources', query], '/api/resources', query);
  const facets = useQuery({ queryKey: ['resources', 'facets', query], queryFn: ({ signal }) => get<Facets>('/api/resources/facets', query, signal), placeholderData: keepPreviousData });
  if (list.error) return <Failure error={list.error} again={() => void list.again()} />;
  const f = facets.data;
  const choice = (name: string, label: string, values: Facet[] | undefined) => (
    <NativeSelect
      aria-label={label}
      value={search[name] ?? ''}
      onChange={(e) => change({ [name]: e.currentTarget.value || undefined })}
      data={[
        { value: '', label: `${label}: all` },
        ...(search[name] && !values?.some((v) => v.value === search[name]) ? [{ value: search[name]!, label: search[name]! }] : []),
        ...(values ?? []).map((v) => ({ value: v.value, label: `${v.label} (${count(v.count)})` })),
      ]}
    />
  );
  const narrowed = Object.values(query).some(Boolean);
  return (
    <PageFrame title="Resources" about={f ? `${many(f.total, 'resource')} on default branches, after modules, counts and charts are expanded` : 'What the code declares.'}>
      <form
        className={css.filters}
        onSubmit={(e) => {
          e.preventDefault();
          change({ q: text.trim() || undefined }, 'push');
        }}
      >
        <TextInput className={css.search} aria-label="Part of an address" placeholder="Part of an address" leftSection={<IconSearch size={15} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
        {choice('type', 'Type', f?.types)}
        {choice('provider', 'Provider', f?.providers)}
        {choice('repository', 'Repository', f?.repositories)}
        {choice('dialect', 'Language', f?.dialects)}
        <TextInput className={css.tag} aria-label="Tag" placeholder="Tag: Key or Key=value" defaultValue={search.tag ?? ''} key={search.tag ?? ''} onBlur={(e) => change({ tag: e.currentTarget.value.trim() || undefined })} />
        <Checkbox label="Reachable from the internet" checked={search.exposed === 'true'} onChange={(e) => change({ exposed: e.currentTarget.checked ? 'true' : undefined })} />
        <Checkbox label="Untagged" checked={search.untagged === 'true'} onChange={(e) => change({ untagged: e.currentTarget.checked ? 'true' : undefined })} />
      </form>
      <div className={css.columns}>
        <Card flush>
          {list.loading ? (
            <div className={css.wait}>
              <Skeleton lines={10} />
            </div>
          ) : (
            <Table
              label="Resources"
              rows={list.items}
              id={(r) => r.id}
              empty={
                <Empty icon={IconPackages} title={narrowed ? 'Nothing fits' : 'No inventory yet'}>
                  {narrowed ? 'Take a filter away.' : 'It is made when the default branch of a repository is scanned.'}
                </Empty>
              }
              columns={[
                {
                  key: 'address',
                  title: 'Resource',
                  cell: (r) => (
                    <div className={css.resource}>
                      <span className={css.mono}>
                        <Name of={r.address} />
                        {r.variant && <Tag>{r.variant}</Tag>}
                        {r.maybe && <Tag title="It is there or not, by something that is not known">maybe</Tag>}
                      </span>
                      <span>
                        <Name of={r.native || r.type} /> · <To to={`/repositories/${r.repository.id}`}><Name of={r.repository.name} /></To> · <Place repository={r.repository.id} file={r.file} line={r.line} />
                      </span>
                      {r.exposed && (
                        <span className={css.exposed}>
                          <IconWorld size={14} aria-hidden /> Reachable from the internet: <Name of={r.exposed} />
                        </span>
                      )}
                    </div>
                  ),
                },
                {
                  key: 'tags',
                  title: 'Effective tags',
                  spare: true,
                  cell: (r) => (
                    <div className={css.tags}>
                      {r.tags.length === 0 && '–'}
                      {r.tags.map((t) => (
                        <button key={t.key} type="button" title={visible(`from ${t.origin}${t.file ? `, ${t.file}:${t.line}` : ''}`)} onClick={() => change({ tag: t.known ? `${t.key}=${t.value}` : t.key }, 'push')}>
                          <Name of={t.key} /> <b>{t.known ? <Name of={t.value} /> : 'not known yet'}</b>
                          {t.origin !== 'resource' && <i>{t.origin}</i>}
                        </button>
                      ))}
                    </div>
                  ),
                },
                { key: 'open', title: 'Open', end: true, cell: (r) => (r.open.count ? <ToFindings query={r.open.query}>{count(r.open.count)}</ToFindings> : '–') },
              ]}
            />
          )}
        </Card>
        <Card title="Tag coverage" about={f && f.taggable > 0 ? `Of ${many(f.taggable, 'resource')} whose type carries tags anywhere` : undefined}>
          {!f || f.taggable === 0 ? (
            <p className={css.quiet}>No resource here has a tag.</p>
          ) : (
            <ul className={css.coverage}>
              {f.tags.map((t) => (
                <li key={t.value}>
                  <button type="button" className={css.key} onClick={() => change({ tag: t.value, without: undefined, untagged: undefined }, 'push')}>
                    <Name of={t.label} />
                  </button>
                  <span>{Math.floor((100 * t.count) / f.taggable)} %</span>
                  <span className={css.track} aria-hidden>
                    <span style={{ width: `${Math.min(100, (100 * t.count) / f.taggable)}%` }} />
                  </span>
                  <button type="button" className={css.quiet} onClick={() => change({ without: t.value, tag: undefined, untagged: undefined }, 'push')}>
                    {count(Math.max(0, f.taggable - t.count))} without
                  </button>
                </li>
              ))}
              <li>
                <button type="button" className={css.key} onClick={() => change({ untagged: 'true', tag: undefined, without: undefined }, 'push')}>
                  No tag at all
                </button>
                <span>{count(f.untagged)}</span>
              </li>
            </ul>
          )}
        </Card>
      </div>
      {search.without && (
        <p className={css.quiet}>
          Shown are resources without the tag {search.without}.{' '}
          <button type="button" className={css.key} onClick={() => change({ without: undefined })}>
            Show all
          </button>
        </p>
      )}
      {list.more && (
        <Button variant="default" loading={list.loadingMore} onClick={list.readOn}>
          Show more
        </Button>
      )}
    </PageFrame>
  );
}
