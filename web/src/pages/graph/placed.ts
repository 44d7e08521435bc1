import { useEffect, useState } from 'react';
import code from './layout.worker.ts?worker&url';
import type { Layout } from './layout.ts';
import type { Edge, Node } from './share.ts';

interface Policies {
  createPolicy: (name: string, rules: { createScriptURL: (text: string) => string }) => { createScriptURL: (text: string) => string };
}

/** The address of the worker, as the policy of the page wants it: the one script address that this code makes is a constant of the build. */
let worker: string | undefined;
function address(): string {
  const types = (window as { trustedTypes?: Policies }).trustedTypes;
  worker ??= types ? types.createPolicy('plumbline-graph', { createScriptURL: () => code }).createScriptURL('') : code;
  return worker;
}

/** A layout and the graph that it is of. */
export interface Placed {
  nodes: Node[];
  edges: Edge[];
  layout: Layout;
}

/** Has a graph placed by a worker. Undefined before the first answer; a graph that is there stays until the next one is placed. */
export function usePlaced(nodes: Node[], edges: Edge[]): { placed?: Placed; error?: Error } {
  const [state, setState] = useState<{ placed?: Placed; error?: Error }>({});
  useEffect(() => {
    const w = new Worker(address(), { type: 'module' });
    w.onmessage = (e: MessageEvent<{ layout?: Layout; failed?: string }>) => {
      setState(e.data.layout ? { placed: { nodes, edges, layout: e.data.layout } } : { error: new Error(`the graph could not be placed: ${e.data.failed}`) });
      w.terminate();
    };
    w.onerror = () => setState({ error: new Error('the program that places the graph did not start') });
    w.postMessage({ nodes, edges });
    return () => w.terminate();
  }, [nodes, edges]);
  return state;
}
