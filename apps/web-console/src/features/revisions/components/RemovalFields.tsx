import { Checkbox } from '@mantine/core';
import type { ReactNode } from 'react';
import type { AffectedEdge } from '../../../api/index.js';
import { removalWords } from '../wording.js';

interface RemovalFieldsProps {
  /** Edges that lose so much that somebody must agree. */
  readonly edges: readonly AffectedEdge[];
  readonly agreed: boolean;
  readonly onChange: (agreed: boolean) => void;
}

/** Says what edges lose when it is much, and asks whether that is meant. */
export function RemovalFields({ edges, agreed, onChange }: RemovalFieldsProps): ReactNode {
  return (
    <section className="w-override">
      <p className="w-flush">Much of what runs now would be gone:</p>
      <ul>
        {edges.slice(0, SHOWN).map(({ edgeId, edgeName, removal }) => (
          <li key={edgeId}>
            <b>{edgeName}</b> {removal !== null && removalWords(removal)}
          </li>
        ))}
        {edges.length > SHOWN && <li>and {edges.length - SHOWN} more edges</li>}
      </ul>
      <Checkbox
        label="Remove it all the same"
        description="Edges refuse to lose so much unless somebody agrees. Your name is kept in the audit log."
        checked={agreed}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </section>
  );
}

/** Edges of these whose loss needs an agreement. */
export function losingMuch(edges: readonly AffectedEdge[] | undefined): readonly AffectedEdge[] {
  return (edges ?? []).filter(({ removal }) => removal?.needsAgreement === true);
}

const SHOWN = 12;
