import {
  Controls,
  type NodeChange,
  type NodeTypes,
  ReactFlow,
  ReactFlowProvider,
  useNodesInitialized,
  useReactFlow,
} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { Edge, Network, Site, Tunnel } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { directionsOf, isOfRemoteHost } from '../../tunnels/directions.js';
import { type Point, placeOnRing } from '../layout.js';
import { hostsBySite, type SiteHosts } from '../remote-hosts.js';
import { loadPositions, type Positions, savePositions } from '../saved-positions.js';
import { HostsLink, type HostsLinkType } from './HostsLink.js';
import { HostsNode, type HostsNodeType } from './HostsNode.js';
import { PeerNode, type PeerNodeType } from './PeerNode.js';
import { SiteNode, type SiteNodeType } from './SiteNode.js';
import { TunnelLink, type TunnelLinkType } from './TunnelLink.js';

const NODE_TYPES: NodeTypes = { site: SiteNode, peer: PeerNode, hosts: HostsNode };
type FabricNodeType = SiteNodeType | PeerNodeType | HostsNodeType;
type FabricLinkType = TunnelLinkType | HostsLinkType;
const LINK_TYPES = { tunnel: TunnelLink, hosts: HostsLink };
const FIT = { padding: 0.16, maxZoom: 1.15, duration: 150 } as const;

export interface Fabric {
  readonly sites: readonly Site[];
  readonly networks: readonly Network[];
  readonly edges: readonly Edge[];
  readonly tunnels: readonly Tunnel[];
}

/** `hosts`: those of the site with this identifier. */
export type Selection = { readonly kind: 'site' | 'tunnel' | 'hosts'; readonly id: string } | null;

interface FabricGraphProps {
  readonly tenantId: string;
  readonly fabric: Fabric;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** The fabric as a graph: sites stand still, tunnels change. */
export function FabricGraph(props: FabricGraphProps): ReactNode {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

function Canvas({ tenantId, fabric, selection, onSelect }: FabricGraphProps): ReactNode {
  const [moved, setMoved] = useState<Positions>(() => loadPositions(tenantId));
  const nodes = useNodes(fabric, moved, selection);
  const links = useLinks(fabric, selection, onSelect);
  const [measured, setMeasured] = useState<Readonly<Record<string, { width: number; height: number }>>>({});
  useFitting(selection !== null, nodes.length);
  const onNodesChange = (changes: NodeChange<FabricNodeType>[]): void => {
    const positions: Record<string, Point> = {};
    const sizes: Record<string, { width: number; height: number }> = {};
    for (const change of changes) {
      if (change.type === 'position' && change.position !== undefined) positions[change.id] = change.position;
      if (change.type === 'dimensions' && change.dimensions !== undefined) sizes[change.id] = change.dimensions;
    }
    if (Object.keys(sizes).length > 0) setMeasured((before) => ({ ...before, ...sizes }));
    if (Object.keys(positions).length > 0) setMoved((before) => ({ ...before, ...positions }));
  };
  return (
    <ReactFlow<FabricNodeType, FabricLinkType>
      nodes={nodes.map((node) =>
        measured[node.id] === undefined ? node : { ...node, measured: { ...measured[node.id] } },
      )}
      edges={links}
      nodeTypes={NODE_TYPES}
      edgeTypes={LINK_TYPES}
      nodeOrigin={[0.5, 0.5]}
      onNodesChange={onNodesChange}
      onNodeDragStop={() => savePositions(tenantId, moved)}
      onNodeClick={(_event, node) => onSelect(selectionOf(node))}
      onEdgeClick={(_event, link) => onSelect(linkedTo(link))}
      onPaneClick={() => onSelect(null)}
      nodesConnectable={false}
      deleteKeyCode={null}
      minZoom={0.25}
      maxZoom={1.75}
      proOptions={{ hideAttribution: true }}
    >
      <Controls position="bottom-left" showInteractive={false} fitViewOptions={FIT}>
        {Object.keys(moved).length > 0 && (
          <button
            type="button"
            className="react-flow__controls-button"
            title="Put the sites back on the ring"
            onClick={() => {
              setMoved({});
              savePositions(tenantId, {});
            }}
          >
            ⟲
          </button>
        )}
      </Controls>
    </ReactFlow>
  );
}

/** Of a gateway the tunnel, which is all that is known of it. */
function selectionOf(node: FabricNodeType): Selection {
  if (node.type === 'hosts') return { kind: 'hosts', id: node.data.hosts.siteId };
  return node.type === 'peer' ? { kind: 'tunnel', id: node.data.tunnelId } : { kind: 'site', id: node.id };
}

function linkedTo(link: FabricLinkType): Selection {
  return link.type === 'hosts' && link.data !== undefined
    ? { kind: 'hosts', id: link.data.hosts.siteId }
    : { kind: 'tunnel', id: link.id };
}

function useNodes({ sites, networks, edges, tunnels }: Fabric, moved: Positions, selection: Selection) {
  return useMemo((): FabricNodeType[] => {
    const ordered = [...sites].sort((a, b) => compareNames(a.name, b.name));
    const peers = peersOf(tunnels);
    // Backwards round the ring, so that those of the first sites stand beside them.
    const hosts = [...hostsBySite(tunnels)].reverse();
    const ring = placeOnRing([
      ...ordered.map(({ id }) => id),
      ...peers.map(({ peer }) => peer.id),
      ...hosts.map(hostsId),
    ]);
    const position = (id: string): Point => moved[id] ?? ring.get(id) ?? { x: 0, y: 0 };
    const siteNodes = ordered.map((site) => ({
      id: site.id,
      type: 'site' as const,
      position: position(site.id),
      selected: selection?.kind === 'site' && selection.id === site.id,
      ariaLabel: `Site ${site.name}`,
      data: {
        site,
        networks: networks.filter(({ siteId }) => siteId === site.id),
        edges: edges.filter(({ siteId }) => siteId === site.id),
      },
    }));
    const peerNodes = peers.map(({ peer, tunnelId }) => ({
      id: peer.id,
      type: 'peer' as const,
      position: position(peer.id),
      selected: selection?.kind === 'tunnel' && selection.id === tunnelId,
      ariaLabel: `External peer ${peer.name}`,
      data: { peer, tunnelId },
    }));
    const hostsNodes = hosts.map((each) => ({
      id: hostsId(each),
      type: 'hosts' as const,
      position: position(hostsId(each)),
      selected: selection?.kind === 'hosts' && selection.id === each.siteId,
      ariaLabel: `Remote hosts of ${each.siteName}`,
      data: { hosts: each },
    }));
    return [...siteNodes, ...peerNodes, ...hostsNodes];
  }, [sites, networks, edges, tunnels, moved, selection]);
}

/** Of the node of the hosts of a site: the site has a node of its own. */
function hostsId({ siteId }: SiteHosts): string {
  return `hosts of ${siteId}`;
}

/** By name, the gateways that tunnels lead to. */
function peersOf(tunnels: readonly Tunnel[]): PeerNodeType['data'][] {
  const found = tunnels
    .filter((tunnel) => !isOfRemoteHost(tunnel))
    .flatMap(({ id, externalPeer }) => (externalPeer === null ? [] : [{ peer: externalPeer, tunnelId: id }]));
  return found.sort((a, b) => compareNames(a.peer.name, b.peer.name));
}

function useLinks(
  { sites, tunnels }: Fabric,
  selection: Selection,
  onSelect: (selection: Selection) => void,
): FabricLinkType[] {
  return useMemo(() => {
    const known = new Set([...sites.map(({ id }) => id), ...peersOf(tunnels).map(({ peer }) => peer.id)]);
    const between = tunnels.flatMap((tunnel) => {
      const [there] = directionsOf(tunnel);
      if (there === undefined || !known.has(there.from.placeId) || !known.has(there.to.placeId)) return [];
      return {
        id: tunnel.id,
        type: 'tunnel' as const,
        source: there.from.placeId,
        target: there.to.placeId,
        selected: selection?.kind === 'tunnel' && selection.id === tunnel.id,
        data: { tunnel, onSelect: (id: string) => onSelect({ kind: 'tunnel', id }) },
      };
    });
    const toHosts = hostsBySite(tunnels)
      .filter(({ siteId }) => known.has(siteId))
      .map((hosts) => ({
        id: hostsId(hosts),
        type: 'hosts' as const,
        source: hosts.siteId,
        target: hostsId(hosts),
        selected: selection?.kind === 'hosts' && selection.id === hosts.siteId,
        data: { hosts },
      }));
    return [...between, ...toHosts];
  }, [sites, tunnels, selection, onSelect]);
}

/** Shows the whole fabric at first, when a site or peer comes or goes, and when the panel changes the room there is. */
function useFitting(panelOpen: boolean, nodeCount: number): void {
  const { fitView } = useReactFlow();
  const ready = useNodesInitialized();
  const before = useRef('');
  useEffect(() => {
    const now = `${panelOpen} ${nodeCount}`;
    if (!ready || before.current === now) return;
    before.current = now;
    const frame = requestAnimationFrame(() => void fitView(FIT));
    return () => cancelAnimationFrame(frame);
  }, [ready, panelOpen, nodeCount, fitView]);
}
