import type { Edge } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

/** How an edge stands, in the order in which an operator would ask. */
export type EdgeCondition = 'revoked' | 'not-enrolled' | 'offline' | 'rejected' | 'applying' | 'idle' | 'in-sync';

export const CONDITIONS = {
  revoked: {
    tone: 'down',
    label: 'Revoked',
    short: 'Revoked',
    meaning: 'Refused, and dropped by all other edges. Enroll it again to bring it back.',
  },
  'not-enrolled': {
    tone: 'idle',
    label: 'Not enrolled',
    short: 'Not enrolled',
    meaning: 'Waits for its first connection. Give it an enrollment line.',
  },
  offline: {
    tone: 'down',
    label: 'Offline',
    short: 'Offline',
    meaning: 'Not connected. It keeps running its last bundle.',
  },
  rejected: {
    tone: 'warning',
    label: 'Refused its bundle',
    short: 'Refused',
    meaning: 'Runs the bundle before; see why it refused the new one.',
  },
  applying: { tone: 'busy', label: 'Applying', short: 'Applying', meaning: 'Connected, taking over its new bundle.' },
  idle: {
    tone: 'idle',
    label: 'Connected, nothing to run',
    short: 'Connected',
    meaning: 'Publish a revision to give it work.',
  },
  'in-sync': { tone: 'up', label: 'In sync', short: 'In sync', meaning: 'Connected and runs exactly what it should.' },
} as const satisfies Record<EdgeCondition, { tone: Tone; label: string; short: string; meaning: string }>;

export function conditionOf({ live, revocation }: Pick<Edge, 'live' | 'revocation'>): EdgeCondition {
  if (revocation !== null) return 'revoked';
  if (!live.connected) return live.enrolledAt === null ? 'not-enrolled' : 'offline';
  if (live.inSync) return 'in-sync';
  if (live.desired === null) return 'idle';
  return live.lastRejection === null ? 'applying' : 'rejected';
}

/** True when the certificate has ended, or ends soon though the edge should have renewed it long ago. */
export function certificateEndsSoon({ certificateCondition }: Pick<Edge['live'], 'certificateCondition'>): boolean {
  return certificateCondition === 'expiring' || certificateCondition === 'expired';
}
