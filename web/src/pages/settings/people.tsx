import { useState } from 'react';
import { Button, Menu, TextInput } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { send } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useMay, useSession } from '../../api/session.ts';
import { Failure } from '../../app/boundary.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Tag } from '../../part/badge.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { Dialog, RoleSelect, Secret, useChange } from './parts.tsx';
import css from './settings.module.css';

export interface Person {
  id: string;
  email: string;
  name: string;
  role: string;
  seenAt: string;
  disabledAt: string;
  teams: { team: string; name: string; role: string }[];
}

const linkAbout = 'It signs them in once, within three days, and is shown only now. Hand it on in a way that only they can read.';

/** People of the organisation: invite, change roles, disable, remove. */
export default function People() {
  const [q, setQ] = useState('');
  const people = useList<Person>(['people', 'list', q], '/api/people', { q });
  const may = useMay('people:write') && useSession()?.role === 'administrator';
  const me = useSession()?.id;
  const [link, setLink] = useState('');
  const say = useSay();
  const role = useChange((v: { id: string; role: string }) => send('PATCH', `/api/people/${v.id}`, { role: v.role }), 'Role changed', ['people']);
  const disable = useChange((p: Person) => send('PATCH', `/api/people/${p.id}`, { disabled: !p.disabledAt }), '', ['people']);
  const act = useChange((path: string) => send('DELETE', path), 'Done', ['people']);
  const hand = (p: Person) =>
    send<{ link: string }>('POST', `/api/people/${p.id}/link`).then(
      (a) => setLink(window.location.origin + a.link),
      (e: unknown) => say.failed(e),
    );
  if (people.error) return <Failure error={people.error} again={() => void people.again()} />;
  return (
    <Card
      title="People"
      about="Whoever is in no team and has no role sees nothing."
      flush
      actions={may && <Dialog button="Invite somebody" title="Invite somebody">{(close) => <Invite close={close} />}</Dialog>}
    >
      <div className={css.form} style={{ padding: '12px 18px' }}>
        <TextInput aria-label="Find people" placeholder="Name or address" value={q} onChange={(e) => setQ(e.currentTarget.value)} />
        {link && (
          <>
            <p>{linkAbout}</p>
            <Secret text={link} label="One-time link" />
          </>
        )}
      </div>
      {people.loading ? (
        <Skeleton lines={5} />
      ) : (
        <Table
          label="People"
          rows={people.items}
          id={(p) => p.id}
          empty={<p className={css.quiet} style={{ padding: '0 18px 18px' }}>Nobody is called that.</p>}
          columns={[
            { key: 'name', title: 'Name', cell: (p) => <>{p.name} {p.disabledAt && <Tag tone="bad">disabled</Tag>}{p.name !== p.email && <div className={css.quiet}>{p.email}</div>}</> },
            {
              key: 'role',
              title: 'Role',
              cell: (p) => (may && p.id !== me ? <RoleSelect size="xs" aria-label={`Role of ${p.email}`} none="Teams only" value={p.role} onChange={(e) => role.mutate({ id: p.id, role: e.currentTarget.value })} /> : p.role || 'teams only'),
            },
            { key: 'teams', title: 'Teams', spare: true, cell: (p) => p.teams.map((t) => `${t.name} (${t.role})`).join(', ') },
            { key: 'seen', title: 'Last sign-in', spare: true, cell: (p) => (p.seenAt ? <Time at={p.seenAt} /> : 'never') },
            {
              key: 'do',
              title: '',
              end: true,
              cell: (p) =>
                may && p.id !== me ? (
                  <Menu position="bottom-end">
                    <Menu.Target>
                      <Button size="compact-xs" variant="subtle" aria-label={`What to do with ${p.email}`}>
                        <IconDots size={16} aria-hidden />
                      </Button>
                    </Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => void hand(p)}>Make a one-time link</Menu.Item>
                      <Menu.Item onClick={() => act.mutate(`/api/people/${p.id}/sessions`)}>Sign out everywhere</Menu.Item>
                      <Menu.Item onClick={() => act.mutate(`/api/people/${p.id}/methods`)}>Remove passkeys and password</Menu.Item>
                      <Menu.Item onClick={() => disable.mutate(p)}>{p.disabledAt ? 'Enable' : 'Disable'}</Menu.Item>
                      <Menu.Item color="red" onClick={() => act.mutate(`/api/people/${p.id}`)}>
                        Remove from the organisation
                      </Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                ) : null,
            },
          ]}
        />
      )}
      {people.more && (
        <Button variant="subtle" onClick={people.readOn}>
          Show more
        </Button>
      )}
    </Card>
  );
}

function Invite({ close }: { close: () => void }) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState('viewer');
  const [link, setLink] = useState<string>();
  const invite = useChange(async () => setLink((await send<{ link: string }>('POST', '/api/people', { email, name, role })).link), '', ['people']);
  if (link !== undefined)
    return (
      <div className={css.form}>
        {link ? (
          <>
            <p>{linkAbout}</p>
            <Secret text={window.location.origin + link} label="One-time link" />
          </>
        ) : (
          <p>They already sign in to another organisation of this server, and find this one there.</p>
        )}
        <Button onClick={close}>Done</Button>
      </div>
    );
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        invite.mutate(undefined as never);
      }}
    >
      <TextInput label="Address of mail" type="email" value={email} onChange={(e) => setEmail(e.currentTarget.value)} required data-autofocus />
      <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} />
      <RoleSelect label="Role in all of the organisation" none="Teams only" value={role} onChange={(e) => setRole(e.currentTarget.value)} />
      <Button type="submit" loading={invite.isPending}>
        Invite
      </Button>
    </form>
  );
}
