import { expect, test } from 'vitest';
import { place } from './layout.ts';
import { box, fits, reachable, type Node } from './share.ts';

const node = (id: string, more: Partial<Node> = {}): Node => ({ id, label: id, type: 'aws_x', tier: 'other', repository: { id: '1', name: 'shop' }, unit: 'live', variant: '', file: '', line: 1, count: 1, open: 0, query: '', exposed: '', path: false, maybe: false, ...more });
const edge = (from: string, to: string) => ({ from, to, label: '', path: false, maybe: false });

test('what refers stands left of what it refers to, and no box covers another', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => node(id));
  const { at } = place(nodes, [edge('a', 'b'), edge('b', 'c'), edge('d', 'e'), edge('a', 'gone'), edge('f', 'f')]);
  expect(at.get('a')!.x).toBeLessThan(at.get('b')!.x);
  expect(at.get('b')!.x).toBeLessThan(at.get('c')!.x);
  const boxes = [...at.values()];
  expect(boxes.length).toBe(6);
  for (const p of boxes) for (const q of boxes) if (p !== q) expect(Math.abs(p.x - q.x) >= box.width || Math.abs(p.y - q.y) >= box.height).toBe(true);
});

test('a directory with one set of inputs is an area, and holds its boxes and no other', () => {
  const nodes = [node('a', { variant: 'dev' }), node('b', { variant: 'prod' }), node('c', { variant: 'prod' }), node('d', { unit: '.', repository: { id: '2', name: 'ferry' } })];
  const { at, areas } = place(nodes, [edge('b', 'c'), edge('a', 'b')]);
  expect(areas.map((a) => a.title).sort()).toEqual(['ferry', 'shop · live · dev', 'shop · live · prod']);
  for (const a of areas) {
    const held = nodes.filter((n) => {
      const p = at.get(n.id)!;
      return p.x >= a.x && p.y >= a.y && p.x + box.width <= a.x + a.width && p.y + box.height <= a.y + a.height;
    });
    expect(held.map((n) => n.id)).toEqual({ ferry: ['d'], 'shop · live · dev': ['a'], 'shop · live · prod': ['b', 'c'] }[a.title]);
  }
});

test('many small ones fill a window instead of a column', () => {
  const { areas } = place(Array.from({ length: 60 }, (_, i) => node(`n${i}`, { unit: `u${i}` })), []);
  const right = Math.max(...areas.map((a) => a.x + a.width));
  const bottom = Math.max(...areas.map((a) => a.y + a.height));
  expect(right / bottom).toBeGreaterThan(1);
  expect(right / bottom).toBeLessThan(3);
});

test('a circle is placed too', () => {
  expect(place([node('a'), node('b')], [edge('a', 'b'), edge('b', 'a')]).at.size).toBe(2);
});

test('searching', () => {
  const n = node('aws_s3_bucket.logs', { type: 'aws_s3_bucket' });
  expect([fits(n, ''), fits(n, 'BUCKET live'), fits(n, 'shop logs'), fits(n, 'vpc')]).toEqual([true, true, true, false]);
});

test('what can be reached stays, and the ways between', () => {
  const all = [node('a', { exposed: 'public', path: true }), node('b', { path: true }), node('c'), node('d', { exposed: 'open' })];
  const { nodes, edges } = reachable(all, [edge('a', 'b'), edge('b', 'c'), edge('c', 'd')]);
  expect(nodes.map((n) => n.id)).toEqual(['a', 'b', 'd']);
  expect(edges).toEqual([edge('a', 'b')]);
});
