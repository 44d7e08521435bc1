import { useEffect, useRef } from 'react';
import { IconFileCode } from '@tabler/icons-react';
import { Failure } from '../../app/boundary.tsx';
import { useSearch } from '../../app/address.ts';
import { Code } from '../../part/code.tsx';
import { Empty } from '../../part/empty.tsx';
import { Skeleton } from '../../part/page.tsx';
import { useSource } from '../../part/source.tsx';
import { short, type Repository } from './share.ts';
import css from './repositories.module.css';

/** A file of the default branch, as it was scanned; lines that hold secrets are hidden by the server. */
export function File({ repository: r }: { repository: Repository }) {
  const [search] = useSearch();
  const source = useSource(r.id, search.file ?? '');
  const line = Number(search.line) || 0;
  const box = useRef<HTMLDivElement>(null);
  const there = source.data !== undefined;
  useEffect(() => {
    if (there) box.current?.querySelector('[data-marked]')?.scrollIntoView({ block: 'center' });
  }, [there, line, search.file]);
  if (source.error) return <Failure error={source.error} again={() => void source.refetch()} />;
  if (!source.data) return <Skeleton lines={12} />;
  if (source.data.binary) {
    return (
      <Empty icon={IconFileCode} title="No text">
        <p>This file is binary: there are no lines to show.</p>
      </Empty>
    );
  }
  return (
    <div ref={box} className={css.source}>
      <Code file={source.data.path} first={1} lines={source.data.lines} mark={line > 0 ? [line, line] : undefined} tone="accent" label={`commit ${short(source.data.commit)}`} />
    </div>
  );
}
