import { memo, useEffect, useMemo, useRef } from 'react';
import { Handle, MarkerType, Panel, Position, ReactFlow, ReactFlowProvider, useOnViewportChange, useReactFlow, type Edge as FlowEdge, type Node as FlowNode, type NodeProps, type Viewport } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { IconArrowsMaximize, IconMinus, IconPlus, IconWorld } from '@tabler/icons-react';
import { Failure } from '../../app/boundary.tsx';
import { visible } from '../../part/name.tsx';
import { Skeleton } from '../../part/page.tsx';
import { usePlaced, type Placed } from './placed.ts';
import { box, fits, type Edge, type Node } from './share.ts';
import css from './graph.module.css';

interface Props {
  nodes: Node[];
  edges: Edge[];
  search: string;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
}

type Box = FlowNode<{ node: Node; dim: boolean; chosen: boolean }, 'box'>;
type Frame = FlowNode<{ title: string }, 'area'>;

const BoxNode = memo(function BoxNode({ data: { node: n, dim, chosen } }: NodeProps<Box>) {
  return (
    <div className={css.box} data-tier={n.tier} data-exposed={n.exposed ? '' : undefined} data-path={n.path ? '' : undefined} data-dim={dim ? '' : undefined} data-chosen={chosen ? '' : undefined} style={{ width: box.width, height: box.height }}>
      <Handle type="target" position={Position.Left} isConnectable={false} className={css.handle} />
      <span className={css.boxLabel}>{visible(n.label)}</span>
      <span className={css.boxType}>
        {n.exposed && <IconWorld size={13} aria-label="Reachable from the internet" />}
        <span>{n.count > 1 ? `${n.tier}: ${n.count} resources` : visible(n.type)}</span>
        {n.open > 0 && <b>{n.open} open</b>}
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} className={css.handle} />
    </div>
  );
});

const AreaNode = memo(function AreaNode({ data: { title } }: NodeProps<Frame>) {
  return (
    <div className={css.area}>
      <span>{visible(title)}</span>
    </div>
  );
});

const kinds = { box: BoxNode, area: AreaNode };

/** What is too small to read is not written: from afar a box is the colour of its tier. */
const far = 0.42;

function Picture({ placed: { nodes, edges, layout }, search, chosen, onChoose }: Pick<Props, 'search' | 'chosen' | 'onChoose'> & { placed: Placed }) {
  const flow = useReactFlow();
  const frame = useRef<HTMLDivElement>(null);
  // Straight to the element: that somebody zooms draws nothing anew.
  const show = ({ zoom }: Viewport) => {
    frame.current?.style.setProperty('--title', `${Math.min(56, Math.max(14, 13 / zoom))}px`);
    frame.current?.toggleAttribute('data-far', zoom < far);
  };
  useOnViewportChange({ onChange: show });
  const boxes = useMemo<(Box | Frame)[]>(
    () => [
      ...layout.areas.map(
        (a): Frame => ({ id: `area ${a.id}`, type: 'area', position: { x: a.x, y: a.y }, width: a.width, height: a.height, draggable: false, selectable: false, focusable: false, zIndex: -1, data: { title: a.title } }),
      ),
      ...nodes.map(
        (n): Box => ({
          id: n.id,
          type: 'box',
          position: layout.at.get(n.id) ?? { x: 0, y: 0 },
          width: box.width,
          height: box.height,
          draggable: false,
          connectable: false,
          ariaLabel: `${visible(n.label)}, ${n.tier}${n.exposed ? ', reachable from the internet' : n.path ? ', on a way from the internet' : ''}${n.open ? `, ${n.open} open findings` : ''}`,
          data: { node: n, dim: search !== '' && !fits(n, search), chosen: n.id === chosen },
        }),
      ),
    ],
    [nodes, layout, search, chosen],
  );
  const lines = useMemo<FlowEdge[]>(
    () =>
      edges.map((e) => {
        const near = chosen !== undefined && (e.from === chosen || e.to === chosen);
        const colour = e.path ? 'var(--critical-fill)' : near ? 'var(--accent)' : 'var(--line-strong)';
        return {
          id: `${e.from} ${e.to}`,
          source: e.from,
          target: e.to,
          label: near ? visible(e.label) : undefined,
          focusable: false,
          selectable: false,
          zIndex: e.path || near ? 1 : 0,
          markerEnd: { type: MarkerType.ArrowClosed, color: colour },
          style: { stroke: colour, strokeWidth: e.path ? 3 : near ? 2 : 1.2, strokeDasharray: e.maybe ? '5 4' : undefined },
        };
      }),
    [edges, chosen],
  );
  const ids = useMemo(() => nodes.filter((n) => search === '' || fits(n, search)).map((n) => ({ id: n.id })), [nodes, search]);
  useEffect(() => {
    if (ids.length > 0) void flow.fitView({ nodes: search === '' ? undefined : ids, maxZoom: 1.1, padding: 0.06 }).then(() => show(flow.getViewport()));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [flow, ids]);
  useEffect(() => {
    const at = chosen === undefined ? undefined : layout.at.get(chosen);
    if (!at) return;
    const { x, y, zoom } = flow.getViewport();
    const w = frame.current?.clientWidth ?? 0;
    const h = frame.current?.clientHeight ?? 0;
    const seen = zoom >= far && at.x * zoom + x > 0 && (at.x + box.width) * zoom + x < w && at.y * zoom + y > 0 && (at.y + box.height) * zoom + y < h;
    if (!seen) void flow.setCenter(at.x + box.width / 2, at.y + box.height / 2, { zoom: Math.max(zoom, 0.8) }).then(() => show(flow.getViewport()));
  }, [flow, chosen, layout]);
  return (
    <div ref={frame} className={css.frame} data-placed="">
      <ReactFlow
        nodes={boxes}
        edges={lines}
        nodeTypes={kinds}
        nodesConnectable={false}
        nodesDraggable={false}
        edgesFocusable={false}
        minZoom={0.03}
        fitView
        fitViewOptions={{ maxZoom: 1.1, padding: 0.06 }}
        onInit={(f) => show(f.getViewport())}
        onNodeClick={(_, n) => n.type === 'box' && onChoose(n.id)}
        onPaneClick={() => onChoose(undefined)}
        onSelectionChange={({ nodes: picked }) => picked[0]?.type === 'box' && onChoose(picked[0].id)}
      >
        <Panel position="bottom-left" className={css.controls}>
          <button type="button" aria-label="Nearer" onClick={() => void flow.zoomIn()}>
            <IconPlus size={16} aria-hidden />
          </button>
          <button type="button" aria-label="Farther" onClick={() => void flow.zoomOut()}>
            <IconMinus size={16} aria-hidden />
          </button>
          <button type="button" aria-label="All of it" onClick={() => void flow.fitView({ padding: 0.06 })}>
            <IconArrowsMaximize size={16} aria-hidden />
          </button>
        </Panel>
      </ReactFlow>
    </div>
  );
}

/** The graph as a picture that can be moved and zoomed. */
export default function Canvas({ nodes, edges, ...rest }: Props) {
  const { placed, error } = usePlaced(nodes, edges);
  if (error) return <Failure error={error} />;
  if (!placed) return <Skeleton lines={8} />;
  return (
    <ReactFlowProvider>
      <Picture placed={placed} {...rest} />
    </ReactFlowProvider>
  );
}
