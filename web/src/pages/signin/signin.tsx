import { useState } from 'react';
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { send } from '../../api/http.ts';
import { asProblem } from '../../api/problem.ts';
import { useSearch } from '../../app/address.ts';
import { Mark } from '../../app/mark.tsx';
import { arrive } from './arrive.ts';
import css from './signin.module.css';

/** Signing in: by a one-time link. */
export default function SignIn() {
  const [search] = useSearch();
  const client = useQueryClient();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const ticket = search.ticket;

  async function redeem() {
    setBusy(true);
    setProblem('');
    try {
      await send('POST', '/api/session/link', { ticket });
      client.clear();
      arrive(search.next);
    } catch (thrown) {
      setProblem(asProblem(thrown).message);
      setBusy(false);
    }
  }

  return (
    <main className={css.place}>
      <div className={css.box}>
        <div className={css.brand}>
          <Mark size={28} /> Plumbline
        </div>
        <h1>Sign in</h1>
        {ticket ? (
          <>
            <p className={css.about}>This link signs you in once. Press the button to use it here.</p>
            <Button fullWidth loading={busy} onClick={() => void redeem()}>
              Sign in with this link
            </Button>
          </>
        ) : (
          <p className={css.about}>
            Ask an administrator for a link. On the server itself, <code>plumbline admin-link</code> prints one.
          </p>
        )}
        {problem && (
          <p className={css.problem} role="alert">
            {problem}
          </p>
        )}
      </div>
    </main>
  );
}
