import { describe, expect, it } from 'vitest';
import { changed, readDiff } from './unified.ts';

const two = `--- a/dev.tfvars
+++ b/dev.tfvars
@@ -2,3 +2,3 @@ anything
 instance_count     = 1
-database_encrypted = false
+database_encrypted = true

\\ No newline at end of file
--- /dev/null
+++ b/new/keys.tf
@@ -0,0 +1,2 @@
+--- not a header
++++ nor this
`;

describe('readDiff', () => {
  it('reads files, hunks and numbers', () => {
    expect(readDiff(two)).toEqual([
      {
        name: 'dev.tfvars',
        came: 1,
        gone: 1,
        hunks: [
          [
            { kind: 'same', old: 2, now: 2, text: 'instance_count     = 1' },
            { kind: 'gone', old: 3, now: 0, text: 'database_encrypted = false' },
            { kind: 'came', old: 0, now: 3, text: 'database_encrypted = true' },
            { kind: 'same', old: 4, now: 4, text: '' },
          ],
        ],
      },
      {
        name: 'new/keys.tf',
        came: 2,
        gone: 0,
        hunks: [
          [
            { kind: 'came', old: 0, now: 1, text: '--- not a header' },
            { kind: 'came', old: 0, now: 2, text: '+++ nor this' },
          ],
        ],
      },
    ]);
  });
  it.each(['', 'nonsense', '@@ -1 +1 @@\n-a', '--- a/x'])('%j has no lines', (d) => expect(readDiff(d).flatMap((f) => f.hunks.flat())).toEqual([]));
  it('names a file that goes', () => expect(readDiff('--- a/old.tf\n+++ /dev/null\n@@ -1 +0,0 @@\n-x').map((f) => [f.name, f.gone])).toEqual([['old.tf', 1]]));
});

describe('changed', () => {
  it.each([
    ['acl = "public"', 'acl = "private"', { from: 7, a: 6, b: 7 }],
    ['x = false', 'x = true', { from: 4, a: 5, b: 4 }],
    ['x = 1', 'x = 12', { from: 4, a: 1, b: 2 }],
    ['a = [one, two]', 'a = [one]', { from: 8, a: 5, b: 0 }],
    ['same', 'same', { from: 4, a: 0, b: 0 }],
    ['abc', 'xyz', undefined],
  ])('%s → %s', (a, b, want) => expect(changed(a, b)).toEqual(want));
});
