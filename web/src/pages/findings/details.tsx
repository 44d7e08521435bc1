import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/http.ts';
import type { Schema } from '../../api/types.ts';
import { To } from '../../app/link.tsx';
import { Code } from '../../part/code.tsx';
import { Name, visible } from '../../part/name.tsx';
import { Prose } from '../../part/prose.tsx';
import { Time, inFull } from '../../part/time.tsx';
import { quote } from '../../query/query.ts';
import { reasons, type Detail, type Happening, type Place } from './data.ts';
import css from './details.module.css';

/** What a finding says, why it says so, and what happened to it. */
export function Details({ f, search }: { f: Detail; search: (query: string) => void }) {
  const controls = [...new Set(f.controls.map((c) => c.framework))].map((k) => [k, f.controls.filter((c) => c.framework === k)] as const);
  const events = useQuery({
    queryKey: ['findings', 'events', f.id],
    queryFn: ({ signal }) => get<{ items: Happening[] }>(`/api/findings/${encodeURIComponent(f.id)}/events`, { limit: 100 }, signal),
  });
  const people = useQuery({
    queryKey: ['people', 'assignable'],
    queryFn: ({ signal }) => get<{ items: Schema<'Person'>[] }>('/api/people', { limit: 200 }, signal),
    enabled: events.data?.items.some((h) => h.kind === 'assigned') ?? false,
    staleTime: 300_000,
  });
  return (
    <div className={css.details}>
      <Part title="Where it is decided">
        {f.code.length > 0 && (
          <ol className={css.trail} aria-label="The way to the deciding line">
            {f.code.map((s, i) => (
              <li key={i}>
                <span className={css.step}>
                  <b>{visible(s.text ?? s.file)}</b>
                </span>
                <Code file={s.file} first={s.first} lines={s.lines} mark={[s.from, s.to]} tone="accent" />
              </li>
            ))}
            <li>
              <span className={css.step} data-last="">
                <b>{visible(f.address)}</b>
                {f.attribute && <code>{visible(f.attribute)}</code>}
              </span>
              <Deciding f={f} />
            </li>
          </ol>
        )}
        {f.code.length === 0 && <Deciding f={f} />}
      </Part>

      {f.waits.length > 0 && (
        <Part title="What would decide it">
          <ul className={css.plain}>
            {f.waits.map((w) => (
              <li key={w.name}>
                <code>{visible(w.name)}</code> <span className={css.dim}>({w.kind})</span> {w.place && <At {...w.place} />}
              </li>
            ))}
          </ul>
        </Part>
      )}

      {f.evidence.length > 0 && (
        <Part title="What was seen">
          <table className={css.evidence}>
            <tbody>
              {f.evidence.map((e, i) => (
                <tr key={i}>
                  <th scope="row">{visible(e.path)}</th>
                  <td>
                    <code data-special={/^\((not set|unknown|sensitive)\)$/.test(e.value) ? '' : undefined}>{visible(e.value)}</code>
                    {e.from.map((p, k) => (
                      <span key={k} className={css.from}>
                        from {visible(p.text ?? '')} <At {...p} />
                      </span>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Part>
      )}

      <Part title="Why it matters">
        <Prose of={f.why} />
        <p className={css.rule}>
          Rule <To to={`/rules/${encodeURIComponent(f.rule)}`}>{f.rule}</To>
        </p>
      </Part>

      {f.related.length > 0 && (
        <Part title="Related places">
          <ul className={css.plain}>
            {f.related.map((p, i) => (
              <li key={i}>
                {visible(p.text ?? '')} <At {...p} />
              </li>
            ))}
          </ul>
        </Part>
      )}

      <Part title="Facts">
        <dl className={css.facts}>
          <Fact name="Resource">
            <code>
              <Name of={f.address} />
            </code>
          </Fact>
          <Fact name="Type">{visible(f.resourceType)}</Fact>
          <Fact name="Unit">
            <code>{visible(f.unit)}</code>
            {f.variants.length > 0 && ` with ${visible(f.variants.join(', '))}`}
          </Fact>
          <Fact name="Dialect">
            {f.dialect}, {f.provider}
          </Fact>
          <Fact name="Category">{f.category}</Fact>
          {f.team && <Fact name="Team">{visible(f.team.name)}</Fact>}
          {f.introduced?.sha && (
            <Fact name="Introduced">
              <Time at={f.introduced.at} /> by {visible(f.introduced.author)} in <code>{f.introduced.sha.slice(0, 10)}</code>
            </Fact>
          )}
          {f.fixed?.sha && (
            <Fact name="Fixed">
              <Time at={f.fixed.at} /> by {visible(f.fixed.author)} in <code>{f.fixed.sha.slice(0, 10)}</code>
            </Fact>
          )}
          <Fact name="Branches">
            {f.presence.map((p) => (
              <span key={p.branch} className={css.branch} data-state={p.status} title={p.sinceAt && `${p.status} since ${inFull(p.sinceAt)}`}>
                {visible(p.branch)}
              </span>
            ))}
          </Fact>
          {f.controls.length > 0 && (
            <Fact name="Controls">
              {controls.map(([framework, items]) => (
                <div key={framework}>
                  <button type="button" className={css.control} onClick={() => search(`status:open framework:${quote(framework)}`)}>
                    {items[0]!.name}
                  </button>{' '}
                  {items.map((c) => (
                    <span key={c.control} className={css.item} title={visible(c.title)}>
                      {c.control}
                    </span>
                  ))}
                </div>
              ))}
            </Fact>
          )}
        </dl>
      </Part>

      <Part title="What happened">
        <ol className={css.timeline}>
          {events.data?.items.map((h) => (
            <li key={h.id} data-kind={h.kind}>
              <div>
                <Said h={h} people={people.data?.items ?? []} /> <span className={css.dim}>
                  <Time at={h.at} />
                </span>
              </div>
              {textOf(h) && <p>{visible(textOf(h))}</p>}
            </li>
          ))}
        </ol>
      </Part>
    </div>
  );
}

/** What somebody wrote with an event. */
const textOf = (h: Happening) => String(h.data.comment ?? h.data.text ?? '');

const words: Record<string, string> = {
  opened: 'Found',
  fixed: 'Fixed',
  reopened: 'Found again',
  moved: 'Moved',
  muted: 'muted it',
  restored: 'opened it again',
  expired: 'The mute ended',
  assigned: 'assigned it to',
  commented: 'commented',
  severity: 'Severity changed',
};

function Said({ h, people }: { h: Happening; people: Schema<'Person'>[] }) {
  // Who it is assigned to is an id, of which the name may have changed since.
  const assigned = people.find((p) => p.id === h.data.to);
  return (
    <>
      {h.actor && <b>{visible(h.actor)} </b>}
      {words[h.kind] ?? h.kind}
      {h.kind === 'assigned' && <b> {assigned ? visible(assigned.name || assigned.email) : h.data.to && h.data.to !== '0' ? 'somebody' : 'nobody'}</b>}
      {h.kind === 'muted' && typeof h.data.reason === 'string' && <> ({reasons.find((r) => r.value === h.data.reason)?.label.toLowerCase() ?? h.data.reason})</>}
      {h.branch && <> on {visible(h.branch)}</>}
      {h.sha && (
        <>
          {' '}
          in <code>{h.sha.slice(0, 10)}</code>
        </>
      )}
    </>
  );
}

/** The line that decided, or why it is not shown. */
function Deciding({ f }: { f: Detail }) {
  const e = f.excerpt;
  if (e) return <Code file={e.file} first={e.first} lines={e.lines} mark={[e.from, e.to]} note={visible(f.message)} />;
  return (
    <p className={css.dim}>
      {f.secret
        ? 'The code is not shown because it holds a secret.'
        : f.kept
          ? 'There is no code to show here.'
          : 'The details of this finding are not kept any more. They are there again when the repository is scanned.'}
    </p>
  );
}

function At({ file, line }: Pick<Place, 'file' | 'line'>) {
  if (!file) return null;
  return (
    <span className={css.at}>
      <Name of={file} />
      {line > 0 && `:${line}`}
    </span>
  );
}

/** A part of the panel with its title. */
export function Part({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section className={css.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
