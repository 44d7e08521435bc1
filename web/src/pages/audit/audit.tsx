import { useEffect, useState } from 'react';
import { Button, TextInput } from '@mantine/core';
import { IconDownload, IconFileCertificate } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { call, once } from '../../api/http.ts';
import { useList } from '../../api/paging.ts';
import { useSearch, type Search } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Empty } from '../../part/empty.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Card, PageFrame, Skeleton } from '../../part/page.tsx';
import { Table, type Column } from '../../part/table.tsx';
import { Time } from '../../part/time.tsx';
import { Proof } from './proof.tsx';
import { between, brief, reference, type AuditRecord } from './share.ts';
import css from './audit.module.css';

/** Who changed what, and how to prove that nothing was changed about that. */
export default function Audit() {
  const [search, change] = useSearch();
  const query = { actor: search.actor, action: search.action, object: search.object, ...between(search.from, search.until) };
  const list = useList<AuditRecord>(['audit', 'records', query], '/api/audit', query);
  const narrowed = Boolean(search.actor || search.action || search.object || search.from || search.until);
  const nobody = { actor: undefined, action: undefined, object: undefined, from: undefined, until: undefined };

  const columns: Column<AuditRecord>[] = [
    { key: 'time', title: 'Time', cell: (r) => <span className={css.time}><Time at={r.time} /></span> },
    { key: 'actor', title: 'Actor', cell: (r) => <Party of={r.actor} name="actor" change={change} /> },
    {
      key: 'action',
      title: 'Action',
      cell: (r) => (
        <button type="button" className={css.only} title={`Only ${r.action}`} onClick={() => change({ action: r.action }, 'push')}>
          {visible(r.action)}
        </button>
      ),
    },
    { key: 'object', title: 'Object', cell: (r) => <Party of={r.object} name="object" change={change} /> },
    { key: 'data', title: 'What changed', cell: (r) => <Data of={r} /> },
    { key: 'address', title: 'Address', spare: true, cell: (r) => <span className={css.address}>{visible(r.address)}</span> },
  ];
  return (
    <PageFrame wide title="Audit" about="Everything that was changed, by whom and from where. Nothing here can be edited." actions={<Export />}>
      <Proof />
      <div className={css.bar}>
        <Filter name="actor" label="Actor" placeholder="person, token:…" search={search} change={change} />
        <Filter name="action" label="Action" placeholder="finding.mute, or finding. for all" search={search} change={change} />
        <Filter name="object" label="Object" placeholder="repository, finding:…" search={search} change={change} />
        <TextInput label="From" type="date" value={search.from ?? ''} onChange={(e) => change({ from: e.currentTarget.value || undefined })} />
        <TextInput label="To" type="date" value={search.until ?? ''} onChange={(e) => change({ until: e.currentTarget.value || undefined })} />
        {narrowed && (
          <Button variant="subtle" onClick={() => change(nobody, 'push')}>
            Show all
          </Button>
        )}
      </div>
      {list.error ? (
        <Failure error={list.error} again={() => void list.again()} />
      ) : (
        <Card flush>
          {list.loading ? (
            <div className={css.pad}>
              <Skeleton lines={10} />
            </div>
          ) : (
            <Table
              label="Audit records"
              rows={list.items}
              id={(r) => String(r.sequence)}
              columns={columns}
              empty={
                <Empty icon={IconFileCertificate} title={narrowed ? 'No record fits' : 'Nothing was changed yet'}>
                  {narrowed && (
                    <Button variant="default" onClick={() => change(nobody, 'push')}>
                      Show all
                    </Button>
                  )}
                </Empty>
              }
            />
          )}
        </Card>
      )}
      {list.more && (
        <div className={css.more}>
          <Button variant="default" loading={list.loadingMore} onClick={list.readOn}>
            Show older
          </Button>
        </div>
      )}
    </PageFrame>
  );
}

type Change = (change: Search, how?: 'push' | 'replace') => void;

/** A field of the filter; the address follows what is typed, after a moment. */
function Filter({ name, label, placeholder, search, change }: { name: string; label: string; placeholder: string; search: Search; change: Change }) {
  const [text, setText] = useState(search[name] ?? '');
  useEffect(() => setText(search[name] ?? ''), [search, name]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text.trim() !== (search[name] ?? '')) change({ [name]: text.trim() || undefined });
    }, 300);
    return () => clearTimeout(timer);
  }, [text, search, name, change]);
  return <TextInput label={label} placeholder={placeholder} maxLength={100} spellCheck={false} value={text} onChange={(e) => setText(e.currentTarget.value)} />;
}

/** Who or what a record is about; pressing it shows what else is. */
function Party({ of, name, change }: { of: AuditRecord['actor']; name: 'actor' | 'object'; change: Change }) {
  if (!of.kind) return null;
  return (
    <button type="button" className={css.party} title={`Only ${visible(reference(of))}`} onClick={() => change({ [name]: reference(of) }, 'push')}>
      <span>
        <Name of={of.name || of.id || of.kind} />
      </span>
      {of.name || of.id ? <small>{visible(of.kind)}</small> : null}
    </button>
  );
}

function Data({ of }: { of: AuditRecord }) {
  const line = brief(of.data);
  const more = { ...(line && { data: of.data }), sequence: of.sequence, time: of.time, actor: reference(of.actor), object: reference(of.object), ...(of.request && { request: of.request }) };
  return (
    <details className={css.data}>
      <summary>{line ? visible(line) : `Record ${of.sequence}`}</summary>
      <pre tabIndex={0} aria-label={`Record ${of.sequence}`}>{visible(JSON.stringify(more, null, 2))}</pre>
    </details>
  );
}

/** Brings the whole log as a file. That it was taken is recorded, too. */
function Export() {
  const say = useSay();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const take = async () => {
    setBusy(true);
    try {
      const response = await call('/api/audit/export', { method: 'POST', headers: { 'Idempotency-Key': once() } });
      const address = URL.createObjectURL(await response.blob());
      const link = document.createElement('a');
      link.href = address;
      link.download = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? 'audit.jsonl';
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      say.done(`The log is in ${link.download}`);
      await client.invalidateQueries({ queryKey: ['audit'] });
    } catch (e) {
      say.failed(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button leftSection={<IconDownload size={16} aria-hidden />} loading={busy} onClick={() => void take()}>
      Export
    </Button>
  );
}
