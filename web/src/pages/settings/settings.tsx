import { Tabs } from '@mantine/core';
import { useSearch } from '../../app/address.ts';
import { useMay, useSession } from '../../api/session.ts';
import { PageFrame } from '../../part/page.tsx';
import Account from './account.tsx';
import Notifications from './notifications.tsx';
import Organisation from './organisation.tsx';
import People from './people.tsx';
import Teams from './teams.tsx';
import Tokens from './tokens.tsx';

/** Settings: oneself, people, teams, tokens, and what the organisation decides. What one may not do is not shown. */
export default function Settings() {
  const [search, change] = useSearch();
  const known = useSession() !== undefined;
  const people = useMay('team:read');
  const organisation = useMay('settings:write');
  const tokens = useMay('token:own');
  const channels = useMay('channel:write');
  const tabs = [
    { key: 'account', title: 'Account', show: true, body: <Account /> },
    { key: 'people', title: 'People', show: people, body: <People /> },
    { key: 'teams', title: 'Teams', show: people, body: <Teams /> },
    { key: 'tokens', title: 'Tokens', show: tokens, body: <Tokens /> },
    { key: 'notifications', title: 'Notifications', show: channels, body: <Notifications /> },
    { key: 'organisation', title: 'Organisation', show: organisation, body: <Organisation /> },
  ].filter((t) => t.show);
  const here = tabs.find((t) => t.key === search.tab) ?? tabs[0]!;
  return (
    <PageFrame title="Settings">
      <Tabs value={here.key} onChange={(tab) => change({ tab: tab ?? undefined }, 'push')} keepMounted={false}>
        <Tabs.List mb={18}>
          {tabs.map((t) => (
            <Tabs.Tab key={t.key} value={t.key}>
              {t.title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {known &&
          tabs.map((t) => (
            <Tabs.Panel key={t.key} value={t.key}>
              {t.body}
            </Tabs.Panel>
          ))}
      </Tabs>
    </PageFrame>
  );
}
