import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconBug, IconFolderCode, IconGavel, IconSearch, type Icon } from '@tabler/icons-react';
import { get } from '../api/http.ts';
import type { Schema } from '../api/types.ts';
import { visible } from '../part/name.tsx';
import { useSession } from '../api/session.ts';
import { pages } from '../pages/index.tsx';
import { useGo, type Search } from './address.ts';
import { KeyCaps } from './help.tsx';
import css from './palette.module.css';

interface Entry {
  key: string;
  icon: Icon;
  title: string;
  detail?: string;
  caps?: string;
  to: string;
  search?: Search;
}

/** What an organisation has whose names or words hold a text: repositories, rules and findings, each asked for apart. */
async function find(text: string, signal: AbortSignal): Promise<Entry[]> {
  // Who may not read one of them still finds the others.
  const ask = <T,>(path: string, limit: number) => get<{ items: T[] }>(path, { q: text, limit }, signal).then((r) => r.items, () => [] as T[]);
  const [repositories, rules, findings] = await Promise.all([
    ask<Schema<'Repository'>>('/api/repositories', 5),
    ask<Schema<'RuleItem'>>('/api/rules', 4),
    ask<Schema<'FindingRow'>>('/api/findings', 5),
  ]);
  return [
    ...repositories.map((r): Entry => ({ key: `repository ${r.id}`, icon: IconFolderCode, title: visible(r.name), detail: 'Repository', to: `/repositories/${r.id}` })),
    ...rules.map((r): Entry => ({ key: `rule ${r.id}`, icon: IconGavel, title: visible(r.title), detail: r.id, to: `/rules/${encodeURIComponent(r.id)}` })),
    ...findings.map((f): Entry => ({ key: `finding ${f.id}`, icon: IconBug, title: visible(f.message), detail: visible(`${f.repository.name} · ${f.address}`), to: '/findings', search: { finding: f.id } })),
  ];
}

/** Goes anywhere by a few letters. */
export function Palette({ open, close }: { open: boolean; close: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [asked] = useDebouncedValue(text.trim(), 120);
  const session = useSession();
  const go = useGo();
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const hits = useQuery({
    queryKey: ['search', asked],
    queryFn: ({ signal }) => find(asked, signal),
    enabled: open && asked.length > 1,
    placeholderData: keepPreviousData,
  });

  const entries = useMemo<Entry[]>(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const to: Entry[] = pages
      .filter((p) => p.nav && (!p.nav.needs || session?.permissions.includes(p.nav.needs)))
      .filter((p) => words.every((w) => p.title.toLowerCase().includes(w)))
      .map((p) => ({ key: p.path, icon: p.nav!.icon, title: p.title, caps: p.nav!.key && `g ${p.nav!.key}`, to: p.path }));
    const found = asked.length > 1 && words.length > 0 ? (hits.data ?? []) : [];
    const search: Entry[] =
      words.length > 0 ? [{ key: 'search', icon: IconSearch, title: `Findings that match “${text.trim()}”`, to: '/findings', search: { q: text.trim() } }] : [];
    return [...to, ...found, ...search];
  }, [text, asked, hits.data, session]);

  useEffect(() => setAt(0), [text]);
  useEffect(() => {
    if (open) setText('');
  }, [open]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const choose = (e: Entry | undefined) => {
    if (!e) return;
    close();
    go(e.to, e.search);
  };

  return (
    <Modal.Root opened={open} onClose={close} size="lg" yOffset="12vh" lockScroll={false}>
      <Modal.Overlay />
      <Modal.Content aria-label="Go to">
        <Modal.Body p={0}>
          <div className={css.field}>
            <IconSearch size={19} aria-hidden />
            <input
              data-autofocus
              value={text}
              onChange={(e) => setText(e.target.value)}
              placeholder="A page, a repository, a rule, a finding…"
              role="combobox"
              aria-expanded
              aria-controls={id}
              aria-activedescendant={entries[at] ? `${id}-${at}` : undefined}
              aria-label="Go to"
              onKeyDown={(e) => {
                const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
                if (step !== 0) {
                  e.preventDefault();
                  setAt((i) => (i + step + entries.length) % Math.max(entries.length, 1));
                }
                if (e.key === 'Enter') {
                  e.preventDefault();
                  choose(entries[at]);
                }
              }}
            />
          </div>
          <ul id={id} role="listbox" aria-label="Places" className={css.list} ref={list}>
            {entries.map((e, i) => (
              <li key={e.key} id={`${id}-${i}`} role="option" aria-selected={i === at} onClick={() => choose(e)} onPointerMove={() => setAt(i)}>
                <e.icon size={18} stroke={1.7} aria-hidden />
                <span className={css.title}>{e.title}</span>
                {e.detail && <span className={css.detail}>{e.detail}</span>}
                {e.caps && <KeyCaps of={e.caps} />}
              </li>
            ))}
          </ul>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
