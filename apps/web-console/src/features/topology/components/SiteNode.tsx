import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import type { ReactNode } from 'react';
import type { Edge, Network, Site } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { CONDITIONS, conditionOf } from '../../edges/condition.js';

export type SiteNodeData = {
  readonly site: Site;
  readonly networks: readonly Network[];
  readonly edges: readonly Edge[];
};
export type SiteNodeType = Node<SiteNodeData, 'site'>;

/** How many prefixes fit before the rest is a number. */
const PREFIXES_SHOWN = 2;

/** A site on the canvas: name, edge with its state, prefixes. */
export function SiteNode({ data: { site, networks, edges } }: NodeProps<SiteNodeType>): ReactNode {
  const more = networks.length - PREFIXES_SHOWN;
  return (
    <div className="w-node">
      <div className="w-node-name">{site.name}</div>
      {edges.map((edge) => {
        const { tone, label, short } = CONDITIONS[conditionOf(edge)];
        return (
          <div key={edge.id} className="w-node-edge" title={`${edge.name}: ${label}`}>
            <ToneIcon tone={tone} size={15} />
            <span>{edge.name}</span>
            <span className="w-dim">{short}</span>
          </div>
        );
      })}
      {edges.length === 0 && (
        <div className="w-node-edge">
          <ToneIcon tone="idle" size={15} />
          <span className="w-dim">No edge yet</span>
        </div>
      )}
      <div className="w-node-networks">
        {networks.slice(0, PREFIXES_SHOWN).map(({ id, prefix }) => (
          <code key={id}>{prefix}</code>
        ))}
        {more > 0 && <span className="w-dim">+{plural(more, 'network')}</span>}
        {networks.length === 0 && <span className="w-dim">No networks</span>}
      </div>
      <Handle type="source" position={Position.Top} isConnectable={false} />
      <Handle type="target" position={Position.Top} isConnectable={false} />
    </div>
  );
}
