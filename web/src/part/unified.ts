/** One line of a difference. old and now are its numbers on either side; 0 where it is not. */
export interface DiffLine {
  kind: 'same' | 'gone' | 'came';
  old: number;
  now: number;
  text: string;
}

/** A file of a difference. */
export interface DiffFile {
  name: string;
  hunks: DiffLine[][];
  came: number;
  gone: number;
}

/** Reads a unified difference of several files. Lines that belong to none are left out. */
export function readDiff(diff: string): DiffFile[] {
  const files: DiffFile[] = [];
  let file: DiffFile | undefined;
  let hunk: DiffLine[] | undefined;
  let old = 0;
  let now = 0;
  let oldLeft = 0;
  let nowLeft = 0;
  const lines = diff.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (hunk && file && (oldLeft > 0 || nowLeft > 0)) {
      const text = line.slice(1);
      if (line[0] === '-') {
        hunk.push({ kind: 'gone', old: old++, now: 0, text });
        oldLeft--;
        file.gone++;
      } else if (line[0] === '+') {
        hunk.push({ kind: 'came', old: 0, now: now++, text });
        nowLeft--;
        file.came++;
      } else if (line[0] === ' ' || line === '') {
        hunk.push({ kind: 'same', old: old++, now: now++, text });
        oldLeft--;
        nowLeft--;
      } // "\ No newline at end of file" is nothing to show
      continue;
    }
    if (line.startsWith('--- ') && lines[i + 1]?.startsWith('+++ ')) {
      const [from, to] = [name(line), name(lines[i + 1]!)];
      file = { name: to === '/dev/null' ? from : to, hunks: [], came: 0, gone: 0 };
      files.push(file);
      hunk = undefined;
      i++;
      continue;
    }
    const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (head && file) {
      [old, oldLeft, now, nowLeft] = [Number(head[1]), Number(head[2] ?? 1), Number(head[3]), Number(head[4] ?? 1)];
      hunk = [];
      file.hunks.push(hunk);
    }
  }
  return files;
}

const name = (line: string) => line.slice(4).replace(/\t.*$/, '').replace(/^[ab]\//, '');

/** The part in the middle in which two lines differ, as where it begins and how long it is in each; undefined when they have too little in common. */
export function changed(a: string, b: string): { from: number; a: number; b: number } | undefined {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  // Whole words: what stands between the middles of two words says nothing.
  const inWord = (text: string, at: number) => /[\p{L}\p{N}_]/u.test(text[at] ?? '');
  const [aEnd, bEnd] = [a.length - tail, b.length - tail];
  const cutsHead = inWord(a, head - 1) && ((head < aEnd && inWord(a, head)) || (head < bEnd && inWord(b, head)));
  const cutsTail = inWord(a, aEnd) && ((head < aEnd && inWord(a, aEnd - 1)) || (head < bEnd && inWord(b, bEnd - 1)));
  if (cutsHead) while (inWord(a, head - 1)) head--;
  if (cutsTail) while (tail > 0 && inWord(a, a.length - tail)) tail--;
  const common = a.slice(0, head).trim().length + a.slice(a.length - tail).trim().length;
  if (common * 3 < Math.max(a.trim().length, b.trim().length)) return undefined;
  return { from: head, a: a.length - head - tail, b: b.length - head - tail };
}
