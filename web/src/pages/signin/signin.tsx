import { useState, type FormEvent } from 'react';
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { asProblem } from '../../api/problem.ts';
import { useSearch } from '../../app/address.ts';
import { Mark } from '../../app/mark.tsx';
import { arrive, inside } from './arrive.ts';
import { canPasskey, enterPasskey } from './passkey.ts';
import css from './signin.module.css';

interface Methods {
  passwords: boolean;
  providers: { id: string; name: string }[];
}

/** What the server means by ?problem=… after a way through a provider. */
const problems: Record<string, string> = {
  refused: 'You were not let in: the provider does not vouch for your address, or no administrator has given you a role here.',
  again: 'That took too long, or was answered before. Begin again.',
  slow: 'Too many attempts. Wait a minute.',
  provider: 'The provider could not be asked, or its answer was not right. An administrator finds the reason in the log of the server.',
};

/** Signing in: by a one-time link, a provider, a passkey, or a password with the code of an app. */
export default function SignIn() {
  const [search] = useSearch();
  const client = useQueryClient();
  const methods = useQuery({ queryKey: ['signin-methods'], queryFn: ({ signal }) => get<Methods>('/api/session/methods', undefined, signal) });
  const [problem, setProblem] = useState(search.problem ? (problems[search.problem] ?? problems.provider!) : '');
  const [busy, setBusy] = useState('');
  const [typing, setTyping] = useState(false);
  const next = inside(search.next);

  async function by(way: string, enter: () => Promise<unknown>) {
    setBusy(way);
    setProblem('');
    try {
      await enter();
      client.clear();
      arrive(next);
    } catch (thrown) {
      const cancelled = thrown instanceof DOMException && thrown.name === 'NotAllowedError';
      setProblem(cancelled ? 'No passkey was chosen.' : asProblem(thrown).message);
      setBusy('');
    }
  }

  function password(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    void by('password', () => send('POST', '/api/session/password', { email: form.get('email'), password: form.get('password'), code: form.get('code') }));
  }

  return (
    <main className={css.place}>
      <div className={css.box}>
        <div className={css.brand}>
          <Mark size={28} /> Plumbline
        </div>
        <h1>Sign in</h1>
        {search.ticket ? (
          <>
            <p className={css.about}>This link signs you in once. Press the button to use it in this browser.</p>
            <Button fullWidth loading={busy === 'link'} onClick={() => void by('link', () => send('POST', '/api/session/link', { ticket: search.ticket }))}>
              Sign in with this link
            </Button>
          </>
        ) : (
          <div className={css.ways}>
            {methods.data?.providers.map((p) => (
              <Button key={p.id} component="a" fullWidth href={`/signin/provider/${p.id}?next=${encodeURIComponent(next)}`}>
                Continue with {p.name}
              </Button>
            ))}
            {canPasskey && (
              <Button fullWidth variant="default" leftSection={<IconFingerprint size={18} aria-hidden />} loading={busy === 'passkey'} onClick={() => void by('passkey', enterPasskey)}>
                Use a passkey
              </Button>
            )}
            {methods.data?.passwords && !typing && (
              <Button fullWidth variant="subtle" onClick={() => setTyping(true)}>
                Use a password
              </Button>
            )}
            {typing && (
              <form className={css.form} onSubmit={password}>
                <TextInput name="email" type="email" label="Address of mail" autoComplete="username" required autoFocus />
                <PasswordInput name="password" label="Password" autoComplete="current-password" required />
                <TextInput name="code" label="Code of the app" description="Or one of your recovery codes" autoComplete="one-time-code" required />
                <Button type="submit" fullWidth loading={busy === 'password'}>
                  Sign in
                </Button>
              </form>
            )}
          </div>
        )}
        {problem && (
          <p className={css.problem} role="alert">
            {problem}
          </p>
        )}
        <p className={css.help}>
          {search.ticket ? 'No use for the link?' : 'No way in?'} Ask an administrator for a {search.ticket && 'new '}link. On the server itself, <code>plumbline admin-link</code> prints one, with the <code>--data</code> or <code>--database</code> of the server.
        </p>
      </div>
    </main>
  );
}
