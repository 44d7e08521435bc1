import { useEffect, useState } from 'react';
import { TextInput } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useSearch } from '../../app/address.ts';
import { many, Time } from '../../part/time.tsx';
import type { Scope } from './share.ts';
import css from './compliance.module.css';

/** Narrows a statement to repositories, teams or branches. */
export function Scoped() {
  const [search, change] = useSearch();
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  return (
    <form
      className={css.scope}
      onSubmit={(e) => {
        e.preventDefault();
        change({ q: text.trim() || undefined }, 'push');
      }}
    >
      <TextInput aria-label="Only repositories, teams or branches" placeholder="repo:payments* team:platform" leftSection={<IconFilter size={15} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
    </form>
  );
}

/** What a statement rests on, in one line. */
export function Basis({ of }: { of: Scope }) {
  if (of.repositories === 0) return <>No repository fits: nothing can be said.</>;
  return (
    <>
      {many(of.repositories, 'repository', 'repositories')}, {of.scanned} scanned
      {of.scanned > 0 && (
        <>
          ; oldest scan <Time at={of.oldest} />, newest <Time at={of.newest} />
        </>
      )}
    </>
  );
}
