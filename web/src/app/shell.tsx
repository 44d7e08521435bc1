import { useEffect, useState } from 'react';
import { Drawer, Menu, Tooltip, useMantineColorScheme } from '@mantine/core';
import { useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { Outlet, useRouterState } from '@tanstack/react-router';
import {
  IconBuilding,
  IconCheck,
  IconChevronsLeft,
  IconDeviceDesktop,
  IconDots,
  IconKeyboard,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSelector,
  IconSun,
  IconWifiOff,
} from '@tabler/icons-react';
import { useEvents } from '../api/events.ts';
import { send } from '../api/http.ts';
import { useAccount, useSession, type Session } from '../api/session.ts';
import { pages } from '../pages/index.tsx';
import { useGo } from './address.ts';
import { Boundary } from './boundary.tsx';
import { Help } from './help.tsx';
import { useKeys } from './keys.tsx';
import { To } from './link.tsx';
import { Mark } from './mark.tsx';
import type { Page } from './page.ts';
import { Palette } from './palette.tsx';
import { useSay } from './toasts.tsx';
import css from './shell.module.css';

const groups = { see: 'See', know: 'Know', run: 'Run' } as const;

/** True on screens as narrow as a phone's, where the rail becomes a bar at the bottom. */
export function useNarrow(): boolean {
  return useMediaQuery('(max-width: 760px)', false, { getInitialValueInEffect: false }) ?? false;
}

/** Everything around a page: rail, palette, help, live updates. */
export function Shell() {
  const session = useSession();
  const narrow = useNarrow();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const go = useGo();
  const [wide, setWide] = useLocalStorage({ key: 'plumbline.rail', defaultValue: true, getInitialValueInEffect: false });
  const [open, setOpen] = useState<'palette' | 'help' | 'more'>();
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const up = useEvents();
  const shown = pages.filter((p) => p.nav && (!p.nav.needs || session?.permissions.includes(p.nav.needs)));
  const here = pages.filter((p) => path === p.path || path.startsWith(p.path + '/') || matches(p.path, path)).sort((a, b) => b.path.length - a.path.length)[0];

  useEffect(() => {
    document.title = `${here?.title ?? 'There is no such page'} · Plumbline`;
    setOpen(undefined);
  }, [here, path]);

  useKeys('Everywhere', [
    { key: 'mod+k', does: 'Go to a page, a repository or a finding', run: () => setOpen((o) => (o === 'palette' ? undefined : 'palette')), typing: true },
    { key: '?', does: 'This help', run: () => setOpen('help') },
    { key: 'mod+b', does: 'Make the rail wide or narrow', run: () => setWide(!wide) },
    ...shown.filter((p) => p.nav?.key).map((p) => ({ key: `g ${p.nav!.key}`, does: `Go to ${p.title}`, run: () => go(p.path) })),
  ]);

  return (
    <div className={css.frame} data-wide={wide && !narrow ? '' : undefined}>
      <a className={css.skip} href="#main">
        Skip to the content
      </a>
      {narrow ? (
        <nav className={css.bar} aria-label="Main">
          {shown
            .filter((p) => p.nav?.bar)
            .slice(0, 4)
            .map((p) => (
              <BarItem key={p.path} page={p} here={p === here} />
            ))}
          <button type="button" className={css.barItem} onClick={() => setOpen('more')}>
            <IconDots size={22} stroke={1.7} aria-hidden />
            More
          </button>
        </nav>
      ) : (
        <nav className={css.rail} aria-label="Main">
          <div className={css.brand}>
            <Mark />
            <span className={css.label}>Plumbline</span>
          </div>
          <button type="button" className={css.find} onClick={() => setOpen('palette')} aria-label="Search and go to">
            <IconSearch size={16} stroke={1.8} aria-hidden />
            <span className={css.label}>Go to…</span>
            <kbd className={css.label}>{isMac() ? '⌘K' : 'Ctrl K'}</kbd>
          </button>
          {(Object.keys(groups) as (keyof typeof groups)[]).map((g) => {
            const of = shown.filter((p) => p.nav?.group === g);
            return of.length === 0 ? null : (
              <ul key={g} className={css.group} aria-label={groups[g]}>
                {of.map((p) => (
                  <li key={p.path}>
                    <RailItem page={p} here={p === here} wide={wide} />
                  </li>
                ))}
              </ul>
            );
          })}
          <div className={css.foot}>
            {up === false && (
              <div className={css.offline} role="status">
                <IconWifiOff size={16} aria-hidden />
                <span className={css.label}>Updated every 30 s</span>
              </div>
            )}
            <Person session={session} />
            <div className={css.tools}>
              <Menu position="right-end" width={180}>
                <Menu.Target>
                  <button type="button" className={css.tool} aria-label="Light or dark">
                    {colorScheme === 'dark' ? <IconMoon size={17} aria-hidden /> : colorScheme === 'light' ? <IconSun size={17} aria-hidden /> : <IconDeviceDesktop size={17} aria-hidden />}
                  </button>
                </Menu.Target>
                <Menu.Dropdown>
                  <Schemes scheme={colorScheme} set={setColorScheme} />
                </Menu.Dropdown>
              </Menu>
              <button type="button" className={css.tool} aria-label="Keys" onClick={() => setOpen('help')}>
                <IconKeyboard size={17} aria-hidden />
              </button>
              <button type="button" className={css.tool} aria-label={wide ? 'Make the rail narrow' : 'Make the rail wide'} onClick={() => setWide(!wide)}>
                <IconChevronsLeft size={17} aria-hidden style={{ transform: wide ? undefined : 'rotate(180deg)' }} />
              </button>
            </div>
          </div>
        </nav>
      )}
      <main id="main" className={css.main} tabIndex={-1}>
        <Boundary key={here?.path ?? path}>
          <Outlet />
        </Boundary>
      </main>
      <Palette open={open === 'palette'} close={() => setOpen(undefined)} />
      <Help open={open === 'help'} close={() => setOpen(undefined)} />
      <Drawer opened={open === 'more'} onClose={() => setOpen(undefined)} position="bottom" size="auto" title="More" closeButtonProps={{ 'aria-label': 'Close' }}>
        <ul className={css.sheet}>
          {shown.map((p) => (
            <li key={p.path}>
              <RailItem page={p} here={p === here} wide />
            </li>
          ))}
        </ul>
        <button type="button" className={css.find} onClick={() => setOpen('palette')}>
          <IconSearch size={16} aria-hidden /> Go to…
        </button>
        <div className={css.sheetFoot}>
          <Person session={session} />
          <select className={css.select} aria-label="Light or dark" value={colorScheme} onChange={(e) => setColorScheme(e.target.value as 'auto')}>
            <option value="auto">As the device</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </div>
      </Drawer>
    </div>
  );
}

/** Whether a path of a page with parameters ("/rules/$id") is the one of an address. */
function matches(pattern: string, path: string): boolean {
  const a = pattern.split('/');
  const b = path.split('/');
  return a.length === b.length && a.every((part, i) => part.startsWith('$') || part === b[i]);
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

function RailItem({ page, here, wide }: { page: Page; here: boolean; wide: boolean }) {
  const Mark = page.nav!.icon;
  return (
    <Tooltip label={page.title} position="right" disabled={wide}>
      <To to={page.path} className={css.item} aria-current={here ? 'page' : undefined}>
        <Mark size={19} stroke={1.7} aria-hidden />
        <span className={css.label}>{page.title}</span>
      </To>
    </Tooltip>
  );
}

function BarItem({ page, here }: { page: Page; here: boolean }) {
  const Mark = page.nav!.icon;
  return (
    <To to={page.path} className={css.barItem} aria-current={here ? 'page' : undefined}>
      <Mark size={22} stroke={1.7} aria-hidden />
      {page.title}
    </To>
  );
}

function Schemes({ scheme, set }: { scheme: string; set: (s: 'auto' | 'light' | 'dark') => void }) {
  const all = [
    ['auto', 'As the device', IconDeviceDesktop],
    ['light', 'Light', IconSun],
    ['dark', 'Dark', IconMoon],
  ] as const;
  return all.map(([value, label, Mark]) => (
    <Menu.Item key={value} leftSection={<Mark size={16} aria-hidden />} rightSection={scheme === value ? <IconCheck size={15} aria-label="chosen" /> : null} onClick={() => set(value)}>
      {label}
    </Menu.Item>
  ));
}

/** The first letters of a person's name, two at most. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] ?? '?') + (words.length > 1 ? words[words.length - 1]![0] : '')).toUpperCase();
}

function Person({ session }: { session: Session | undefined }) {
  const say = useSay();
  const account = useAccount();
  if (!session) return null;
  const name = account?.person.name || session.name;
  const choose = (organisation: string) =>
    send('PUT', '/api/session', { organisation }).then(
      () => window.location.assign('/'),
      (e: unknown) => say.failed(e),
    );
  return (
    <Menu position="right-end" width={250}>
      <Menu.Target>
        <button type="button" className={css.person} aria-label={`${name}, ${account?.organisation.name ?? session.role}`}>
          <span className={css.face} aria-hidden>
            {initials(name)}
          </span>
          <span className={css.who}>
            <b>{name}</b>
            <span>{account?.organisation.name ?? session.role}</span>
          </span>
          <IconSelector size={15} className={css.label} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.name}
          {session.role && ` · ${session.role}`}
        </Menu.Label>
        {account && account.organisations.length > 1 && (
          <>
            <Menu.Divider />
            <Menu.Label>Organisation</Menu.Label>
            {account.organisations.map((o) => (
              <Menu.Item
                key={o.id}
                leftSection={<IconBuilding size={16} aria-hidden />}
                rightSection={o.id === account.organisation.id ? <IconCheck size={15} aria-label="chosen" /> : null}
                onClick={() => void choose(o.id)}
              >
                {o.name}
              </Menu.Item>
            ))}
          </>
        )}
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() =>
            void send('DELETE', '/api/session').then(
              () => window.location.assign('/signin'),
              (e: unknown) => say.failed(e),
            )
          }
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
