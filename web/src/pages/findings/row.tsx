import type { ReactNode } from 'react';
import { IconWand } from '@tabler/icons-react';
import { Severity, Status } from '../../part/badge.tsx';
import { tail, visible } from '../../part/name.tsx';
import { Time } from '../../part/time.tsx';
import type { Row } from './data.ts';
import { columns, type ColumnKey } from './state.ts';
import css from './list.module.css';

const cells: Record<ColumnKey, (f: Row) => ReactNode> = {
  status: (f) => <Status of={f.status} />,
  resource: (f) => (
    <span className={css.two}>
      <span className={css.mono} title={visible(f.address)}>
        {tail(f.address, 36)}
      </span>
      <small>{visible(f.resourceType)}</small>
    </span>
  ),
  place: (f) => (
    <span className={css.two}>
      <span>{visible(f.repository.name)}</span>
      <small className={css.mono} title={visible(f.file)}>
        {tail(f.file, 34)}
        {f.line > 0 && `:${f.line}`}
      </small>
    </span>
  ),
  team: (f) => visible(f.team?.name ?? ''),
  assignee: (f) => visible(f.assignee?.name ?? ''),
  first: (f) => <Time at={f.firstSeenAt} />,
  last: (f) => <Time at={f.lastSeenAt} />,
  category: (f) => f.category,
  provider: (f) => f.provider,
  dialect: (f) => f.dialect,
  author: (f) => visible(f.introduced?.author ?? ''),
};

/** The columns of the grid in the words of CSS. Narrow lists have the finding alone, with its place below it. */
export function template(chosen: ColumnKey[], narrow: boolean): string {
  if (narrow) return '34px 92px minmax(0, 1fr)';
  return ['34px', '92px', 'minmax(220px, 2.5fr)', ...columns.filter((c) => chosen.includes(c.key)).map((c) => c.width)].join(' ');
}

interface Props {
  finding: Row;
  columns: ColumnKey[];
  narrow: boolean;
  active: boolean;
  selected: boolean;
  onOpen: () => void;
  onSelect: (range: boolean) => void;
}

/** One finding in the list. */
export function FindingRow({ finding: f, columns: chosen, narrow, active, selected, onOpen, onSelect }: Props) {
  return (
    <div
      id={`finding-${f.id}`}
      role="row"
      className={css.row}
      data-finding={f.id}
      data-active={active ? '' : undefined}
      data-faded={f.status !== 'open' ? '' : undefined}
      aria-selected={selected}
      style={{ gridTemplateColumns: template(chosen, narrow) }}
      onClick={(e) => {
        if (!(e.target as HTMLElement).closest('input, label')) onOpen();
      }}
    >
      <div role="gridcell" className={css.check}>
        <label>
          <input
            type="checkbox"
            checked={selected}
            tabIndex={-1}
            aria-label={`Select ${visible(f.message)}`}
            onChange={() => undefined}
            onClick={(e) => onSelect(e.shiftKey)}
          />
        </label>
      </div>
      <div role="gridcell">
        <Severity of={f.severity} />
      </div>
      <div role="gridcell" className={css.finding}>
        <span className={css.message} title={visible(f.message)}>
          {f.outcome === 'undecided' && <i>Undecided: </i>}
          {visible(f.message)}
        </span>
        <small>
          {narrow ? (
            <>
              {visible(f.repository.name)} · <span className={css.mono}>{tail(f.file, 30)}</span>
            </>
          ) : (
            <span className={css.mono}>{f.rule}</span>
          )}
          {f.hasFix && (
            <span className={css.fix} title="There is a proved fix">
              <IconWand size={12} aria-hidden /> fix
            </span>
          )}
          {narrow && f.status !== 'open' && <span className={css.fix}>{f.status}</span>}
        </small>
      </div>
      {!narrow &&
        columns
          .filter((c) => chosen.includes(c.key))
          .map((c) => (
            <div key={c.key} role="gridcell" className={css.cell}>
              {cells[c.key](f)}
            </div>
          ))}
    </div>
  );
}
