import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconSearch, IconX } from '@tabler/icons-react';
import { get } from '../../api/http.ts';
import { visible } from '../../part/name.tsx';
import { brief } from '../../part/time.tsx';
import { complete, cursorAt, drop, parse, write } from '../../query/query.ts';
import { keys, type Facets } from './data.ts';
import css from './search-box.module.css';

interface Option {
  text: string;
  label: string;
  about?: string;
}

const titles = new Map(keys.map((k) => [k.key, k.title]));

/** The search field with completion of keys and values, and the terms of the query below it as chips. */
export function SearchBox({ query, change }: { query: string; change: (query: string) => void }) {
  const [text, setText] = useState(query);
  const [place, setPlace] = useState(query.length);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const next = useRef<number | undefined>(undefined);
  const id = useId();
  useEffect(() => setText(query), [query]);

  const cursor = cursorAt(text, place);
  // What the other terms ask for: the values of a key are counted among what they leave.
  const terms = parse(text);
  const others = terms
    .filter((t) => !(t.from <= place && place <= t.to))
    .map((t) => text.slice(t.from, t.to))
    .join(' ');
  const [asked] = useDebouncedValue({ key: cursor.key, prefix: cursor.prefix, others }, 120);
  const facet = useQuery({
    queryKey: ['findings', 'values', asked],
    queryFn: ({ signal }) => get<Facets>('/api/findings/facets', { q: asked.others, facet: asked.key, search: asked.prefix }, signal),
    enabled: open && cursor.kind === 'value' && keys.some((k) => k.key === asked.key),
    placeholderData: keepPreviousData,
  });

  const options: Option[] =
    cursor.kind === 'key'
      ? keys
          .filter((k) => k.key.startsWith(cursor.prefix.toLowerCase()) || (cursor.prefix !== '' && k.title.toLowerCase().startsWith(cursor.prefix.toLowerCase())))
          .map((k) => ({ text: k.key, label: `${k.key}:`, about: k.about }))
      : asked.key === cursor.key
        ? (facet.data?.facets[0]?.values ?? []).slice(0, 12).map((v) => ({ text: v.value, label: v.label ?? v.value, about: brief(v.count) }))
        : [];
  const shown = open && options.length > 0;

  useEffect(() => {
    if (next.current !== undefined) {
      field.current?.setSelectionRange(next.current, next.current);
      next.current = undefined;
    }
  }, [text]);

  const choose = (o: Option) => {
    const done = complete(text, cursor, o.text);
    next.current = done.place;
    setText(done.query);
    setPlace(done.place);
    setAt(-1);
    setOpen(true);
    if (cursor.kind === 'value') change(done.query);
    field.current?.focus();
  };

  const submit = () => {
    setOpen(false);
    setAt(-1);
    change(text);
  };

  const hear = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      setOpen(true);
      if (options.length > 0) setAt((i) => (e.key === 'ArrowDown' ? (i + 1) % options.length : (Math.max(i, 0) - 1 + options.length) % options.length));
    } else if (e.key === 'Enter') {
      e.preventDefault();
      const o = shown && at >= 0 ? options[at] : undefined;
      if (o) choose(o);
      else submit();
    } else if (e.key === 'Tab' && shown && !e.shiftKey && cursor.prefix !== '' && options[Math.max(at, 0)]) {
      e.preventDefault();
      choose(options[Math.max(at, 0)]!);
    } else if (e.key === 'Escape') {
      e.preventDefault();
      if (shown) setOpen(false);
      else field.current?.blur();
    }
  };

  const active = parse(query);
  return (
    <div className={css.box} role="search">
      <div className={css.field}>
        <IconSearch size={17} aria-hidden />
        <input
          ref={field}
          id="findings-search"
          value={text}
          spellCheck={false}
          autoComplete="off"
          placeholder="severity:high repo:payments/* -status:muted, or words"
          aria-label="Search findings"
          role="combobox"
          aria-expanded={shown}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={shown && at >= 0 ? `${id}-${at}` : undefined}
          onChange={(e) => {
            setText(e.target.value);
            setPlace(e.target.selectionStart ?? e.target.value.length);
            setOpen(true);
            setAt(-1);
          }}
          onSelect={(e) => setPlace(e.currentTarget.selectionStart ?? 0)}
          onFocus={() => setOpen(true)}
          onBlur={() => {
            setOpen(false);
            if (text.trim() !== query.trim()) change(text);
          }}
          onKeyDown={hear}
        />
        {text !== '' && (
          <button
            type="button"
            className={css.clear}
            aria-label="Ask for everything"
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => {
              setText('');
              setPlace(0);
              change('');
              field.current?.focus();
            }}
          >
            <IconX size={15} aria-hidden />
          </button>
        )}
      </div>
      <ul id={id} role="listbox" aria-label="Completions" className={css.options} hidden={!shown}>
        {options.map((o, i) => (
          <li
            key={o.text}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => choose(o)}
            onPointerMove={() => setAt(i)}
          >
            <span className={css.option}>{visible(o.label)}</span>
            {o.about && <span className={css.about}>{o.about}</span>}
          </li>
        ))}
      </ul>
      {active.length > 0 && (
        <ul className={css.chips} aria-label="What is asked for">
          {active.map((t, i) => (
            <li key={`${t.from}-${i}`} className={css.chip} data-negated={t.negated ? '' : undefined}>
              {t.negated && <b>not</b>}
              {t.key ? (
                <>
                  <span>{titles.get(t.key) ?? t.key}</span> <b>{visible(t.values.join(', '))}</b>
                </>
              ) : (
                <b>“{visible(t.values.join(' '))}”</b>
              )}
              <button type="button" aria-label={`Remove ${visible(write(t))}`} onClick={() => change(drop(query, i))}>
                <IconX size={12} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
