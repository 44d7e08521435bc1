import type { KeyboardEvent, ReactNode } from 'react';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import css from './table.module.css';

/** A column of a table of T. */
export interface Column<T> {
  key: string;
  title: ReactNode;
  cell: (row: T) => ReactNode;
  /** Numbers stand at the end. */
  end?: boolean;
  /** True when sort may name it. */
  sortable?: boolean;
  /** Left out on a phone. */
  spare?: boolean;
}

interface Props<T> {
  /** What the table is, for those who do not see it. */
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  /** "title" or "-title" (the largest first). */
  sort?: string;
  onSort?: (sort: string) => void;
  /** Makes rows things to press. A row should hold a link too, for opening in a new tab. */
  onOpen?: (row: T) => void;
  /** Shown in place of rows when there are none. */
  empty?: ReactNode;
}

/** A plain table for tens or hundreds of rows; the explorer has its own for millions. */
export function Table<T>({ label, columns, rows, id, sort, onSort, onOpen, empty }: Props<T>) {
  if (rows.length === 0 && empty) return empty;
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={css.table}>
        <thead>
          <tr>
            {columns.map((c) => {
              const down = sort === `-${c.key}`;
              const up = sort === c.key;
              return (
                <th key={c.key} scope="col" data-end={c.end ? '' : undefined} data-spare={c.spare ? '' : undefined} aria-sort={up ? 'ascending' : down ? 'descending' : undefined}>
                  {c.sortable && onSort ? (
                    <button type="button" onClick={() => onSort(down ? c.key : `-${c.key}`)}>
                      {c.title}
                      {up && <IconArrowUp size={13} aria-hidden />}
                      {down && <IconArrowDown size={13} aria-hidden />}
                    </button>
                  ) : (
                    c.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={id(row)}
              {...(onOpen && {
                tabIndex: 0,
                'data-open': '',
                onClick: (e: React.MouseEvent) => {
                  if (!(e.target as HTMLElement).closest('a, button, input, label')) onOpen(row);
                },
                onKeyDown: (e: KeyboardEvent) => {
                  if (e.key === 'Enter' && e.target === e.currentTarget) onOpen(row);
                },
              })}
            >
              {columns.map((c) => (
                <td key={c.key} data-end={c.end ? '' : undefined} data-spare={c.spare ? '' : undefined}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
