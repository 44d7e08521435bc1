import dagre from '@dagrejs/dagre';

/** A node of GET /api/graph. */
export interface Node {
  id: string;
  label: string;
  type: string;
  tier: string;
  repository: { id: string; name: string };
  unit: string;
  variant: string;
  file: string;
  line: number;
  count: number;
  open: number;
  query: string;
  exposed: string;
  path: boolean;
  maybe: boolean;
}

/** An edge of GET /api/graph. */
export interface Edge {
  from: string;
  to: string;
  label: string;
  path: boolean;
  maybe: boolean;
}

/** The tiers in the order in which they are named. */
export const tiers = ['network', 'compute', 'data', 'identity', 'other'] as const;

/** What a box is in pixels. */
export const box = { width: 210, height: 54 };

/**
 * Places nodes: those that are connected by dagre, from left to right along references; those that stand alone in rows below, by tier. The
 * same graph is placed the same way every time.
 */
export function place(nodes: Node[], edges: Edge[]): Map<string, { x: number; y: number }> {
  const out = new Map<string, { x: number; y: number }>();
  const linked = new Set(edges.flatMap((e) => [e.from, e.to]));
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 70, ranker: nodes.length > 400 ? 'longest-path' : 'network-simplex' });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of nodes) if (linked.has(n.id)) g.setNode(n.id, { width: box.width, height: box.height });
  for (const e of edges) if (g.hasNode(e.from) && g.hasNode(e.to)) g.setEdge(e.from, e.to);
  let bottom = 0;
  let right = 0;
  if (g.nodeCount() > 0) {
    dagre.layout(g);
    for (const id of g.nodes()) {
      const at = g.node(id);
      out.set(id, { x: at.x - box.width / 2, y: at.y - box.height / 2 });
      bottom = Math.max(bottom, at.y + box.height);
      right = Math.max(right, at.x + box.width / 2);
    }
  }
  const alone = nodes.filter((n) => !linked.has(n.id)).sort((a, b) => tiers.indexOf(a.tier as never) - tiers.indexOf(b.tier as never) || a.label.localeCompare(b.label));
  const across = Math.max(4, Math.floor(right / (box.width + 20)), Math.ceil(Math.sqrt(alone.length)));
  alone.forEach((n, i) => out.set(n.id, { x: (i % across) * (box.width + 20), y: bottom + 30 + Math.floor(i / across) * (box.height + 16) }));
  return out;
}

/** What a person who searches means: parts of the address, the type or the directory, in any case. */
export function fits(n: Node, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = `${n.label}\n${n.type}\n${n.unit}\n${n.repository.name}`.toLowerCase();
  return words.every((w) => all.includes(w));
}
