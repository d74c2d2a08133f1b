import type { IntentEdge } from '@weft/fabric-compiler';
import type { EdgeState } from '../../observations/edge-state.js';
import type { EdgeApplication } from './revision.dto.js';

/** Where one edge stands with one revision, `newest` being the number of the newest. */
export function edgeApplication(edge: IntentEdge, state: EdgeState, number: number, newest: number): EdgeApplication {
  const application = { edgeId: edge.id, edgeName: edge.name };
  const caughtUp = state.desired !== null && state.desired.revision >= number;
  if (number === newest && caughtUp) {
    if (state.inSync) return { ...application, state: 'applied', rejection: null };
    if (state.lastRejection !== null) return { ...application, state: 'rejected', rejection: state.lastRejection };
  }
  if (number < newest) {
    const runsIt = state.applied?.revision === number && !state.inSync;
    return { ...application, state: runsIt ? 'applied' : 'superseded', rejection: null };
  }
  return { ...application, state: state.connected ? 'pending' : 'offline', rejection: null };
}
