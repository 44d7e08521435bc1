import { useState, type FormEvent } from 'react';
import { Button, Modal, NativeSelect, PasswordInput, TextInput, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { send } from '../../api/http.ts';
import { asProblem } from '../../api/problem.ts';
import { useGo } from '../../app/address.ts';
import { useSay } from '../../app/toasts.tsx';
import { kindNames, kindsFor, type Repository } from './share.ts';
import css from './repositories.module.css';

/** What a person enters as a credential. */
export interface Secret {
  kind: string;
  user: string;
  secret: string;
}

/** What is sent of it; undefined for none. */
export function credentialOf(c: Secret) {
  return c.kind === 'none' ? undefined : { kind: c.kind, secret: c.secret, ...(c.user && c.kind !== 'ssh-key' && { user: c.user }) };
}

/** The fields of a credential that fits an address. */
export function CredentialFields({ address, value, onChange }: { address: string; value: Secret; onChange: (c: Secret) => void }) {
  const kinds = kindsFor(address);
  const kind = (kinds as string[]).includes(value.kind) ? value.kind : kinds[0]!;
  const set = (change: Partial<Secret>) => onChange({ ...value, kind, ...change });
  return (
    <>
      <NativeSelect
        label="Credential"
        description="Sealed on the server, given to git only while it fetches, and never shown again."
        value={kind}
        onChange={(e) => set({ kind: e.currentTarget.value, secret: '' })}
        data={kinds.map((k) => ({ value: k, label: k === 'none' && kinds[0] === 'ssh-key' ? 'None' : kindNames[k] }))}
      />
      {kind === 'password' && <TextInput label="User" required autoComplete="off" value={value.user} onChange={(e) => set({ user: e.currentTarget.value })} />}
      {(kind === 'token' || kind === 'password') && (
        <PasswordInput label={kind === 'token' ? 'Token' : 'Password'} description={kind === 'token' ? 'One that can read this repository and nothing else.' : undefined} required autoComplete="new-password" value={value.secret} onChange={(e) => set({ secret: e.currentTarget.value })} />
      )}
      {kind === 'ssh-key' && (
        <Textarea
          label="Private key"
          description="A deploy key without a passphrase: ssh-keygen -t ed25519 -N '' makes one."
          placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
          required
          rows={6}
          spellCheck={false}
          autoComplete="off"
          className={css.key}
          value={value.secret}
          onChange={(e) => set({ secret: e.currentTarget.value })}
        />
      )}
    </>
  );
}

/** Asks for the address of a repository and connects it. */
export function Add({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const go = useGo();
  const say = useSay();
  const [address, setAddress] = useState('');
  const [name, setName] = useState('');
  const [secret, setSecret] = useState<Secret>({ kind: '', user: '', secret: '' });
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setWrong('');
    const kinds = kindsFor(address);
    const kind = (kinds as string[]).includes(secret.kind) ? secret.kind : kinds[0]!;
    try {
      const made = await send<Repository>('POST', '/api/repositories', { address: address.trim(), ...(name.trim() && { name: name.trim() }), credential: credentialOf({ ...secret, kind }) });
      await client.invalidateQueries({ queryKey: ['repositories'] });
      say.done(address.trim() ? `${made.name} is connected. Its first scan begins now.` : `${made.name} waits for its first upload.`);
      go(`/repositories/${made.id}`);
    } catch (thrown) {
      setWrong(asProblem(thrown).message);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title="Add a repository" lockScroll={false} size="lg">
      <form className={css.form} onSubmit={(e) => void save(e)}>
        <TextInput
          label="Address"
          description="As git takes it: https://host/path, git@host:path or ssh://git@host/path. Without a password in it."
          placeholder="https://github.com/acme/infrastructure"
          data-autofocus
          value={address}
          error={wrong || undefined}
          onChange={(e) => {
            setAddress(e.currentTarget.value);
            setWrong('');
          }}
        />
        <TextInput label="Name" description="Left empty it is made of the address. It stands in queries: repo:acme/infrastructure." value={name} onChange={(e) => setName(e.currentTarget.value)} />
        {address.trim() !== '' && <CredentialFields address={address} value={secret} onChange={setSecret} />}
        <div className={css.buttons}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={address.trim() === '' && name.trim() === ''}>
            {address.trim() === '' && name.trim() !== '' ? 'Add for uploads' : 'Connect and scan'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
