import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import type { ReactNode } from 'react';
import { ToneIcon } from '../../../ui/StateMark.js';
import { hostsMark, type SiteHosts } from '../remote-hosts.js';

export type HostsNodeData = { readonly hosts: SiteHosts };
export type HostsNodeType = Node<HostsNodeData, 'hosts'>;

/** The remote hosts of a site on the canvas: how many of how many are there. */
export function HostsNode({ data: { hosts } }: NodeProps<HostsNodeType>): ReactNode {
  const { tone, label } = hostsMark(hosts);
  return (
    <div className="w-node w-node-peer">
      <div className="w-node-name">Remote hosts</div>
      <div className="w-node-edge">
        <ToneIcon tone={tone} size={15} />
        <span>{label}</span>
      </div>
      <Handle type="source" position={Position.Top} isConnectable={false} />
      <Handle type="target" position={Position.Top} isConnectable={false} />
    </div>
  );
}
