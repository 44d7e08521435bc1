import { useQuery } from '@tanstack/react-query';
import { get } from '../api/http.ts';
import { asProblem } from '../api/problem.ts';
import type { Schema } from '../api/types.ts';
import { To } from '../app/link.tsx';
import { Code } from './code.tsx';
import { Name } from './name.tsx';
import { Skeleton } from './page.tsx';

/** A file of the default branch, as its last scan read it. */
export function useSource(repository: string, file: string) {
  return useQuery({
    queryKey: ['repositories', repository, 'file', file],
    queryFn: async ({ signal }) => {
      const { defaultBranch } = await get<Schema<'Repository'>>(`/api/repositories/${repository}`, undefined, signal);
      return get<Schema<'FileOutputBody'>>(`/api/repositories/${repository}/file`, { ref: defaultBranch, path: file }, signal);
    },
    staleTime: 60_000,
  });
}

interface Props {
  /** Its id. */
  repository: string;
  file: string;
  line: number;
}

/** A place in the code of a repository: a link to the file with the line in sight. */
export function Place({ repository, file, line }: Props) {
  return (
    <To to={`/repositories/${repository}`} search={{ tab: 'code', file, line: String(line) }}>
      <Name of={line > 0 ? `${file}:${line}` : file} />
    </To>
  );
}

/** The lines around a place, and a way to the whole file. Uploads come without code: then there is only the name of the place. */
export function Source({ repository, file, line }: Props) {
  const source = useSource(repository, file);
  if (source.isPending) return <Skeleton lines={5} />;
  if (source.error) return <p>{asProblem(source.error).status === 404 ? <Name of={`${file}:${line}`} /> : asProblem(source.error).message}</p>;
  const first = Math.max(1, line - 2);
  const lines = source.data.lines.slice(first - 1, line + 12);
  return (
    <div>
      {lines.length > 0 && <Code file={file} first={first} lines={lines} mark={[line, line]} tone="accent" />}
      <p style={{ marginTop: 4 }}>
        <Place repository={repository} file={file} line={line} />
      </p>
    </div>
  );
}
