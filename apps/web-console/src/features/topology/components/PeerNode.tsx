import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';

export type PeerNodeData = { readonly peer: NonNullable<Tunnel['externalPeer']>; readonly tunnelId: string };
export type PeerNodeType = Node<PeerNodeData, 'peer'>;

/** A gateway on the canvas: its name, and where it is. */
export function PeerNode({ data: { peer } }: NodeProps<PeerNodeType>): ReactNode {
  return (
    <div className="w-node w-node-peer">
      <div className="w-node-name">{peer.name}</div>
      <div className="w-node-edge w-dim">External peer</div>
      <div className="w-node-networks">
        <code>{peer.address}</code>
      </div>
      <Handle type="source" position={Position.Top} isConnectable={false} />
      <Handle type="target" position={Position.Top} isConnectable={false} />
    </div>
  );
}
