import { expect, test } from 'vitest';
import { box, fits, place, type Node } from './layout.ts';

const node = (id: string, more: Partial<Node> = {}): Node => ({ id, label: id, type: 'aws_x', tier: 'other', repository: { id: '1', name: 'shop' }, unit: 'live', variant: '', file: '', line: 1, count: 1, open: 0, query: '', exposed: '', path: false, maybe: false, ...more });
const edge = (from: string, to: string) => ({ from, to, label: '', path: false, maybe: false });

test('what refers stands left of what it refers to, and no box covers another', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => node(id));
  const at = place(nodes, [edge('a', 'b'), edge('b', 'c'), edge('a', 'gone')]);
  expect(at.get('a')!.x).toBeLessThan(at.get('b')!.x);
  expect(at.get('b')!.x).toBeLessThan(at.get('c')!.x);
  const boxes = [...at.values()];
  expect(boxes.length).toBe(5);
  for (const p of boxes) for (const q of boxes) if (p !== q) expect(Math.abs(p.x - q.x) >= box.width || Math.abs(p.y - q.y) >= box.height).toBe(true);
});

test('a circle is placed too', () => {
  expect(place([node('a'), node('b')], [edge('a', 'b'), edge('b', 'a')]).size).toBe(2);
});

test('searching', () => {
  const n = node('aws_s3_bucket.logs', { type: 'aws_s3_bucket' });
  expect([fits(n, ''), fits(n, 'BUCKET live'), fits(n, 'shop logs'), fits(n, 'vpc')]).toEqual([true, true, true, false]);
});
