import { useState, type FormEvent } from 'react';
import { Button, TextInput, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { asProblem } from '../../api/problem.ts';
import { useMay } from '../../api/session.ts';
import type { Schema } from '../../api/types.ts';
import { useSearch } from '../../app/address.ts';
import { Failure } from '../../app/boundary.tsx';
import { useSay } from '../../app/toasts.tsx';
import { Tag } from '../../part/badge.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { CredentialFields, credentialOf, type Secret } from './add.tsx';
import { kindNames, sources, type Repository } from './share.ts';
import css from './repositories.module.css';

const tones: Record<string, 'info' | 'accent' | 'good'> = { organisation: 'info', repository: 'accent', file: 'good' };

/** What holds for scans of the repository and where each value comes from; its address, credential and end. */
export function Settings({ repository: r, gone }: { repository: Repository; gone: () => void }) {
  const may = useMay('repository:write');
  const [search, change] = useSearch();
  const client = useQueryClient();
  const say = useSay();
  const merged = useQuery({ queryKey: ['repositories', r.id, 'settings'], queryFn: ({ signal }) => get<Schema<'RepositorySettingsOutputBody'>>(`/api/repositories/${r.id}/settings`, undefined, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ['repositories'] });
  if (merged.error) return <Failure error={merged.error} again={() => void merged.refetch()} />;
  if (!merged.data) return <Skeleton lines={6} />;
  const { values, layers } = merged.data;
  const own = layers.find((l) => l.source === 'repository')?.text ?? '';
  return (
    <div className={css.tab}>
      <Card title="What holds" about="The repository’s own file wins over what is set here, and that over the organisation’s settings." flush>
        {values.length === 0 ? (
          <p className={css.pad}>{layers.some((l) => l.mistake) ? 'The settings that hold a mistake do not count: the defaults hold.' : 'Nothing is set anywhere: the defaults hold.'}</p>
        ) : (
          <ul className={css.rows}>
            {values.map((v, i) => (
              <li key={i} data-lost={v.counts ? undefined : ''}>
                <Tag tone={tones[v.source] ?? 'info'}>{sources[v.source]}</Tag>
                <span>
                  <code><Name of={v.key} /></code>: <code><Name of={v.value} /></code>
                  {!v.counts && <em> does not count: another place wins</em>}
                </span>
                {v.file && <code className={css.place}><Name of={`${v.file}:${v.line}`} /></code>}
              </li>
            ))}
          </ul>
        )}
        {layers
          .filter((l) => l.mistake)
          .map((l) => (
            <p key={l.source} className={css.problem}>
              <b>{sources[l.source]}</b> {l.mistake}
            </p>
          ))}
      </Card>
      {may && (
        <>
          <OwnSettings key={own} id={r.id} text={own} done={refresh} />
          <Fetching repository={r} done={refresh} />
          <Card title="Remove" about="The repository, its findings and their history go. The audit log keeps that it was here.">
            {search.remove ? (
              <RemoveForm
                name={r.name}
                back={() => change({ remove: undefined })}
                remove={async () => {
                  try {
                    await send('DELETE', `/api/repositories/${r.id}`);
                    say.done(`${r.name} was removed.`);
                    gone();
                    await refresh();
                  } catch (e) {
                    say.failed(e);
                  }
                }}
              />
            ) : (
              <Button variant="default" color="red" onClick={() => change({ remove: '1' })}>
                Remove {r.name}…
              </Button>
            )}
          </Card>
        </>
      )}
    </div>
  );
}

/** The settings of this repository that are kept on the server. */
function OwnSettings({ id, text, done }: { id: string; text: string; done: () => Promise<void> }) {
  const say = useSay();
  const [value, setValue] = useState(text);
  const [wrong, setWrong] = useState('');
  const save = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await send('PATCH', `/api/repositories/${id}`, { settings: value });
      setWrong('');
      say.done('Saved. It holds from the next scan on.');
      await done();
    } catch (thrown) {
      setWrong(asProblem(thrown).message);
    }
  };
  return (
    <Card title="Set here" about="YAML as in .plumbline.yaml.">
      <form className={css.form} onSubmit={(e) => void save(e)}>
        <Textarea aria-label="Settings" rows={8} spellCheck={false} className={css.key} placeholder={'threshold: medium\nrules:\n  aws-s3-unversioned: off'} value={value} error={wrong || undefined} onChange={(e) => setValue(e.currentTarget.value)} />
        <div className={css.buttons}>
          <Button type="submit" disabled={value === text}>
            Save
          </Button>
        </div>
      </form>
    </Card>
  );
}

/** Where the repository is fetched from, and with what. */
function Fetching({ repository: r, done }: { repository: Repository; done: () => Promise<void> }) {
  const say = useSay();
  const [name, setName] = useState(r.name);
  const [address, setAddress] = useState(r.address);
  const [branch, setBranch] = useState(r.defaultBranch);
  const [secret, setSecret] = useState<Secret | undefined>();
  const [wrong, setWrong] = useState('');
  const save = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await send('PATCH', `/api/repositories/${r.id}`, {
        ...(name !== r.name && { name }),
        ...(address !== r.address && { address }),
        ...(branch !== r.defaultBranch && { defaultBranch: branch }),
        ...(secret && { credential: credentialOf(secret) ?? { kind: 'none' } }),
      });
      setWrong('');
      setSecret(undefined);
      say.done('Saved.');
      await done();
    } catch (thrown) {
      setWrong(asProblem(thrown).message);
    }
  };
  const kept = r.credential ? kindNames[r.credential as keyof typeof kindNames] : 'None';
  return (
    <Card title="Where it comes from">
      <form className={css.form} onSubmit={(e) => void save(e)}>
        <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <TextInput label="Address" value={address} error={wrong || undefined} onChange={(e) => setAddress(e.currentTarget.value)} />
        <TextInput label="Default branch" description="Empty: the one that the host names." value={branch} onChange={(e) => setBranch(e.currentTarget.value)} />
        {secret ? (
          <CredentialFields address={address} value={secret} onChange={setSecret} />
        ) : (
          <p className={css.none}>
            Credential: {kept}.{' '}
            <button type="button" className={css.link} onClick={() => setSecret({ kind: r.credential || 'none', user: '', secret: '' })}>
              Change it
            </button>
          </p>
        )}
        <div className={css.buttons}>
          <Button type="submit" disabled={name === r.name && address === r.address && branch === r.defaultBranch && !secret}>
            Save
          </Button>
        </div>
      </form>
    </Card>
  );
}

/** Asks for the name before everything about it goes: this cannot be taken back. */
function RemoveForm({ name, back, remove }: { name: string; back: () => void; remove: () => Promise<void> }) {
  const [typed, setTyped] = useState('');
  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        if (typed === name) void remove();
      }}
    >
      <TextInput label={`This cannot be taken back. Type ${name} to go on.`} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} data-autofocus />
      <div className={css.buttons}>
        <Button variant="default" onClick={back}>
          Keep it
        </Button>
        <Button type="submit" color="red" disabled={typed !== name}>
          Remove
        </Button>
      </div>
    </form>
  );
}
