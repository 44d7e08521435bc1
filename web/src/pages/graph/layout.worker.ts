// Places graphs beside the page, which stays smooth meanwhile.
import { place } from './layout.ts';
import type { Edge, Node } from './share.ts';

self.onmessage = (e: MessageEvent<{ nodes: Node[]; edges: Edge[] }>) => {
  try {
    self.postMessage({ layout: place(e.data.nodes, e.data.edges) });
  } catch (thrown) {
    self.postMessage({ failed: String(thrown) });
  }
};
