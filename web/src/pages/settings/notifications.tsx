import { useState } from 'react';
import { ActionIcon, Button, Menu, Modal } from '@mantine/core';
import { IconBell, IconDots } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useMay } from '../../api/session.ts';
import { Failure } from '../../app/boundary.tsx';
import { Tag } from '../../part/badge.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { Table } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { EditChannel } from './notifications-edit.tsx';
import { Messages } from './notifications-messages.tsx';
import { hourOf, kindOf, outcome, type Channel } from './notifications-share.ts';
import { Dialog, Secret, useChange } from './parts.tsx';
import page from './settings.module.css';
import css from './notifications.module.css';

/** Where people are told of what happens: chats, mail, webhooks. */
export default function Notifications() {
  const channels = useQuery({ queryKey: ['channels'], queryFn: ({ signal }) => get<{ items: Channel[]; mail: boolean }>('/api/channels', undefined, signal) });
  const teams = useList<{ id: string; name: string }>(['teams', 'list'], '/api/teams', { limit: 500 });
  const all = useMay('settings:write');
  if (channels.error) return <Failure error={channels.error} again={() => void channels.refetch()} />;
  const add = channels.data && <Dialog button="Add a channel" title="Add a channel">{(close) => <EditChannel close={close} mail={channels.data.mail} teams={teams.items} all={all} />}</Dialog>;
  return (
    <Card title="Notifications" about="One message when a scan has ended, or one a day: what is new, fixed or wrong, the worst first, with a link to exactly that." flush actions={add}>
      {!channels.data ? (
        <Skeleton />
      ) : (
        <Table
          label="Channels"
          rows={channels.data.items}
          id={(c) => c.id}
          empty={
            <Empty icon={IconBell} title="Nobody is told of anything yet">
              <p>Add a channel of Slack, Microsoft Teams or Google Chat, addresses of mail, or a webhook of your own.</p>
            </Empty>
          }
          columns={[
            {
              key: 'name',
              title: 'Channel',
              cell: (c) => (
                <div className={css.name}>
                  <Name of={c.name} />
                  <span className={css.sub}>
                    {kindOf(c.kind)} · <Name of={c.target} />
                  </span>
                </div>
              ),
            },
            { key: 'team', title: 'For', spare: true, cell: (c) => (c.team ? <Name of={teams.items.find((t) => t.id === c.team)?.name ?? c.team} /> : 'the organisation') },
            { key: 'filter', title: 'Findings', spare: true, cell: (c) => (c.filter ? <code className={css.filter}>{c.filter}</code> : 'all') },
            { key: 'rhythm', title: 'When', spare: true, cell: (c) => (c.rhythm === 'daily' ? `daily, ${hourOf(c.hour)}` : 'after each scan') },
            { key: 'last', title: 'Last message', cell: (c) => <Last of={c} /> },
            { key: 'do', title: '', end: true, cell: (c) => <Actions of={c} mail={channels.data.mail} teams={teams.items} all={all} /> },
          ]}
        />
      )}
    </Card>
  );
}

function Last({ of: c }: { of: Channel }) {
  if (c.state === 'paused')
    return (
      <div className={css.paused}>
        <Tag tone="warn">Paused</Tag>
        {c.reason && <span className={css.problem}>{c.reason}</span>}
      </div>
    );
  if (!c.last) return <span className={page.quiet}>none yet</span>;
  const was = outcome(c.last);
  return (
    <div className={css.paused}>
      <Tag tone={was.tone}>{was.text}</Tag>
      <span className={css.sub}>
        <Time at={c.last.triedAt ?? c.last.madeAt} />
      </span>
      {c.last.problem && <span className={css.problem}>{c.last.problem}</span>}
    </div>
  );
}

type Open = '' | 'messages' | 'change' | 'secret';

function Actions({ of: c, mail, teams, all }: { of: Channel; mail: boolean; teams: { id: string; name: string }[]; all: boolean }) {
  const [open, setOpen] = useState<Open>('');
  const [secret, setSecret] = useState('');
  const close = () => {
    setOpen('');
    setSecret('');
  };
  const may = all || c.team !== undefined;
  const test = useChange(() => send('POST', `/api/channels/${c.id}/test`), '', ['channels']);
  const remove = useChange(() => send('DELETE', `/api/channels/${c.id}`), 'Channel removed', ['channels']);
  const rotate = useChange(async () => setSecret((await send<{ secret: string }>('POST', `/api/channels/${c.id}/secret`)).secret), '', ['channels']);
  const pause = useChange(
    (state: string) => send('PUT', `/api/channels/${c.id}`, { team: c.team, name: c.name, kind: c.kind, filter: c.filter, happenings: c.happenings, rhythm: c.rhythm, hour: c.hour, state }),
    c.state === 'paused' ? 'It goes on' : 'Paused',
    ['channels'],
  );
  const titles: Record<Open, string> = { '': '', messages: `Messages to ${c.name}`, change: c.name, secret: 'A new secret' };
  return (
    <div className={page.actions}>
      {may && (
        <Button size="compact-xs" variant="default" loading={test.isPending} onClick={() => test.mutate(undefined as never, { onSuccess: () => setOpen('messages') })}>
          Send a test
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More about ${c.name}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setOpen('messages')}>Messages</Menu.Item>
          {may && <Menu.Item onClick={() => setOpen('change')}>Change</Menu.Item>}
          {may && <Menu.Item onClick={() => pause.mutate(c.state === 'paused' ? 'active' : 'paused')}>{c.state === 'paused' ? 'Go on' : 'Pause'}</Menu.Item>}
          {may && c.kind === 'webhook' && <Menu.Item onClick={() => rotate.mutate(undefined as never, { onSuccess: () => setOpen('secret') })}>New secret</Menu.Item>}
          {may && (
            <Menu.Item color="red" onClick={() => remove.mutate(undefined as never)}>
              Remove
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={open !== ''} onClose={close} title={titles[open]} lockScroll={false} centered closeButtonProps={{ 'aria-label': 'Close' }} size={open === 'messages' ? 'lg' : 'md'}>
        {open === 'messages' && <Messages of={c.id} />}
        {open === 'change' && <EditChannel close={close} before={c} mail={mail} teams={teams} all={all} />}
        {open === 'secret' && (
          <div className={page.form}>
            <p>Messages are signed with this from now on. It is shown only now.</p>
            <Secret text={secret} label="Secret" />
            <Button onClick={close}>I have kept it</Button>
          </div>
        )}
      </Modal>
    </div>
  );
}
