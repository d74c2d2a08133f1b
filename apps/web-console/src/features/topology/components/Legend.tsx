import type { ReactNode } from 'react';
import { ToneIcon } from '../../../ui/StateMark.js';
import { TUNNEL_STATES } from '../../tunnels/directions.js';

/** What the shapes on the canvas mean: one that waits does so for traffic, or for its host. */
export function Legend(): ReactNode {
  return (
    <div className="w-legend">
      {Object.entries(TUNNEL_STATES).map(([state, { tone, label }]) => (
        <span key={state} className="w-legend-item">
          <svg width="30" height="8" aria-hidden="true">
            <path className={`w-link-line w-link-${tone}`} d="M1,4 L29,4" strokeWidth="2.5" />
          </svg>
          <ToneIcon tone={tone} size={14} />
          {state === 'waiting' ? 'Waiting' : label}
        </span>
      ))}
      <span className="w-legend-item w-dim">Line width: rate. Arrow: away from the sender.</span>
    </div>
  );
}
