import { expect, it } from 'vitest';
import { tokens } from './token.ts';

it.each([
  ['  acl = "public"', 'key:acl string:"public"'],
  ['privileged: true', 'key:privileged word:true'],
  ['- name: x # why', 'key:name comment:# why'],
  ['  - db:/var/lib/data', ''],
  ['cidr_ip: 0.0.0.0/0', 'key:cidr_ip'],
  ['resource "a" "b" {', 'word:resource string:"a" string:"b"'],
  ['url = "http://x" // y', 'key:url string:"http://x" comment:// y'],
  ['x == 1', 'number:1'],
  ['FROM alpine', 'word:FROM'],
])('%s', (line, want) => {
  const all = tokens(line);
  expect(all.map((t) => t.text).join('')).toBe(line);
  expect(all.filter((t) => t.kind).map((t) => `${t.kind}:${t.text}`).join(' ')).toBe(want);
});
