import { useState } from 'react';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useMay, useSession } from '../../api/session.ts';
import { Failure } from '../../app/boundary.tsx';
import { Empty } from '../../part/empty.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Dialog, RoleSelect, useChange } from './parts.tsx';
import type { Person } from './people.tsx';
import css from './settings.module.css';

interface Team {
  id: string;
  name: string;
  members: number;
  owns: number;
}

interface Member {
  person: string;
  email: string;
  name: string;
  role: string;
  source: string;
}

interface Owner {
  id: string;
  team: string;
  repository?: string;
  path: string;
  position: number;
}

/** Teams, who is in them and what they own. */
export default function Teams() {
  const teams = useList<Team>(['teams', 'list'], '/api/teams', { limit: 500 });
  const all = useSession()?.role === 'administrator';
  const may = useMay('people:write');
  const remove = useChange((id: string) => send('DELETE', `/api/teams/${id}`), 'Team removed', ['teams', 'people']);
  if (teams.error) return <Failure error={teams.error} again={() => void teams.again()} />;
  return (
    <div className={css.stack}>
      <Card
        title="Teams"
        about="A role in a team counts in what the team owns."
        flush
        actions={all && <Dialog button="Make a team" title="Make a team">{(close) => <MakeTeam close={close} />}</Dialog>}
      >
        {teams.loading ? (
          <Skeleton />
        ) : (
          <Table
            label="Teams"
            rows={teams.items}
            id={(t) => t.id}
            empty={
              <Empty icon={IconUsersGroup} title="No teams yet">
                <p>With teams, people see and decide about the repositories that are theirs.</p>
              </Empty>
            }
            columns={[
              { key: 'name', title: 'Name', cell: (t) => t.name },
              { key: 'members', title: 'Members', end: true, cell: (t) => t.members },
              { key: 'owns', title: 'Owns', end: true, cell: (t) => t.owns },
              {
                key: 'do',
                title: '',
                end: true,
                cell: (t) => (
                  <div className={css.actions}>
                    <Dialog button="Members" variant="subtle" title={`Members of ${t.name}`}>
                      {() => <Members team={t.id} may={may} />}
                    </Dialog>
                    {all && (
                      <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(t.id)}>
                        Remove
                      </Button>
                    )}
                  </div>
                ),
              },
            ]}
          />
        )}
      </Card>
      {teams.items.length > 0 && <Ownership teams={teams.items} may={all} />}
    </div>
  );
}

function MakeTeam({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const make = useChange(() => send('POST', '/api/teams', { name }), 'Team made', ['teams']);
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        make.mutate(undefined as never, { onSuccess: close });
      }}
    >
      <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} required data-autofocus />
      <Button type="submit" loading={make.isPending}>
        Make it
      </Button>
    </form>
  );
}

function Members({ team, may }: { team: string; may: boolean }) {
  const members = useList<Member>(['teams', 'members', team], `/api/teams/${team}/members`, { limit: 500 });
  const people = useList<Person>(['people', 'list', ''], '/api/people', { limit: 500 });
  const [person, setPerson] = useState('');
  const set = useChange((v: { person: string; role: string }) => send('PUT', `/api/teams/${team}/members/${v.person}`, { role: v.role }), 'Done', ['teams', 'people']);
  const remove = useChange((id: string) => send('DELETE', `/api/teams/${team}/members/${id}`), 'Taken out', ['teams', 'people']);
  const others = people.items.filter((p) => !members.items.some((m) => m.person === p.id));
  return (
    <div className={css.form}>
      <Table
        label="Members"
        rows={members.items}
        id={(m) => m.person}
        empty={<p className={css.quiet}>Nobody yet.</p>}
        columns={[
          { key: 'name', title: 'Name', cell: (m) => m.name },
          { key: 'role', title: 'Role', cell: (m) => (may && !m.source ? <RoleSelect size="xs" aria-label={`Role of ${m.email}`} value={m.role} onChange={(e) => set.mutate({ person: m.person, role: e.currentTarget.value })} /> : `${m.role} by a group`) },
          { key: 'do', title: '', end: true, cell: (m) => may && <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(m.person)}>Take out</Button> },
        ]}
      />
      {may && (
        <div className={css.row}>
          <NativeSelect label="Add somebody" value={person} onChange={(e) => setPerson(e.currentTarget.value)} data={[{ value: '', label: 'Choose …' }, ...others.map((p) => ({ value: p.id, label: p.email }))]} />
          <Button disabled={!person} onClick={() => set.mutate({ person, role: 'triager' }, { onSuccess: () => setPerson('') })}>
            Add
          </Button>
        </div>
      )}
    </div>
  );
}

function Ownership({ teams, may }: { teams: Team[]; may: boolean }) {
  const lines = useQuery({ queryKey: ['teams', 'ownership'], queryFn: ({ signal }) => get<{ items: Owner[] }>('/api/ownership', undefined, signal) });
  const repositories = useList<{ id: string; name: string }>(['repositories', 'names'], '/api/repositories', { limit: 500 });
  const [line, setLine] = useState({ team: '', repository: '', path: '' });
  const add = useChange(() => send('POST', '/api/ownership', { team: line.team, repository: line.repository || undefined, path: line.path }), 'Findings are being handed over', ['teams', 'findings']);
  const remove = useChange((id: string) => send('DELETE', `/api/ownership/${id}`), 'Findings are being handed over', ['teams', 'findings']);
  const nameOf = (list: { id: string; name: string }[], id?: string) => list.find((x) => x.id === id)?.name ?? id ?? '';
  return (
    <Card title="Ownership" about="The first line that speaks of a file decides whose its findings are." flush>
      <Table
        label="Ownership"
        rows={lines.data?.items ?? []}
        id={(l) => l.id}
        empty={<p className={css.quiet} style={{ padding: '12px 18px 0' }}>No team owns anything: only people with a role in all of the organisation see findings.</p>}
        columns={[
          { key: 'repository', title: 'Repository', cell: (l) => (l.repository ? nameOf(repositories.items, l.repository) : 'every one') },
          { key: 'path', title: 'Path', cell: (l) => (l.path ? <code>{l.path}</code> : 'all of it') },
          { key: 'team', title: 'Team', cell: (l) => nameOf(teams, l.team) },
          { key: 'do', title: '', end: true, cell: (l) => may && <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(l.id)}>Remove</Button> },
        ]}
      />
      {may && (
        <form
          className={css.row}
          style={{ padding: '12px 18px 18px' }}
          onSubmit={(e) => {
            e.preventDefault();
            add.mutate(undefined as never, { onSuccess: () => setLine({ team: '', repository: '', path: '' }) });
          }}
        >
          <NativeSelect label="Repository" value={line.repository} onChange={(e) => setLine({ ...line, repository: e.currentTarget.value })} data={[{ value: '', label: 'Every one' }, ...repositories.items.map((r) => ({ value: r.id, label: r.name }))]} />
          <TextInput label="Path" placeholder="payments/**" value={line.path} onChange={(e) => setLine({ ...line, path: e.currentTarget.value })} />
          <NativeSelect label="Team" required value={line.team} onChange={(e) => setLine({ ...line, team: e.currentTarget.value })} data={[{ value: '', label: 'Choose …' }, ...teams.map((t) => ({ value: t.id, label: t.name }))]} />
          <Button type="submit" disabled={!line.team} loading={add.isPending}>
            Add
          </Button>
        </form>
      )}
    </Card>
  );
}
