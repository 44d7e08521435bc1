import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconSearch, IconX } from '@tabler/icons-react';
import { get } from '../../api/http.ts';
import { visible } from '../../part/name.tsx';
import { drop, parse, write } from '../../query/query.ts';
import { titles, type Suggestions } from './data.ts';
import css from './search-box.module.css';

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

  const [asked] = useDebouncedValue({ q: text, at: place }, 90);
  const suggestions = useQuery({
    queryKey: ['suggest', asked.q, asked.at],
    queryFn: ({ signal }) => get<Suggestions>('/api/findings/suggest', asked, signal),
    enabled: open,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  // A completion of what stood there before would be put in the wrong place.
  const fresh = asked.q === text && asked.at === place && !suggestions.isPlaceholderData;
  const options = suggestions.data?.items ?? [];
  const mistake = fresh && text.trim() !== '' ? suggestions.data?.mistake : undefined;
  const shown = open && options.length > 0;

  useEffect(() => {
    if (next.current !== undefined) {
      field.current?.setSelectionRange(next.current, next.current);
      next.current = undefined;
    }
  }, [text]);

  const choose = (text_: string) => {
    if (!fresh || !suggestions.data) return;
    const { start, end } = suggestions.data;
    const key = text_.endsWith(':');
    const put = text_ + (key || text[end] !== undefined ? '' : ' ');
    const query_ = text.slice(0, start) + put + text.slice(end);
    next.current = start + put.length;
    setText(query_);
    setPlace(start + put.length);
    setAt(-1);
    setOpen(true);
    if (!key) change(query_);
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
      if (o) choose(o.text);
      else submit();
    } else if (e.key === 'Tab' && shown && fresh && !e.shiftKey && suggestions.data!.end > suggestions.data!.start && options[Math.max(at, 0)]) {
      e.preventDefault();
      choose(options[Math.max(at, 0)]!.text);
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
            onClick={() => choose(o.text)}
            onPointerMove={() => setAt(i)}
          >
            <span className={css.option}>{visible(o.text)}</span>
            {o.doc && <span className={css.about}>{visible(o.doc)}</span>}
          </li>
        ))}
      </ul>
      {mistake && !shown && (
        <p className={css.mistake} role="alert">
          {visible(mistake.message)}
        </p>
      )}
      {active.length > 0 && (
        <ul className={css.chips} aria-label="What is asked for">
          {active.map((t, i) => (
            <li key={`${t.from}-${i}`} className={css.chip} data-negated={t.negated ? '' : undefined}>
              {t.negated && <b>not</b>}
              {t.key ? (
                <>
                  <span>{titles[t.key] ?? t.key}</span> <b>{visible(t.values.join(', '))}</b>
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
