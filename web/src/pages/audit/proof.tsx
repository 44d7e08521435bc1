import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import { asProblem } from '../../api/problem.ts';
import { Tag } from '../../part/badge.tsx';
import { Copy } from '../../part/code.tsx';
import { Name } from '../../part/name.tsx';
import { Card, Skeleton } from '../../part/page.tsx';
import { count, many, Time } from '../../part/time.tsx';
import { checkpointOf, quoted, type AuditLog } from './share.ts';
import css from './audit.module.css';

/** The newest checkpoint, who has seen it, and how to prove an export with it. */
export function Proof() {
  const log = useQuery({ queryKey: ['audit', 'log'], queryFn: ({ signal }) => get<AuditLog>('/api/audit/log', undefined, signal) });
  const about = 'Every change is a record in a Merkle tree that only grows. A checkpoint signs all of it: keep some outside of this server.';
  if (log.error)
    return (
      <Card title="Checkpoint" about={about}>
        <p className={css.quiet}>{asProblem(log.error).message}</p>
      </Card>
    );
  if (!log.data)
    return (
      <Card title="Checkpoint" about={about}>
        <Skeleton lines={5} />
      </Card>
    );
  const { key, checkpoint, size, witnesses } = log.data;
  const c = checkpointOf(checkpoint);
  return (
    <div className={css.proof}>
      <Card title="Checkpoint" about={about} actions={<Copy text={checkpoint} label="Copy the signed checkpoint" />}>
        <dl className={css.facts}>
          <dt>Size</dt>
          <dd>{many(size, 'record')}</dd>
          <dt>Root</dt>
          <dd className={css.mono}>{c ? <Name of={c.root} /> : 'none yet'}</dd>
          <dt>Signed by</dt>
          <dd className={css.mono}>{c?.signers.map((s, i) => <div key={i}><Name of={s} /></div>)}</dd>
          <dt>Witnesses</dt>
          <dd>
            {witnesses.length === 0 && 'None: start the server with --audit-witness so that others sign what they saw.'}
            {witnesses.map((w) => (
              <div key={w.name} className={css.witness}>
                <Tag tone={w.problem ? 'bad' : w.size < size ? 'warn' : 'good'}>{w.problem ? 'Failed' : w.size < size ? `${count(size - w.size)} behind` : 'Up to date'}</Tag>
                <Name of={w.name} /> <Time at={w.at} />
                {w.problem && <div className={css.quiet}>{w.problem}</div>}
              </div>
            ))}
          </dd>
        </dl>
      </Card>
      <Card title="Verify offline" about="Export the log and prove it on another machine: nothing else is needed, no server and no network. With the key that you wrote down and a checkpoint that you kept, not even the operator of this server can have changed, removed or added a past record.">
        <Commands
          lines={[
            'plumbline audit checkpoint > kept.txt   # on the server, now and then',
            'plumbline audit export log.jsonl        # or the button above',
            `plumbline audit verify log.jsonl --key ${quoted(key)} --checkpoint kept.txt`,
          ]}
        />
      </Card>
    </div>
  );
}

function Commands({ lines }: { lines: string[] }) {
  return (
    <div className={css.commands}>
      <pre tabIndex={0} aria-label="Commands">
        <code>{lines.join('\n')}</code>
      </pre>
      <Copy text={lines.join('\n')} label="Copy the commands" />
    </div>
  );
}
