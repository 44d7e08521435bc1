import { useState } from 'react';
import { Button, Menu } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconArrowsSort, IconBookmark, IconCheck, IconColumns3, IconDownload, IconStack2, IconTrash } from '@tabler/icons-react';
import { address, get, send } from '../../api/http.ts';
import { useMay } from '../../api/session.ts';
import { useSay } from '../../app/toasts.tsx';
import { visible } from '../../part/name.tsx';
import { groupings, settingsOf, sorts, type View } from './data.ts';
import { columns, type Explorer } from './state.ts';
import css from './toolbar.module.css';

const tick = (on: boolean) => (on ? <IconCheck size={15} aria-label="chosen" /> : <span className={css.gap} />);

/** How the findings are shown: saved views, groups, order, columns, export. */
export function Toolbar({ explorer }: { explorer: Explorer }) {
  const group = groupings.find((g) => g.key === explorer.group);
  const sort = sorts.find((s) => s.key === explorer.sort);
  return (
    <div className={css.bar}>
      <Views explorer={explorer} />
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" size="xs" leftSection={<IconStack2 size={15} aria-hidden />} className={css.button}>
            {group ? `By ${group.title.toLowerCase()}` : 'Group'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={tick(!group)} onClick={() => explorer.setGroup('')}>
            Not grouped
          </Menu.Item>
          {groupings.map((g) => (
            <Menu.Item key={g.key} leftSection={tick(g === group)} onClick={() => explorer.setGroup(g.key)}>
              {g.title}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" size="xs" leftSection={<IconArrowsSort size={15} aria-hidden />} className={css.button}>
            {sort?.title ?? 'Order'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {sorts.map((s) => (
            <Menu.Item key={s.key} leftSection={tick(s === sort)} onClick={() => explorer.setSort(s.key)}>
              {s.title}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end" closeOnItemClick={false}>
        <Menu.Target>
          <Button variant="default" size="xs" leftSection={<IconColumns3 size={15} aria-hidden />} className={`${css.button} ${css.wide}`}>
            Columns
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {columns.map((c) => {
            const on = explorer.columns.includes(c.key);
            return (
              <Menu.Item
                key={c.key}
                leftSection={tick(on)}
                role="menuitemcheckbox"
                aria-checked={on}
                onClick={() => explorer.setColumns(on ? explorer.columns.filter((k) => k !== c.key) : [...explorer.columns, c.key])}
              >
                {c.title}
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
      <Export explorer={explorer} />
    </div>
  );
}

function Export({ explorer }: { explorer: Explorer }) {
  const may = useMay('finding:export');
  if (!may) return null;
  const formats = [
    ['csv', 'CSV', 'for spreadsheets'],
    ['json', 'JSON', 'everything that is known'],
    ['sarif', 'SARIF', 'for other security tools'],
  ] as const;
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconDownload size={15} aria-hidden />} className={`${css.button} ${css.wide}`}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Exactly what matches, all of it</Menu.Label>
        {formats.map(([format, title, about]) => (
          <Menu.Item key={format} component="a" href={address('/api/findings/export', { q: explorer.query, sort: explorer.sort, format })} download={`findings.${format}`}>
            {title} <span className={css.about}>{about}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Views({ explorer }: { explorer: Explorer }) {
  const client = useQueryClient();
  const say = useSay();
  const may = useMay('view:write');
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const [open, setOpen] = useState(false);
  const views = useQuery({ queryKey: ['views'], queryFn: ({ signal }) => get<{ items: View[] }>('/api/views', undefined, signal) });
  const again = () => client.invalidateQueries({ queryKey: ['views'] });
  const current = views.data?.items.find((v) => v.query === explorer.query && (settingsOf(v).group ?? '') === explorer.group);
  const save = () => {
    if (name.trim() === '') return;
    const view = { name: name.trim(), query: explorer.query, shared, settings: JSON.stringify({ sort: explorer.sort, group: explorer.group, columns: explorer.columns }) };
    void send('POST', '/api/views', view).then(
      async () => {
        setName('');
        setOpen(false);
        await again();
        say.done(`Saved “${view.name}”`);
      },
      (e: unknown) => say.failed(e),
    );
  };
  const remove = (v: View) =>
    void send('DELETE', `/api/views/${v.id}`).then(
      async () => {
        await again();
        say.done(`Removed “${v.name}”`, async () => {
          await send('POST', '/api/views', { name: v.name, query: v.query, shared: v.shared, settings: v.settings });
          await again();
        });
      },
      (e: unknown) => say.failed(e),
    );
  return (
    <Menu opened={open} onChange={setOpen} position="bottom-end" width={310}>
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconBookmark size={15} aria-hidden />} className={css.button}>
          {current ? visible(current.name) : 'Views'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {views.data?.items.length === 0 && <Menu.Label>Save what you look at often; everybody sees shared views.</Menu.Label>}
        {views.data?.items.map((v) => (
          <div key={v.id} className={css.view}>
            <Menu.Item leftSection={tick(v === current)} onClick={() => explorer.show({ query: v.query, ...settingsOf(v) })} title={visible(v.query)}>
              {visible(v.name)}
            </Menu.Item>
            {may && v.own && (
              <button type="button" className={css.remove} aria-label={`Remove ${visible(v.name)}`} onClick={() => remove(v)}>
                <IconTrash size={14} aria-hidden />
              </button>
            )}
          </div>
        ))}
        {may && (
          <>
            <Menu.Divider />
            <form
              className={css.save}
              onSubmit={(e) => {
                e.preventDefault();
                save();
              }}
            >
              <input value={name} maxLength={200} onChange={(e) => setName(e.target.value)} onKeyDown={(e) => e.stopPropagation()} placeholder="Save this view as…" aria-label="Name of the view" />
              <Button size="xs" type="submit" disabled={name.trim() === ''}>
                Save
              </Button>
              <label>
                <input type="checkbox" checked={shared} onChange={(e) => setShared(e.target.checked)} /> for everybody
              </label>
            </form>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
