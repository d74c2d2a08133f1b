import type { ReactNode } from 'react';
import type { EdgeApplication, RevisionDetail } from '../../../api/index.js';
import { type Tone, ToneIcon } from '../../../ui/StateMark.js';

export const APPLICATION_STATES = {
  applied: { tone: 'up', label: 'Applied' },
  pending: { tone: 'busy', label: 'Applying' },
  rejected: { tone: 'warning', label: 'Refused' },
  offline: { tone: 'down', label: 'Offline, gets it when it connects' },
  superseded: { tone: 'idle', label: 'Superseded' },
} as const satisfies Record<EdgeApplication['state'], { tone: Tone; label: string }>;

/** How many edges run the revision, in words. */
export function applicationSummary({ edges }: Pick<RevisionDetail, 'edges'>): string {
  const applied = edges.filter(({ state }) => state === 'applied').length;
  const superseded = edges.filter(({ state }) => state === 'superseded').length;
  if (edges.length === 0) return 'Asks nothing of any edge';
  if (superseded === edges.length) return 'Superseded everywhere';
  return `Applied by ${applied} of ${edges.length} ${edges.length === 1 ? 'edge' : 'edges'}`;
}

/** Each edge with whether it runs the revision, and why not. */
export function ApplicationList({ edges }: { readonly edges: readonly EdgeApplication[] }): ReactNode {
  return (
    <ul className="w-list w-applications">
      {edges.map(({ edgeId, edgeName, state, rejection }) => (
        <li key={edgeId} data-application={state}>
          <ToneIcon tone={APPLICATION_STATES[state].tone} />
          <span className="w-strong">{edgeName}</span>
          <span className="w-push w-dim">{APPLICATION_STATES[state].label}</span>
          {rejection !== null && (
            <div className="w-application-reason">
              {rejection.reason} Rule <code>{rejection.rule}</code> at <code>{rejection.path}</code>.
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
