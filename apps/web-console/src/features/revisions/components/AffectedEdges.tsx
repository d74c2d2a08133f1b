import type { ReactNode } from 'react';
import type { AffectedEdge } from '../../../api/index.js';

const CHANGES = { added: 'gets its first bundle', changed: 'gets a new bundle', removed: 'leaves the fabric' } as const;

/** Edges that a publication touches, and how. */
export function AffectedEdges({ edges }: { readonly edges: readonly AffectedEdge[] }): ReactNode {
  if (edges.length === 0) return <p className="w-none">No edge has to change anything.</p>;
  return (
    <ul className="w-list">
      {edges.map(({ edgeId, edgeName, change }) => (
        <li key={edgeId}>
          <span className="w-strong">{edgeName}</span>
          <span className="w-push w-dim">{CHANGES[change]}</span>
        </li>
      ))}
    </ul>
  );
}
