import { useState } from 'react';
import { Button, Modal } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { useSay } from '../../app/toasts.tsx';
import { count, many } from '../../part/time.tsx';
import { Underway } from './underway.tsx';
import { reasons, type Action, type Target, type Triaged } from './data.ts';
import css from './actions.module.css';

/** What somebody is about to do, and to what; n is how many findings that are. */
export interface Intent {
  kind: Action['kind'];
  target: Target;
  n: number;
}

const said: Record<Action['kind'], string> = { mute: 'Muted', restore: 'Opened again', assign: 'Assigned', comment: 'Commented on' };

/** A way to do something to findings: it says what was done, offers to undo it, and has everything read again. */
export function useAct(): (target: Target, action: Action) => Promise<boolean> {
  const client = useQueryClient();
  const say = useSay();
  const again = () => client.invalidateQueries({ queryKey: ['findings'] });
  return async (target, action) => {
    try {
      const { kind, ...how } = action;
      if (kind === 'comment') {
        // A comment belongs to one finding, and what was said stays said.
        const ids = 'ids' in target ? target.ids : [];
        for (const id of ids) await send('POST', `/api/findings/${encodeURIComponent(id)}/comments`, { text: action.comment });
        await again();
        say.done(`${said.comment} ${many(ids.length, 'finding')}`);
        return true;
      }
      const { changed, skipped, undo, change } = await send<Triaged>('POST', `/api/findings/${kind}`, { ...target, ...how });
      if (change) {
        // Too many for one answer: they are changed one after the other, and the message says how far it is.
        say.going(<Underway id={change} />);
        return true;
      }
      await again();
      say.done(
        `${said[action.kind]} ${many(changed, 'finding')}${skipped > 0 ? `, ${count(skipped)} left as they were` : ''}`,
        undo
          ? async () => {
              await send('POST', '/api/findings/undo', { undo });
              await again();
            }
          : undefined,
      );
      return true;
    } catch (e) {
      say.failed(e);
      return false;
    }
  };
}

const day = 86_400_000;
const spans = [
  { value: '', label: 'For good' },
  { value: '7', label: 'For a week' },
  { value: '30', label: 'For 30 days' },
  { value: '90', label: 'For 90 days' },
  { value: 'date', label: 'Until…' },
];

const titles: Record<Action['kind'], (n: string) => string> = {
  mute: (n) => `Mute ${n}`,
  restore: (n) => `Open ${n} again`,
  assign: (n) => `Assign ${n}`,
  comment: (n) => `Comment on ${n}`,
};

/** Asks for the reason, the comment and the end of what somebody is about to do. */
export function Decide({ intent, close, done }: { intent: Intent | undefined; close: () => void; done?: () => void }) {
  return (
    <Modal
      opened={intent !== undefined}
      onClose={close}
      title={intent && titles[intent.kind](intent.n === 1 ? 'this finding' : `${count(intent.n)} findings`)}
      size="md"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {intent && <Form key={JSON.stringify(intent.target)} intent={intent} close={close} done={done} />}
    </Modal>
  );
}

function Form({ intent, close, done }: { intent: Intent; close: () => void; done?: () => void }) {
  const act = useAct();
  const [reason, setReason] = useState('false-positive');
  const [comment, setComment] = useState('');
  const [span, setSpan] = useState('');
  const [date, setDate] = useState('');
  const [assignee, setAssignee] = useState('');
  const [busy, setBusy] = useState(false);
  const people = useQuery({
    queryKey: ['people', 'assignable'],
    queryFn: ({ signal }) => get<{ items: Schema<'Person'>[] }>('/api/people', { limit: 200 }, signal),
    enabled: intent.kind === 'assign',
  });
  // The end of a day is the person's own: what is muted until Friday is muted all Friday.
  const until = span === '' ? undefined : span === 'date' ? (date ? new Date(`${date}T23:59:59`).toISOString() : undefined) : new Date(Date.now() + Number(span) * day).toISOString();
  const missing =
    intent.kind === 'comment' && comment.trim() === ''
      ? 'A comment needs words.'
      : intent.kind === 'mute' && reason === 'other' && comment.trim() === ''
        ? 'Say why in the comment.'
        : intent.kind === 'mute' && span === 'date' && !until
          ? 'Choose a day.'
          : '';
  const action = (): Action =>
    intent.kind === 'mute'
      ? { kind: 'mute', reason, comment: comment.trim(), until }
      : intent.kind === 'assign'
        ? { kind: 'assign', assignee: assignee || undefined }
        : { kind: intent.kind, comment: comment.trim() };

  return (
    <form
      className={css.form}
      onSubmit={(e) => {
        e.preventDefault();
        if (missing || busy) return;
        setBusy(true);
        void act(intent.target, action()).then((ok) => {
          setBusy(false);
          if (ok) {
            close();
            done?.();
          }
        });
      }}
    >
      {intent.kind === 'mute' && (
        <fieldset className={css.reasons}>
          <legend>Why</legend>
          {reasons.map((r) => (
            <label key={r.value} data-chosen={reason === r.value ? '' : undefined}>
              <input type="radio" name="reason" value={r.value} checked={reason === r.value} onChange={() => setReason(r.value)} />
              <span>
                <b>{r.label}</b>
                <span>{r.means}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {intent.kind === 'assign' && (
        <label className={css.field}>
          To
          <select value={assignee} onChange={(e) => setAssignee(e.target.value)} data-autofocus>
            <option value="">Nobody</option>
            {people.data?.items.map((p) => (
              <option key={p.id} value={p.id}>
                {p.name || p.email}
              </option>
            ))}
          </select>
        </label>
      )}
      {intent.kind !== 'assign' && (
        <label className={css.field}>
          {intent.kind === 'comment' ? 'Comment' : 'Comment, for those who look later'}
          <textarea
            rows={3}
            maxLength={4000}
            value={comment}
            data-autofocus={intent.kind === 'comment' ? '' : undefined}
            onChange={(e) => setComment(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form?.requestSubmit();
            }}
          />
        </label>
      )}
      {intent.kind === 'mute' && (
        <div className={css.field}>
          <span id="until">How long</span>
          <div className={css.spans} role="group" aria-labelledby="until">
            {spans.map((s) => (
              <button key={s.value} type="button" aria-pressed={span === s.value} onClick={() => setSpan(s.value)}>
                {s.label}
              </button>
            ))}
          </div>
          {span === 'date' && <input type="date" aria-label="Until the end of" value={date} min={new Date().toISOString().slice(0, 10)} onChange={(e) => setDate(e.target.value)} />}
        </div>
      )}
      <div className={css.buttons}>
        <span className={css.missing} role="status">
          {missing}
        </span>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" loading={busy} disabled={missing !== ''}>
          {{ mute: 'Mute', restore: 'Open again', assign: 'Assign', comment: 'Comment' }[intent.kind]}
        </Button>
      </div>
    </form>
  );
}
