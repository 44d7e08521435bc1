import { useState } from 'react';
import { Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { Failure } from '../../app/boundary.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Retention } from './retention.tsx';
import { Dialog, RoleSelect, Secret, useChange } from './parts.tsx';
import css from './settings.module.css';

interface Group {
  name: string;
  team?: string;
  role: string;
}

interface Provider {
  id: string;
  name: string;
  issuer: string;
  client: string;
  scopes: string;
  groupsClaim: string;
  role: string;
  groups: Group[];
}

/** What the organisation decides for all of itself: its name, and where its people sign in. */
export default function Organisation() {
  const organisation = useQuery({ queryKey: ['organisation'], queryFn: ({ signal }) => get<Schema<'Organisation'>>('/api/organisation', undefined, signal) });
  const providers = useQuery({ queryKey: ['providers'], queryFn: ({ signal }) => get<{ items: Provider[] }>('/api/providers', undefined, signal) });
  const remove = useChange((id: string) => send('DELETE', `/api/providers/${id}`), 'Provider removed', ['providers']);
  if (organisation.error) return <Failure error={organisation.error} again={() => void organisation.refetch()} />;
  return (
    <div className={css.stack}>
      <Card title="Organisation">{organisation.data ? <Rename name={organisation.data.name} /> : <Skeleton lines={2} />}</Card>
      <Card
        title="Sign-in providers"
        about="OpenID Connect: Entra ID, Google, Okta, Keycloak, GitLab and others."
        flush
        actions={<Dialog button="Add a provider" title="Add a provider">{(close) => <EditProvider close={close} />}</Dialog>}
      >
        <Table
          label="Sign-in providers"
          rows={providers.data?.items ?? []}
          id={(p) => p.id}
          empty={<p className={css.quiet} style={{ padding: '12px 18px 18px' }}>None: people sign in by links, passkeys and passwords.</p>}
          columns={[
            { key: 'name', title: 'Name', cell: (p) => p.name },
            { key: 'issuer', title: 'Issuer', cell: (p) => p.issuer, spare: true },
            { key: 'role', title: 'Newcomers', cell: (p) => p.role || 'by their groups' },
            { key: 'groups', title: 'Groups', end: true, cell: (p) => p.groups.length },
            {
              key: 'do',
              title: '',
              end: true,
              cell: (p) => (
                <div className={css.actions}>
                  <Dialog button="Change" variant="subtle" title={p.name}>{(close) => <EditProvider close={close} before={p} />}</Dialog>
                  <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(p.id)}>
                    Remove
                  </Button>
                </div>
              ),
            },
          ]}
        />
      </Card>
      {organisation.data?.retention && (
        <Card title="Retention" about="For how long what is over is kept. What is open or muted is never deleted.">
          <Retention of={organisation.data.retention} />
        </Card>
      )}
    </div>
  );
}

function Rename({ name: before }: { name: string }) {
  const [name, setName] = useState(before);
  const rename = useChange(() => send('PATCH', '/api/organisation', { name }), 'Renamed', ['organisation', 'people']);
  return (
    <form
      className={css.row}
      onSubmit={(e) => {
        e.preventDefault();
        rename.mutate(undefined as never);
      }}
    >
      <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} required />
      <Button type="submit" loading={rename.isPending} disabled={name === before}>
        Rename
      </Button>
    </form>
  );
}

function EditProvider({ close, before }: { close: () => void; before?: Provider }) {
  const [p, setP] = useState({ name: '', issuer: '', client: '', secret: '', scopes: '', groupsClaim: '', role: '', ...before });
  const [groups, setGroups] = useState<Group[]>(before?.groups ?? []);
  const teams = useQuery({ queryKey: ['teams', 'names'], queryFn: ({ signal }) => get<{ items: { id: string; name: string }[] }>('/api/teams', { limit: 500 }, signal) });
  const set = useChange(
    () => {
      const body = { name: p.name, issuer: p.issuer, client: p.client, secret: p.secret || undefined, scopes: p.scopes, groupsClaim: p.groupsClaim, role: p.role, groups: groups.map((g) => ({ ...g, team: g.team || undefined })) };
      return before ? send('PUT', `/api/providers/${before.id}`, body) : send('POST', '/api/providers', body);
    },
    'Provider kept',
    ['providers'],
  );
  const field = (key: 'name' | 'issuer' | 'client' | 'secret' | 'scopes' | 'groupsClaim') => ({ value: p[key], onChange: (e: { currentTarget: { value: string } }) => setP({ ...p, [key]: e.currentTarget.value }) });
  const group = (i: number, change: Partial<Group>) => setGroups(groups.map((g, j) => (i === j ? { ...g, ...change } : g)));
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        set.mutate(undefined as never, { onSuccess: close });
      }}
    >
      <p>Register this redirect address at the provider:</p>
      <Secret text={`${window.location.origin}/signin/callback`} label="Redirect address" />
      <TextInput label="Name" description="On the button of the sign-in page" required {...field('name')} />
      <TextInput label="Issuer" placeholder="https://login.example.org" required {...field('issuer')} />
      <TextInput label="Client id" required {...field('client')} />
      <PasswordInput label="Client secret" description={before ? 'Empty keeps the one that is there' : undefined} required={!before} autoComplete="off" {...field('secret')} />
      <RoleSelect label="Role of people who come for the first time" none="None: only their groups let them in" value={p.role} onChange={(e) => setP({ ...p, role: e.currentTarget.value })} />
      <TextInput label="Claim that has the groups" placeholder="groups" {...field('groupsClaim')} />
      <TextInput label="More scopes" placeholder="groups" {...field('scopes')} />
      {p.groupsClaim && (
        <>
          {groups.map((g, i) => (
            <div className={css.row} key={i}>
              <TextInput label="Group" required value={g.name} onChange={(e) => group(i, { name: e.currentTarget.value })} />
              <RoleSelect label="Role" value={g.role} onChange={(e) => group(i, { role: e.currentTarget.value })} />
              <NativeSelect label="In" value={g.team ?? ''} onChange={(e) => group(i, { team: e.currentTarget.value })} data={[{ value: '', label: 'All of it' }, ...(teams.data?.items ?? []).map((t) => ({ value: t.id, label: t.name }))]} />
              <Button variant="subtle" color="red" onClick={() => setGroups(groups.filter((_, j) => j !== i))}>
                Remove
              </Button>
            </div>
          ))}
          <Button variant="default" onClick={() => setGroups([...groups, { name: '', role: 'viewer' }])}>
            Add a group
          </Button>
        </>
      )}
      <Button type="submit" loading={set.isPending}>
        Keep it
      </Button>
    </form>
  );
}
