import { useState } from 'react';
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { Problem } from '../../api/problem.ts';
import { ToFindings } from '../../app/link.tsx';
import { many } from '../../part/time.tsx';
import { quote } from '../../query/query.ts';
import { happenings, hourOf, kinds, type Channel } from './notifications-share.ts';
import { Secret, useChange } from './parts.tsx';
import page from './settings.module.css';
import css from './notifications.module.css';

interface Props {
  close: () => void;
  before?: Channel;
  /** Whether the server sends mail. */
  mail: boolean;
  teams: { id: string; name: string }[];
  /** Whether one may decide for the whole organisation. */
  all: boolean;
}

/** Makes a channel, or changes one. The address of one that is there is not shown, and stays when none is given. */
export function EditChannel({ close, before, mail, teams, all }: Props) {
  const [c, setC] = useState({
    kind: before?.kind ?? ('slack' as string),
    name: before?.name ?? '',
    team: before?.team ?? (all ? '' : (teams[0]?.id ?? '')),
    target: '',
    filter: before?.filter ?? 'severity:>=high',
    rhythm: before?.rhythm ?? ('scan' as string),
    hour: before?.hour ?? 7,
  });
  const [told, setTold] = useState<string[]>(before?.happenings ?? ['new', 'reopened', 'fixed', 'scan-failed', 'repository-problem']);
  const [secret, setSecret] = useState('');
  const kind = kinds.find((k) => k.value === c.kind) ?? kinds[0];
  const save = useChange(
    async () => {
      const body = { ...c, team: c.team || undefined, target: c.target || undefined, happenings: told, state: before?.state ?? 'active' };
      if (before) {
        await send('PUT', `/api/channels/${before.id}`, body);
        return '';
      }
      return (await send<{ secret: string }>('POST', '/api/channels', body)).secret;
    },
    before ? 'Channel changed' : 'Channel added',
    ['channels'],
  );
  if (secret)
    return (
      <div className={page.form}>
        <p>Messages are signed with this secret. It is shown only now.</p>
        <Secret text={secret} label="Secret" />
        <Button onClick={close}>I have kept it</Button>
      </div>
    );
  return (
    <form
      className={page.form}
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate(undefined as never, { onSuccess: (shown) => (shown ? setSecret(String(shown)) : close()) });
      }}
    >
      {!before && (
        <NativeSelect
          label="Kind"
          value={c.kind}
          onChange={(e) => setC({ ...c, kind: e.currentTarget.value })}
          data={kinds.map((k) => ({ value: k.value, label: k.value === 'email' && !mail ? `${k.label} (this server sends none)` : k.label, disabled: k.value === 'email' && !mail }))}
        />
      )}
      <TextInput label="Name" placeholder="#security" value={c.name} onChange={(e) => setC({ ...c, name: e.currentTarget.value })} required data-autofocus />
      <TextInput
        label={kind.address}
        description={before ? `Empty keeps ${before.target}` : c.kind === 'email' ? undefined : 'It is kept sealed and never shown again'}
        placeholder={kind.example}
        value={c.target}
        onChange={(e) => setC({ ...c, target: e.currentTarget.value })}
        required={!before}
        autoComplete="off"
        spellCheck={false}
      />
      <NativeSelect
        label="For"
        description="A team is told of nothing that it does not own"
        value={c.team}
        onChange={(e) => setC({ ...c, team: e.currentTarget.value })}
        data={[...(all ? [{ value: '', label: 'The organisation' }] : []), ...teams.map((t) => ({ value: t.id, label: t.name }))]}
      />
      <TextInput
        label="Only findings that fit"
        description="In the search language, without a status; empty for all"
        value={c.filter}
        onChange={(e) => setC({ ...c, filter: e.currentTarget.value })}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <Fits filter={c.filter} team={teams.find((t) => t.id === c.team)?.name} />
      <Checkbox.Group label="Tell of" value={told} onChange={setTold}>
        <div className={page.checks} style={{ marginTop: 6 }}>
          {happenings.map((h) => (
            <Checkbox key={h.value} value={h.value} label={h.label} size="xs" />
          ))}
        </div>
      </Checkbox.Group>
      <div className={page.row}>
        <NativeSelect
          label="When"
          value={c.rhythm}
          onChange={(e) => setC({ ...c, rhythm: e.currentTarget.value })}
          data={[
            { value: 'scan', label: 'When a scan has ended' },
            { value: 'daily', label: 'Once a day' },
          ]}
        />
        {c.rhythm === 'daily' && (
          <NativeSelect label="At" value={String(c.hour)} onChange={(e) => setC({ ...c, hour: Number(e.currentTarget.value) })} data={Array.from({ length: 24 }, (_, h) => ({ value: String(h), label: hourOf(h) }))} />
        )}
      </div>
      <Button type="submit" loading={save.isPending} disabled={told.length === 0 || (!c.team && !all)}>
        {before ? 'Keep it' : 'Add it'}
      </Button>
    </form>
  );
}

/** How many open findings a filter means now: what one would have been told of. */
function Fits({ filter, team }: { filter: string; team: string | undefined }) {
  const words = ['status:open', filter.trim(), team ? `team:${quote(team)}` : ''].filter(Boolean).join(' ');
  const [q] = useDebouncedValue(words, 300);
  const found = useQuery({ queryKey: ['findings', 'fits', q], queryFn: ({ signal }) => get<{ total: number }>('/api/findings', { q, limit: 1 }, signal), retry: false, placeholderData: (last) => last });
  if (found.error)
    return (
      <p className={css.fits} data-wrong="" role="alert">
        {found.error instanceof Problem ? found.error.message : 'The filter could not be tried.'}
      </p>
    );
  return (
    <p className={css.fits} role="status">
      {found.data ? (
        <>
          <ToFindings query={q}>{many(found.data.total, 'open finding')}</ToFindings> fit now
        </>
      ) : (
        '…'
      )}
    </p>
  );
}
