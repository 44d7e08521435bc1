import { useState } from 'react';
import { Button, Modal, NativeSelect, SegmentedControl, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { get, send } from '../../api/http.ts';
import { useSay } from '../../app/toasts.tsx';
import { severities } from '../../part/badge.tsx';
import { Skeleton } from '../../part/page.tsx';
import { count, many } from '../../part/time.tsx';
import { words, type Decision, type RulePage } from './share.ts';
import css from './rules.module.css';

interface Count {
  severity: string;
  status: string;
  count: number;
}

interface Preview {
  now: Count[];
  after: Count[];
  changed: number;
  undecided: number;
  elsewhere: number;
}

interface Props {
  rule: RulePage;
  /** What the form begins with: a decision that is there, or nothing. */
  start: Partial<Decision>;
  onClose: () => void;
}

/** Switches a rule on or off or weighs it anew, and shows what that would change before it is done. */
export function Decide({ rule, start, onClose }: Props) {
  const client = useQueryClient();
  const say = useSay();
  const there = rule.decided.some((d) => d.id === start.id);
  const [where, setWhere] = useState(start.repositoryName ? `r:${start.repository}` : start.teamName ? `t:${start.team}` : '');
  const [what, setWhat] = useState(start.off ? 'off' : 'on');
  const [severity, setSeverity] = useState(start.severity ?? '');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const places = useQuery({
    queryKey: ['rules', 'places'],
    queryFn: ({ signal }) => get<{ organisation: boolean; teams: { id: string; name: string }[]; repositories: { id: string; name: string }[] }>('/api/rules/places', undefined, signal),
  });
  const options = [
    ...(places.data?.organisation ? [{ value: '', label: 'The organisation' }] : []),
    ...(places.data?.teams ?? []).map((t) => ({ value: `t:${t.id}`, label: `Team ${t.name}` })),
    ...(places.data?.repositories ?? []).map((r) => ({ value: `r:${r.id}`, label: `Repository ${r.name}` })),
  ];
  const chosen = options.some((o) => o.value === where) ? where : (options[0]?.value ?? '');
  const body = {
    ...(chosen.startsWith('t:') && { team: chosen.slice(2) }),
    ...(chosen.startsWith('r:') && { repository: chosen.slice(2) }),
    ...(what === 'inherit' ? { inherit: true } : { off: what === 'off', ...(what === 'on' && severity && { severity }) }),
  };
  const preview = useQuery({
    queryKey: ['rules', 'preview', rule.id, body],
    queryFn: () => send<Preview>('POST', `/api/rules/${encodeURIComponent(rule.id)}/preview`, body),
    enabled: places.isSuccess && options.length > 0,
  });
  const save = async () => {
    setBusy(true);
    try {
      const done = await send<{ changed: number }>('PUT', `/api/rules/${encodeURIComponent(rule.id)}/settings`, { ...body, reason });
      await Promise.all(['rules', 'findings', 'overview', 'compliance'].map((noun) => client.invalidateQueries({ queryKey: [noun] })));
      say.done(`Saved. ${many(done.changed, 'finding')} changed.`);
      onClose();
    } catch (e) {
      say.failed(e);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={`Decide about ${rule.id}`} lockScroll={false} size="lg">
      <div className={css.form}>
        <NativeSelect label="Where" value={chosen} data={options} onChange={(e) => setWhere(e.currentTarget.value)} />
        <SegmentedControl
          aria-label="What"
          value={what}
          onChange={setWhat}
          data={[
            { value: 'on', label: 'On' },
            { value: 'off', label: 'Off' },
            ...(there ? [{ value: 'inherit', label: 'As elsewhere' }] : []),
          ]}
        />
        {what === 'on' && (
          <NativeSelect
            label="Severity"
            value={severity}
            onChange={(e) => setSeverity(e.currentTarget.value)}
            data={[{ value: '', label: `As the rule says (${rule.severity || 'its own'})` }, ...['critical', 'high', 'medium', 'low', 'info'].map((s) => ({ value: s, label: words(s) }))]}
          />
        )}
        {what === 'off' && <p className={css.quiet}>The rule is still judged: its findings are muted with the reason rule-off, stay counted as that, and come back when the rule is on again.</p>}
        <div className={css.preview} aria-live="polite">
          {preview.error ? preview.error.message : preview.data ? <Change {...preview.data} /> : <Skeleton lines={3} />}
        </div>
        <Textarea label="Why" withAsterisk autosize minRows={2} maxLength={2000} value={reason} onChange={(e) => setReason(e.currentTarget.value)} placeholder="What others should know who meet this decision" />
        <div className={css.end}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={busy} disabled={reason.trim() === '' || !!preview.error} onClick={() => void save()}>
            Save
          </Button>
        </div>
      </div>
    </Modal>
  );
}

/** Counts now and after, one line for each that there is. */
function Change({ now, after, changed, undecided, elsewhere }: Preview) {
  const key = (c: Count) => `${words(c.severity)}, ${c.status}`;
  // The worst first, and of a severity what is open.
  const rank = (c: Count) => severities.indexOf(c.severity as never) * 10 + ['open', 'muted', 'fixed'].indexOf(c.status);
  const keys = [...new Set([...now, ...after].sort((a, b) => rank(a) - rank(b)).map(key))];
  const of = (list: Count[], k: string) => list.find((c) => key(c) === k)?.count ?? 0;
  const beside = [undecided > 0 && `${many(undecided, 'undecided finding')}`, elsewhere > 0 && `${many(elsewhere, 'finding')} that only other branches have`].filter(Boolean).join(' and ');
  if (keys.length === 0 && !beside) return <>The rule has no findings here. What it finds later is treated like this.</>;
  return (
    <>
    <table>
      <thead>
        <tr>
          <th scope="col">
            <strong>{changed === 0 ? 'No finding changes, on any branch' : `${many(changed, 'finding')} would change, on all branches`}</strong>
          </th>
          <th scope="col">Now</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {keys.map((k) => (
          <tr key={k}>
            <th scope="row">{k}</th>
            <td>{count(of(now, k))}</td>
            <td>{of(now, k) === of(after, k) ? count(of(after, k)) : <strong>{count(of(after, k))}</strong>}</td>
          </tr>
        ))}
      </tbody>
    </table>
    {beside && <p className={css.quiet}>The rows are fails on default branches. It is about {beside} too.</p>}
    </>
  );
}
