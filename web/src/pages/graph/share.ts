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

/** What a person who searches means: parts of the address, the type or the directory, in any case. */
export function fits(n: Node, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = `${n.label}\n${n.type}\n${n.unit}\n${n.variant}\n${n.repository.name}`.toLowerCase();
  return words.every((w) => all.includes(w));
}

/** Only what the internet can reach, and the ways from there. */
export function reachable(nodes: Node[], edges: Edge[]): { nodes: Node[]; edges: Edge[] } {
  const kept = nodes.filter((n) => n.exposed !== '' || n.path);
  const ids = new Set(kept.map((n) => n.id));
  return { nodes: kept, edges: edges.filter((e) => ids.has(e.from) && ids.has(e.to)) };
}
