import { useState } from 'react';
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { Failure } from '../../app/boundary.tsx';
import { Tag } from '../../part/badge.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { addPasskey, canPasskey } from '../signin/passkey.ts';
import { Dialog, Secret, useChange } from './parts.tsx';
import css from './settings.module.css';

interface Passkey {
  id: string;
  name: string;
  createdAt: string;
  usedAt: string;
}

interface Account {
  person: { name: string; email: string; role: string };
  passkeys: Passkey[];
  password: boolean;
  recoveryCodes: number;
}

interface Session {
  id: string;
  method: string;
  createdAt: string;
  seenAt: string;
  address: string;
  agent: string;
  current: boolean;
}

/** Oneself: how one signs in, and where one is signed in. */
export default function AccountTab() {
  const account = useQuery({ queryKey: ['people', 'account'], queryFn: ({ signal }) => get<Account>('/api/account', undefined, signal) });
  const remove = useChange((id: string) => send('DELETE', `/api/account/passkeys/${id}`), 'Passkey removed', ['people']);
  const forget = useChange(() => send('DELETE', '/api/account/password'), 'Password removed', ['people']);
  if (account.error) return <Failure error={account.error} again={() => void account.refetch()} />;
  if (!account.data) return <Skeleton lines={8} />;
  const a = account.data;
  return (
    <div className={css.stack}>
      <Card
        title="Passkeys"
        about={`You are ${a.person.email}. A passkey is the safest way to sign in: nothing to type, nothing to steal.`}
        actions={canPasskey ? <Dialog button="Add a passkey" title="Add a passkey">{(close) => <AddPasskey close={close} />}</Dialog> : undefined}
        flush
      >
        <Table
          label="Passkeys"
          rows={a.passkeys}
          id={(p) => p.id}
          empty={<p className={css.quiet} style={{ padding: '12px 18px 18px' }}>{canPasskey ? 'None yet.' : 'This browser cannot use passkeys at this address: they need https, or localhost.'}</p>}
          columns={[
            { key: 'name', title: 'Name', cell: (p) => p.name },
            { key: 'created', title: 'Added', cell: (p) => <Time at={p.createdAt} />, spare: true },
            { key: 'used', title: 'Last used', cell: (p) => (p.usedAt ? <Time at={p.usedAt} /> : 'never') },
            { key: 'do', title: '', end: true, cell: (p) => <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(p.id)}>Remove</Button> },
          ]}
        />
      </Card>
      <Card
        title="Password"
        about="For places where passkeys do not work. It counts only together with the code of an authenticator app."
        actions={<Dialog button={a.password ? 'Change it' : 'Set a password'} variant="default" title="Password and app">{(close) => <SetPassword close={close} />}</Dialog>}
      >
        {a.password ? (
          <div className={css.row}>
            <span>
              You have a password, an app of codes and {a.recoveryCodes} recovery {a.recoveryCodes === 1 ? 'code' : 'codes'}.
            </span>
            <Button size="compact-xs" variant="subtle" color="red" onClick={() => forget.mutate(undefined as never)}>
              Remove
            </Button>
          </div>
        ) : (
          <span className={css.quiet}>You have none.</span>
        )}
      </Card>
      <Sessions />
    </div>
  );
}

function AddPasskey({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const add = useChange(() => addPasskey(name), 'Passkey added', ['people']);
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        add.mutate(undefined as never, { onSuccess: close });
      }}
    >
      <TextInput label="Name" description="To recognise it by: laptop, phone, key on the ring" value={name} onChange={(e) => setName(e.currentTarget.value)} required data-autofocus />
      <Button type="submit" loading={add.isPending}>
        Add
      </Button>
    </form>
  );
}

function SetPassword({ close }: { close: () => void }) {
  const client = useQueryClient();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[]>();
  const app = useQuery({ queryKey: ['app'], queryFn: () => send<{ secret: string; image: string }>('POST', '/api/account/app'), staleTime: Infinity, gcTime: 0 });
  const set = useChange(async () => setCodes((await send<{ recoveryCodes: string[] }>('PUT', '/api/account/password', { password, code })).recoveryCodes), 'Password set', []);
  if (app.error) return <Failure error={app.error} again={() => void app.refetch()} />;
  if (!app.data) return <Skeleton />;
  if (codes)
    return (
      <div className={css.form}>
        <p>Keep these recovery codes where you find them without your phone. Each works once, and they are shown only now.</p>
        <div className={css.codes}>
          {codes.map((c) => (
            <span key={c}>{c}</span>
          ))}
        </div>
        <Button
          onClick={() => {
            void client.invalidateQueries({ queryKey: ['people'] });
            close();
          }}
        >
          I have kept them
        </Button>
      </div>
    );
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        set.mutate(undefined as never);
      }}
    >
      <p>Take this picture with an authenticator app, or type its secret.</p>
      <img className={css.picture} src={app.data.image} alt="Secret of the app as a QR code" />
      <Secret text={app.data.secret} label="Secret of the app" />
      <TextInput label="Code that the app shows" inputMode="numeric" autoComplete="one-time-code" value={code} onChange={(e) => setCode(e.currentTarget.value)} required />
      <PasswordInput label="Password" description="At least 12 characters; four words are better than one with digits" autoComplete="new-password" minLength={12} value={password} onChange={(e) => setPassword(e.currentTarget.value)} required />
      <Button type="submit" loading={set.isPending}>
        Set the password
      </Button>
    </form>
  );
}

function Sessions() {
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: ({ signal }) => get<{ items: Session[] }>('/api/sessions', undefined, signal) });
  const end = useChange((id: string) => send('DELETE', id ? `/api/sessions/${id}` : '/api/sessions'), 'Signed out there', ['sessions']);
  return (
    <Card title="Where you are signed in" flush actions={<Button size="xs" variant="default" onClick={() => end.mutate('')}>Sign out everywhere else</Button>}>
      {sessions.data ? (
        <Table
          label="Sessions"
          rows={sessions.data.items}
          id={(s) => s.id}
          columns={[
            { key: 'agent', title: 'Browser', cell: (s) => <>{browser(s.agent)} {s.current && <Tag tone="good">this one</Tag>}</> },
            { key: 'address', title: 'From', cell: (s) => s.address, spare: true },
            { key: 'method', title: 'By', cell: (s) => s.method, spare: true },
            { key: 'seen', title: 'Last used', cell: (s) => <Time at={s.seenAt} /> },
            { key: 'do', title: '', end: true, cell: (s) => !s.current && <Button size="compact-xs" variant="subtle" onClick={() => end.mutate(s.id)}>Sign out</Button> },
          ]}
        />
      ) : (
        <Skeleton />
      )}
    </Card>
  );
}

/** What a browser calls itself, in two words. */
function browser(agent: string): string {
  const name = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : 'A browser';
  const system = /Windows/.test(agent) ? 'Windows' : /iPhone|iPad/.test(agent) ? 'iOS' : /Mac OS/.test(agent) ? 'macOS' : /Android/.test(agent) ? 'Android' : /Linux/.test(agent) ? 'Linux' : '';
  return system ? `${name} on ${system}` : name;
}
