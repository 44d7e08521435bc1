import { useEffect, useRef } from 'react';
import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconChevronDown, IconChevronUp, IconLink, IconMessage, IconUser, IconVolume, IconVolumeOff, IconX } from '@tabler/icons-react';
import { get } from '../../api/http.ts';
import { useMay } from '../../api/session.ts';
import { Boundary, Failure } from '../../app/boundary.tsx';
import { To } from '../../app/link.tsx';
import { Severity, Status } from '../../part/badge.tsx';
import { Copy } from '../../part/code.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Skeleton } from '../../part/page.tsx';
import { dayOf, Time } from '../../part/time.tsx';
import { reasons, type Action, type Detail } from './data.ts';
import { Details } from './details.tsx';
import { Remediation } from './remediation.tsx';
import css from './panel.module.css';

interface Props {
  id: string;
  tab: string;
  setTab: (tab: string) => void;
  close: () => void;
  step: (by: 1 | -1) => void;
  copyLink: () => void;
  intend: (kind: Action['kind']) => void;
  search: (query: string) => void;
}

/** One finding with all that is known of it. */
export default function Panel({ id, tab, setTab, close, step, copyLink, intend, search }: Props) {
  const finding = useQuery({ queryKey: ['findings', 'one', id], queryFn: ({ signal }) => get<Detail>(`/api/findings/${encodeURIComponent(id)}`, undefined, signal) });
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    body.current?.scrollTo(0, 0); // what it answers is no way to clean up: a promise in newer browsers
  }, [id, tab]);
  const f = finding.data;
  return (
    <aside className={css.panel} aria-label="Finding" id="finding-panel">
      <div className={css.tools}>
        {f && (
          <>
            <Severity of={f.severity} />
            <Status of={f.status} />
          </>
        )}
        <span className={css.spacer} />
        <Tool label="Finding before (k)" icon={IconChevronUp} onClick={() => step(-1)} />
        <Tool label="Next finding (j)" icon={IconChevronDown} onClick={() => step(1)} />
        <Tool label="Copy the link (e)" icon={IconLink} onClick={copyLink} />
        <Tool label="Close (Esc)" icon={IconX} onClick={close} />
      </div>
      {finding.error ? (
        <Failure error={finding.error} again={() => void finding.refetch()} />
      ) : !f ? (
        <div className={css.body}>
          <Skeleton lines={12} />
        </div>
      ) : (
        <>
          <Head f={f} intend={intend} search={search} />
          <Tabs value={tab} onChange={(t) => setTab(t ?? 'details')} className={css.tabs} keepMounted={false}>
            <Tabs.List className={css.tabList}>
              <Tabs.Tab value="details">Details</Tabs.Tab>
              <Tabs.Tab value="remediation">Remediation{f.fixes.length > 0 && <span className={css.number}>{f.fixes.length}</span>}</Tabs.Tab>
              <Tabs.Tab value="event">Event</Tabs.Tab>
            </Tabs.List>
            <div className={css.body} ref={body} tabIndex={0} role="region" aria-label="About the finding">
              <Boundary key={id + tab}>
                <Tabs.Panel value="details">
                  <Details f={f} search={search} />
                </Tabs.Panel>
                <Tabs.Panel value="remediation">
                  <Remediation f={f} />
                </Tabs.Panel>
                <Tabs.Panel value="event">
                  <Event id={id} />
                </Tabs.Panel>
              </Boundary>
            </div>
          </Tabs>
        </>
      )}
    </aside>
  );
}

function Tool({ label, icon: Mark, onClick }: { label: string; icon: typeof IconX; onClick: () => void }) {
  return (
    <button type="button" className={css.tool} aria-label={label} title={label} onClick={onClick}>
      <Mark size={17} aria-hidden />
    </button>
  );
}

function Head({ f, intend, search }: { f: Detail; intend: Props['intend']; search: Props['search'] }) {
  const may = useMay('finding:triage');
  return (
    <div className={css.head}>
      <h2>
        {f.outcome === 'undecided' && <i>Undecided: </i>}
        {visible(f.message)}
      </h2>
      <div className={css.where}>
        <To to={`/repositories/${encodeURIComponent(f.repository.id)}`}>{visible(f.repository.name)}</To>
        <span className={css.path}>
          <Name of={f.file} />
          {f.line > 0 && `:${f.line}`}
        </span>
      </div>
      {f.mute && (
        <div className={css.mute}>
          <IconVolumeOff size={16} aria-hidden />
          <div>
            <b>{reasons.find((r) => r.value === f.mute!.reason)?.label ?? f.mute.reason}</b>, muted by {visible(f.mute.by)} <Time at={f.mute.at} />
            {f.mute.until ? `, until ${dayOf(f.mute.until)}` : ', for good'}
            {f.mute.comment && <p>{visible(f.mute.comment)}</p>}
          </div>
        </div>
      )}
      <div className={css.actions}>
        {may &&
          (f.status === 'muted' ? (
            <Button size="xs" variant="default" leftSection={<IconVolume size={15} aria-hidden />} onClick={() => intend('restore')}>
              Open again
            </Button>
          ) : f.status === 'fixed' ? null : (
            <Button size="xs" variant="default" leftSection={<IconVolumeOff size={15} aria-hidden />} onClick={() => intend('mute')}>
              Mute
            </Button>
          ))}
        {may && (
          <>
            <Button size="xs" variant="default" leftSection={<IconUser size={15} aria-hidden />} onClick={() => intend('assign')}>
              {f.assignee ? visible(f.assignee.name) : 'Assign'}
            </Button>
            <Button size="xs" variant="default" leftSection={<IconMessage size={15} aria-hidden />} onClick={() => intend('comment')}>
              Comment
            </Button>
          </>
        )}
        <button type="button" className={css.same} onClick={() => search(`status:open rule:${f.rule}`)}>
          All of this rule
        </button>
      </div>
    </div>
  );
}

function Event({ id }: { id: string }) {
  const raw = useQuery({ queryKey: ['findings', 'raw', id], queryFn: ({ signal }) => get<unknown>(`/api/findings/${encodeURIComponent(id)}/raw`, undefined, signal) });
  if (raw.error) return <Failure error={raw.error} again={() => void raw.refetch()} />;
  if (raw.isPending) return <Skeleton lines={9} />;
  const text = JSON.stringify(raw.data, null, 2);
  return (
    <div className={css.event}>
      <div className={css.eventHead}>
        The finding as the scanner said it, for programs.
        <Copy text={text} label="Copy the event" />
      </div>
      <pre tabIndex={0} aria-label="Event as JSON">
        {visible(text)}
      </pre>
    </div>
  );
}
