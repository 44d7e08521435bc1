import { useState } from 'react';
import { Button, NumberInput } from '@mantine/core';
import { send } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { useChange } from './parts.tsx';
import css from './settings.module.css';

type Kept = Schema<'Retention'>;

const fields: { key: keyof Kept; label: string; about: string; least: number }[] = [
  { key: 'fixedDays', label: 'Fixed findings', about: 'Those that somebody muted are kept', least: 30 },
  { key: 'commitDays', label: 'Commits of removed branches', about: 'Their results', least: 30 },
  { key: 'auditDays', label: 'Audit records', about: 'Their hashes stay: the log proves the rest', least: 365 },
];

/** For how many days what is over is kept. What is open or muted stays whatever is set here. */
export function Retention({ of: before }: { of: Kept }) {
  const [kept, setKept] = useState(before);
  const save = useChange(() => send('PATCH', '/api/organisation', { retention: kept }), 'Kept for as long as you said', ['organisation']);
  const same = fields.every((f) => kept[f.key] === before[f.key]);
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate(undefined as never);
      }}
    >
      {fields.map((f) => (
        <NumberInput
          key={f.key}
          label={f.label}
          description={`${f.about}. At least ${f.least} days; 0 is for ever.`}
          suffix={kept[f.key] === 0 ? ' (for ever)' : ' days'}
          min={0}
          max={36500}
          allowDecimal={false}
          required
          value={kept[f.key]}
          onChange={(v) => setKept({ ...kept, [f.key]: Number(v) || 0 })}
        />
      ))}
      <Button type="submit" loading={save.isPending} disabled={same} style={{ alignSelf: 'flex-start' }}>
        Keep it so
      </Button>
    </form>
  );
}
