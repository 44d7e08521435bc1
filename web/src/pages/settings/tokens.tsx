import { useState } from 'react';
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { send } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useMay, useSession } from '../../api/session.ts';
import { Failure } from '../../app/boundary.tsx';
import { Tag } from '../../part/badge.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { Dialog, Secret, useChange } from './parts.tsx';
import { presets, words } from './permissions.ts';
import css from './settings.module.css';

interface Token {
  id: string;
  name: string;
  hint: string;
  owner: string;
  permissions: string[];
  repository?: string;
  expiresAt: string;
  usedAt: string;
  revokedAt: string;
}

interface Trust {
  id: string;
  repository: string;
  issuer: string;
  claims: Record<string, string>;
  usedAt: string;
  audience: string;
}

/** Tokens of the API, and pipelines that are trusted without one. */
export default function Tokens() {
  const all = useMay('token:write') && useSession()?.role === 'administrator';
  const [whose, setWhose] = useState('own');
  const tokens = useList<Token>(['tokens', whose], '/api/tokens', { whose, limit: 500 });
  const revoke = useChange((id: string) => send('DELETE', `/api/tokens/${id}`), 'Token revoked', ['tokens']);
  if (tokens.error) return <Failure error={tokens.error} again={() => void tokens.again()} />;
  return (
    <div className={css.stack}>
      <Card
        title="Tokens"
        about="What programs send as Authorization: Bearer. A token never has more rights than its person."
        flush
        actions={
          <div className={css.actions}>
            {all && <NativeSelect size="xs" aria-label="Whose tokens" value={whose} onChange={(e) => setWhose(e.currentTarget.value)} data={[{ value: 'own', label: 'My own' }, { value: 'all', label: 'All' }]} />}
            <Dialog button="Make a token" title="Make a token">{(close) => <MakeToken close={close} machine={all} />}</Dialog>
          </div>
        }
      >
        {tokens.loading ? (
          <Skeleton />
        ) : (
          <Table
            label="Tokens"
            rows={tokens.items}
            id={(t) => t.id}
            empty={<p className={css.quiet} style={{ padding: '12px 18px 18px' }}>None yet.</p>}
            columns={[
              { key: 'name', title: 'Name', cell: (t) => <>{t.name} {t.revokedAt ? <Tag tone="bad">revoked</Tag> : new Date(t.expiresAt) < new Date() && <Tag tone="warn">expired</Tag>}<div className={css.quiet}><code>{t.hint}…</code></div></> },
              { key: 'owner', title: 'Of', spare: true, cell: (t) => t.owner || 'a machine' },
              { key: 'permissions', title: 'May', spare: true, cell: (t) => t.permissions.join(', ') },
              { key: 'used', title: 'Last used', cell: (t) => (t.usedAt ? <Time at={t.usedAt} /> : 'never') },
              { key: 'expires', title: 'Expires', cell: (t) => <Time at={t.expiresAt} /> },
              { key: 'do', title: '', end: true, cell: (t) => !t.revokedAt && <Button size="compact-xs" variant="subtle" color="red" onClick={() => revoke.mutate(t.id)}>Revoke</Button> },
            ]}
          />
        )}
      </Card>
      {all && <Trusts />}
    </div>
  );
}

/** What a token cannot have, because it would outgrow who made it. */
const never = ['self:write', 'token:own', 'token:write'];

function MakeToken({ close, machine: mayMachine }: { close: () => void; machine: boolean }) {
  const permissions = (useSession()?.permissions ?? []).filter((p) => !never.includes(p));
  const repositories = useList<{ id: string; name: string }>(['repositories', 'names'], '/api/repositories', { limit: 500 });
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [days, setDays] = useState('90');
  const [repository, setRepository] = useState('');
  const [machine, setMachine] = useState(false);
  const [token, setToken] = useState('');
  const make = useChange(
    async () =>
      setToken(
        (
          await send<{ token: string }>('POST', '/api/tokens', {
            name,
            permissions: chosen,
            expiresAt: new Date(Date.now() + Number(days) * 86_400_000).toISOString(),
            repository: repository || undefined,
            machine: machine || undefined,
          })
        ).token,
      ),
    '',
    ['tokens'],
  );
  if (token)
    return (
      <div className={css.form}>
        <p>This is the token. It is shown only now.</p>
        <Secret text={token} label="Token" />
        <Button onClick={close}>I have kept it</Button>
      </div>
    );
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        make.mutate(undefined as never);
      }}
    >
      <TextInput label="Name" description="What uses it" value={name} onChange={(e) => setName(e.currentTarget.value)} required data-autofocus />
      <div className={css.actions} role="group" aria-label="What most tokens are for">
        {presets
          .filter((x) => x.permissions.every((p) => permissions.includes(p)))
          .map((x) => (
            <Button key={x.label} size="compact-xs" variant="default" onClick={() => setChosen(x.permissions)}>
              {x.label}
            </Button>
          ))}
      </div>
      <Checkbox.Group label="It may" value={chosen} onChange={setChosen}>
        <div className={css.checks} style={{ marginTop: 6 }}>
          {permissions.map((p) => (
            <Checkbox key={p} value={p} label={words[p] ?? p} description={p} size="xs" />
          ))}
        </div>
      </Checkbox.Group>
      <NativeSelect label="Only in the repository" value={repository} onChange={(e) => setRepository(e.currentTarget.value)} data={[{ value: '', label: 'Every one that I see' }, ...repositories.items.map((r) => ({ value: r.id, label: r.name }))]} />
      <NativeSelect label="Expires after" value={days} onChange={(e) => setDays(e.currentTarget.value)} data={[{ value: '7', label: 'A week' }, { value: '30', label: '30 days' }, { value: '90', label: '90 days' }, { value: '365', label: 'A year' }]} />
      {mayMachine && <Checkbox label="For a machine: it stays when I leave" checked={machine} onChange={(e) => setMachine(e.currentTarget.checked)} />}
      <Button type="submit" loading={make.isPending} disabled={chosen.length === 0}>
        Make it
      </Button>
    </form>
  );
}

function Trusts() {
  const trusts = useList<Trust>(['trusts'], '/api/trusts', { limit: 500 });
  const repositories = useList<{ id: string; name: string }>(['repositories', 'names'], '/api/repositories', { limit: 500 });
  const remove = useChange((id: string) => send('DELETE', `/api/trusts/${id}`), 'No longer trusted', ['trusts']);
  return (
    <Card
      title="Trusted pipelines"
      about="CI uploads results of one repository with the identity token of its code host: no secret to keep."
      flush
      actions={<Dialog button="Trust a pipeline" variant="default" title="Trust a pipeline">{(close) => <AddTrust close={close} repositories={repositories.items} />}</Dialog>}
    >
      <Table
        label="Trusted pipelines"
        rows={trusts.items}
        id={(t) => t.id}
        empty={<p className={css.quiet} style={{ padding: '12px 18px 18px' }}>None.</p>}
        columns={[
          { key: 'repository', title: 'Repository', cell: (t) => repositories.items.find((r) => r.id === t.repository)?.name ?? t.repository },
          { key: 'issuer', title: 'Issuer', cell: (t) => t.issuer, spare: true },
          { key: 'claims', title: 'Claims', cell: (t) => Object.entries(t.claims).map(([k, v]) => `${k} = ${v}`).join(', ') },
          { key: 'audience', title: 'Audience', spare: true, cell: (t) => <code>{t.audience}</code> },
          { key: 'used', title: 'Last used', cell: (t) => (t.usedAt ? <Time at={t.usedAt} /> : 'never') },
          { key: 'do', title: '', end: true, cell: (t) => <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(t.id)}>Remove</Button> },
        ]}
      />
    </Card>
  );
}

const hosts = [
  { value: 'https://token.actions.githubusercontent.com', label: 'GitHub Actions', claim: 'repository_id' },
  { value: 'https://gitlab.com', label: 'GitLab', claim: 'project_id' },
];

function AddTrust({ close, repositories }: { close: () => void; repositories: { id: string; name: string }[] }) {
  const [repository, setRepository] = useState('');
  const [issuer, setIssuer] = useState(hosts[0]!.value);
  const [claim, setClaim] = useState(hosts[0]!.claim);
  const [value, setValue] = useState('');
  const add = useChange(() => send('POST', '/api/trusts', { repository, issuer, claims: { [claim]: value } }), 'Trusted', ['trusts']);
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        add.mutate(undefined as never, { onSuccess: close });
      }}
    >
      <NativeSelect label="Repository here" required value={repository} onChange={(e) => setRepository(e.currentTarget.value)} data={[{ value: '', label: 'Choose …' }, ...repositories.map((r) => ({ value: r.id, label: r.name }))]} />
      <TextInput label="Issuer" list="issuers" value={issuer} required onChange={(e) => { setIssuer(e.currentTarget.value); setClaim(hosts.find((h) => h.value === e.currentTarget.value)?.claim ?? claim); }} />
      <datalist id="issuers">
        {hosts.map((h) => (
          <option key={h.value} value={h.value}>
            {h.label}
          </option>
        ))}
      </datalist>
      <NativeSelect label="Claim that names the repository there" value={claim} onChange={(e) => setClaim(e.currentTarget.value)} data={['repository_id', 'project_id', 'sub']} />
      <TextInput label="Its text" description="An id and not a name: names can be given to others" value={value} onChange={(e) => setValue(e.currentTarget.value)} required />
      <Button type="submit" loading={add.isPending} disabled={!repository}>
        Trust it
      </Button>
    </form>
  );
}
