import { useState } from 'react';
import { useLocalStorage } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconChevronDown, IconMinus } from '@tabler/icons-react';
import { get } from '../../api/http.ts';
import { severities, type SeverityName } from '../../part/badge.tsx';
import { tail, visible } from '../../part/name.tsx';
import { Skeleton } from '../../part/page.tsx';
import { brief, count } from '../../part/time.tsx';
import { chosen, only, toggle, without } from '../../query/query.ts';
import { facets, type FacetValue, type Facets } from './data.ts';
import css from './facets.module.css';

const shortly = 6;

/** What a value is called: the few that the language itself has begin with a capital letter. */
const said = (facet: string, v: FacetValue) => v.label ?? (['severity', 'status', 'verdict', 'has'].includes(facet) ? v.value.charAt(0).toUpperCase() + v.value.slice(1) : v.value);

/** Values of the keys of findings with how many there are, in the frame of the rest of the query. */
export function FacetRail({ query, change }: { query: string; change: (query: string) => void }) {
  const [open, setOpen] = useLocalStorage<string[]>({ key: 'plumbline.facets', defaultValue: facets.filter((f) => f.open).map((f) => f.key), getInitialValueInEffect: false });
  // What is closed is not counted, unless the query speaks of it.
  const shown = facets.filter((f) => open.includes(f.key)).map((f) => f.key);
  const answer = useQuery({
    queryKey: ['findings', 'facets', query, shown.join()],
    queryFn: ({ signal }) => get<Facets>('/api/findings/facets', { q: query, facet: shown }, signal),
    placeholderData: keepPreviousData,
    enabled: shown.length > 0,
  });
  return (
    <div className={css.rail} data-stale={answer.isPlaceholderData ? '' : undefined}>
      {facets.map((f) => {
        const isOpen = open.includes(f.key);
        const { included, excluded } = chosen(query, f.key);
        const active = included.size + excluded.size;
        return (
          <section key={f.key} className={css.facet}>
            <h3>
              <button type="button" aria-expanded={isOpen} onClick={() => setOpen(isOpen ? open.filter((k) => k !== f.key) : [...open, f.key])}>
                <IconChevronDown size={15} aria-hidden className={css.chevron} />
                {f.title}
              </button>
              {active > 0 && (
                <button type="button" className={css.reset} onClick={() => change(without(query, f.key))} aria-label={`Any ${f.title}`}>
                  clear
                </button>
              )}
            </h3>
            {isOpen && (
              <Facet
                facet={f.key}
                title={f.title}
                searchable={f.search ?? false}
                values={answer.error ? [] : answer.data?.items.find((x) => x.key === f.key)?.values}
                more={answer.data?.items.find((x) => x.key === f.key)?.more ?? 0}
                counts={answer.data?.items.find((x) => x.key === f.key)?.counts}
                query={query}
                change={change}
              />
            )}
          </section>
        );
      })}
    </div>
  );
}

interface FacetProps {
  facet: string;
  title: string;
  searchable: boolean;
  values: FacetValue[] | undefined;
  more: number;
  /** What is counted, where it is not findings. */
  counts: string | undefined;
  query: string;
  change: (query: string) => void;
}

function Facet({ facet, title, searchable, values, more, counts, query, change }: FacetProps) {
  const [all, setAll] = useState(false);
  const [text, setText] = useState('');
  const searching = text.trim() !== '';
  // All values are read once, when somebody looks for one that is not among the first.
  const every = useQuery({
    queryKey: ['findings', 'facet', facet, query],
    queryFn: ({ signal }) => get<Facets>('/api/findings/facets', { q: query, facet, limit: 1000 }, signal),
    enabled: (searching || all) && more > 0,
    placeholderData: keepPreviousData,
  });
  if (!values) return <Skeleton lines={4} height={12} />;
  const { included, excluded } = chosen(query, facet);
  const known = (searching || all) && more > 0 ? (every.data?.items[0]?.values ?? values) : values;
  const wanted = text.trim().toLowerCase();
  const list = searching ? known.filter((v) => `${v.value} ${v.label ?? ''}`.toLowerCase().includes(wanted)) : known;
  // What is asked for is shown even when there is nothing of it.
  const missing = searching ? [] : [...included, ...excluded].filter((v) => !/[*<>]/.test(v) && !list.some((x) => x.value === v)).map((value) => ({ value, count: 0 }));
  const ordered: FacetValue[] = facet === 'severity' ? [...severities].map((s) => list.find((v) => v.value === s) ?? { value: s, count: 0 }) : [...list, ...missing];
  const shown = searching ? ordered.slice(0, 50) : all ? ordered : ordered.filter((v, i) => i < shortly || included.has(v.value) || excluded.has(v.value));
  const most = Math.max(1, ...ordered.map((v) => v.count));
  return (
    <>
      {searchable && (values.length > shortly || more > 0 || text !== '') && (
        <input className={css.find} value={text} onChange={(e) => setText(e.target.value)} placeholder={`Find ${title.toLowerCase()}`} aria-label={`Find ${title.toLowerCase()}`} />
      )}
      {counts === 'repositories' && <p className={css.note}>How many repositories with such findings have a branch of that name</p>}
      <ul className={css.values}>
        {shown.map((v) => {
          const state = included.has(v.value) ? 'in' : excluded.has(v.value) ? 'out' : undefined;
          return (
            <li key={v.value}>
              <button
                type="button"
                className={css.value}
                data-state={state}
                aria-pressed={state !== undefined}
                title={`${visible(v.label ?? v.value)} (alt-click leaves it out)`}
                onClick={(e) => change(toggle(query, facet, v.value, e.altKey || state === 'out' ? 'exclude' : 'include'))}
              >
                <span className={css.bar} style={{ width: `${(v.count / most) * 100}%` }} aria-hidden />
                <span className={css.box} aria-hidden>
                  {state === 'out' && <IconMinus size={11} stroke={3} />}
                </span>
                {facet === 'severity' && <span className={css.dot} data-tone={v.value as SeverityName} aria-hidden />}
                <span className={css.name}>
                  {state === 'out' && <span className="sr-only">not </span>}
                  {tail(said(facet, v), 34)}
                </span>
                <span className={css.count} title={count(v.count)}>
                  {brief(v.count)}
                </span>
              </button>
              <span className={css.ways}>
                <button type="button" onClick={() => change(only(query, facet, v.value))} aria-label={`Only ${visible(v.value)}`}>
                  only
                </button>
                <button type="button" onClick={() => change(toggle(query, facet, v.value, 'exclude'))} aria-label={`Not ${visible(v.value)}`}>
                  not
                </button>
              </span>
            </li>
          );
        })}
        {shown.length === 0 && <li className={css.none}>Nothing</li>}
      </ul>
      {!searching && ordered.length + more > shortly && (
        <button type="button" className={css.more} onClick={() => setAll(!all)}>
          {all ? 'Fewer' : `${count(ordered.length - shown.length + more)} more`}
        </button>
      )}
    </>
  );
}
