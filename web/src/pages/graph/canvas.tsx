import { useEffect, useMemo } from 'react';
import { Background, Controls, Handle, MarkerType, MiniMap, Position, ReactFlow, ReactFlowProvider, useReactFlow, type Edge as FlowEdge, type Node as FlowNode, type NodeProps } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { IconWorld } from '@tabler/icons-react';
import { visible } from '../../part/name.tsx';
import { box, fits, place, type Edge, type Node } from './layout.ts';
import css from './graph.module.css';

interface Props {
  nodes: Node[];
  edges: Edge[];
  search: string;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
}

type Box = FlowNode<{ node: Node; dim: boolean; chosen: boolean }, 'box'>;

function BoxNode({ data: { node: n, dim, chosen } }: NodeProps<Box>) {
  return (
    <div className={css.box} data-tier={n.tier} data-path={n.path ? '' : undefined} data-dim={dim ? '' : undefined} data-chosen={chosen ? '' : undefined} style={{ width: box.width, height: box.height }}>
      <Handle type="target" position={Position.Left} isConnectable={false} className={css.handle} />
      <span className={css.boxLabel}>{visible(n.label)}</span>
      <span className={css.boxType}>
        {n.exposed && <IconWorld size={13} aria-label="Reachable from the internet" />}
        {n.count > 1 ? `${n.tier}: ${n.count} resources` : visible(n.type)}
        {n.open > 0 && <b>{n.open} open</b>}
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} className={css.handle} />
    </div>
  );
}

const kinds = { box: BoxNode };

function Picture({ nodes, edges, search, chosen, onChoose }: Props) {
  const flow = useReactFlow();
  const at = useMemo(() => place(nodes, edges), [nodes, edges]);
  const boxes = useMemo<Box[]>(
    () =>
      nodes.map((n) => ({
        id: n.id,
        type: 'box',
        position: at.get(n.id) ?? { x: 0, y: 0 },
        width: box.width,
        height: box.height,
        draggable: false,
        connectable: false,
        ariaLabel: `${visible(n.label)}, ${n.tier}${n.exposed ? ', reachable from the internet' : ''}${n.open ? `, ${n.open} open findings` : ''}`,
        data: { node: n, dim: search !== '' && !fits(n, search), chosen: n.id === chosen },
      })),
    [nodes, at, search, chosen],
  );
  const lines = useMemo<FlowEdge[]>(
    () =>
      edges.map((e) => {
        const near = chosen !== undefined && (e.from === chosen || e.to === chosen);
        const colour = e.path ? 'var(--bad)' : near ? 'var(--accent)' : 'var(--line-strong)';
        return {
          id: `${e.from} ${e.to}`,
          source: e.from,
          target: e.to,
          label: near ? visible(e.label) : undefined,
          focusable: false,
          markerEnd: { type: MarkerType.ArrowClosed, color: colour },
          style: { stroke: colour, strokeWidth: e.path || near ? 2 : 1, strokeDasharray: e.maybe ? '5 4' : undefined },
        };
      }),
    [edges, chosen],
  );
  useEffect(() => {
    const found = nodes.filter((n) => (search ? fits(n, search) : true)).map((n) => ({ id: n.id }));
    if (found.length > 0) void flow.fitView({ nodes: found, maxZoom: 1.1, padding: 0.12 });
  }, [flow, nodes, search]);
  return (
    <ReactFlow
      nodes={boxes}
      edges={lines}
      nodeTypes={kinds}
      nodesConnectable={false}
      nodesDraggable={false}
      onlyRenderVisibleElements={nodes.length > 300}
      minZoom={0.05}
      fitView
      onNodeClick={(_, n) => onChoose(n.id)}
      onPaneClick={() => onChoose(undefined)}
      onSelectionChange={({ nodes: picked }) => picked[0] && onChoose(picked[0].id)}
    >
      <Background gap={24} color="var(--line)" />
      <Controls showInteractive={false} className={css.controls} />
      {nodes.length > 30 && <MiniMap pannable zoomable className={css.map} nodeColor={(n) => ((n.data as Box['data']).node.path ? 'var(--critical-fill)' : 'var(--line-strong)')} maskColor="color-mix(in srgb, var(--ground) 70%, transparent)" bgColor="var(--surface)" />}
    </ReactFlow>
  );
}

/** The graph as a picture that can be moved and zoomed. */
export default function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Picture {...props} />
    </ReactFlowProvider>
  );
}
