import dagre from '@dagrejs/dagre';
import { box, tiers, type Edge, type Node } from './share.ts';

/** Where a corner is, in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** A directory of a repository with one set of inputs: what is drawn together, with a title above it. */
export interface Area extends Point {
  id: string;
  title: string;
  width: number;
  height: number;
}

/** Where everything stands. */
export interface Layout {
  /** By id of the node. */
  at: Map<string, Point>;
  areas: Area[];
}

interface Block {
  width: number;
  height: number;
  at: Map<string, Point>;
}

const gap = 16;
const margin = 22;
const header = 46;
/** Between areas: room for their titles as they are written from afar. */
const between = 64;
/** How much wider than high a picture is, as windows are. */
const aspect = 1.7;

/**
 * Places nodes. What belongs to one directory and one set of inputs stands in one area. In it, what is connected is drawn from left to right
 * along references; what stands alone follows in rows, by tier. Areas stand side by side, so that the whole fits a window. The same graph is
 * placed the same way every time, and no box covers another one.
 */
export function place(nodes: Node[], edges: Edge[]): Layout {
  const byArea = new Map<string, Node[]>();
  for (const n of nodes) {
    const key = areaOf(n);
    byArea.set(key, [...(byArea.get(key) ?? []), n]);
  }
  const made = [...byArea].map(([id, list]) => {
    const block = inside(list, edges);
    return { id, title: titleOf(list[0]!), block: { width: block.width + 2 * margin, height: block.height + header + margin, at: block.at } };
  });
  made.sort((a, b) => b.block.height - a.block.height || a.title.localeCompare(b.title));
  const corners = shelves(made.map((m) => m.block), between);
  const out: Layout = { at: new Map(), areas: [] };
  made.forEach((m, i) => {
    const corner = corners[i]!;
    out.areas.push({ id: m.id, title: m.title, x: corner.x, y: corner.y, width: m.block.width, height: m.block.height });
    for (const [id, p] of m.block.at) out.at.set(id, { x: corner.x + margin + p.x, y: corner.y + header + p.y });
  });
  return out;
}

const areaOf = (n: Node) => (n.count > 1 ? `${n.repository.id}` : `${n.repository.id}|${n.unit}|${n.variant}`);
const titleOf = (n: Node) => (n.count > 1 ? n.repository.name : [n.repository.name, n.unit === '.' ? '' : n.unit, n.variant].filter(Boolean).join(' · '));

/** The nodes of one area: each connected part by itself, the parts side by side, what stands alone below. */
function inside(nodes: Node[], edges: Edge[]): Block {
  const here = new Set(nodes.map((n) => n.id));
  const within = edges.filter((e) => here.has(e.from) && here.has(e.to) && e.from !== e.to);
  const next = new Map<string, string[]>();
  const join = (a: string, b: string) => {
    const list = next.get(a);
    if (list) list.push(b);
    else next.set(a, [b]);
  };
  for (const e of within) {
    join(e.from, e.to);
    join(e.to, e.from);
  }
  const part = new Map<string, number>();
  let parts = 0;
  for (const n of nodes) {
    if (part.has(n.id) || !next.has(n.id)) continue;
    const queue = [n.id];
    part.set(n.id, parts);
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      for (const other of next.get(id) ?? []) {
        if (part.has(other)) continue;
        part.set(other, parts);
        queue.push(other);
      }
    }
    parts++;
  }
  const blocks: Block[] = [];
  for (let i = 0; i < parts; i++) blocks.push(drawn(nodes.filter((n) => part.get(n.id) === i), within.filter((e) => part.get(e.from) === i)));
  blocks.sort((a, b) => b.height - a.height);
  const alone = nodes.filter((n) => !next.has(n.id)).sort((a, b) => tiers.indexOf(a.tier as never) - tiers.indexOf(b.tier as never) || a.label.localeCompare(b.label));
  if (alone.length > 0) blocks.push(rows(alone));
  const corners = shelves(blocks, 2 * gap);
  const out: Block = { width: box.width, height: box.height, at: new Map() };
  blocks.forEach((b, i) => {
    const corner = corners[i]!;
    for (const [id, p] of b.at) out.at.set(id, { x: corner.x + p.x, y: corner.y + p.y });
    out.width = Math.max(out.width, corner.x + b.width);
    out.height = Math.max(out.height, corner.y + b.height);
  });
  return out;
}

/** One connected part, from left to right along references. */
function drawn(nodes: Node[], edges: Edge[]): Block {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: 'LR', nodesep: gap, ranksep: 64, ranker: nodes.length > 150 ? 'longest-path' : 'network-simplex' });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of nodes) g.setNode(n.id, { width: box.width, height: box.height });
  for (const e of edges) g.setEdge(e.from, e.to);
  dagre.layout(g);
  const all = nodes.map((n) => ({ id: n.id, x: (g.node(n.id) as Point).x - box.width / 2, y: (g.node(n.id) as Point).y - box.height / 2 }));
  const left = Math.min(...all.map((p) => p.x));
  const top = Math.min(...all.map((p) => p.y));
  return {
    width: Math.max(...all.map((p) => p.x)) - left + box.width,
    height: Math.max(...all.map((p) => p.y)) - top + box.height,
    at: new Map(all.map((p) => [p.id, { x: p.x - left, y: p.y - top }])),
  };
}

/** Nodes in rows, about as wide as a window is. */
function rows(nodes: Node[]): Block {
  const across = Math.max(1, Math.min(nodes.length, Math.ceil(Math.sqrt((nodes.length * aspect * (box.height + gap)) / (box.width + gap)))));
  return {
    width: across * (box.width + gap) - gap,
    height: Math.ceil(nodes.length / across) * (box.height + gap) - gap,
    at: new Map(nodes.map((n, i) => [n.id, { x: (i % across) * (box.width + gap), y: Math.floor(i / across) * (box.height + gap) }])),
  };
}

/** Puts blocks side by side and below each other, in their order, so that all of it is about as wide as a window. */
function shelves(blocks: { width: number; height: number }[], space: number): Point[] {
  const area = blocks.reduce((sum, b) => sum + (b.width + space) * (b.height + space), 0);
  const width = Math.max(Math.sqrt(area * aspect), ...blocks.map((b) => b.width));
  let x = 0;
  let y = 0;
  let tall = 0;
  return blocks.map((b) => {
    if (x > 0 && x + b.width > width) {
      x = 0;
      y += tall + space;
      tall = 0;
    }
    const at = { x, y };
    x += b.width + space;
    tall = Math.max(tall, b.height);
    return at;
  });
}
