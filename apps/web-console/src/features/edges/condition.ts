import type { Edge } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

/** How an edge stands, in the order in which an operator would ask. */
export type EdgeCondition = 'not-enrolled' | 'offline' | 'rejected' | 'applying' | 'idle' | 'in-sync';

export const CONDITIONS = {
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

export function conditionOf({ live }: Pick<Edge, 'live'>): EdgeCondition {
  if (!live.connected) return live.enrolledAt === null ? 'not-enrolled' : 'offline';
  if (live.inSync) return 'in-sync';
  if (live.desired === null) return 'idle';
  return live.lastRejection === null ? 'applying' : 'rejected';
}

/** Certificates are renewed well before this; less is worth a look. */
const CERTIFICATE_WARNING_MS = 7 * 24 * 3600 * 1000;

/** True when the certificate ends within a week, or has ended. */
export function certificateEndsSoon(notAfter: string | null, now: number): boolean {
  return notAfter !== null && Date.parse(notAfter) - now < CERTIFICATE_WARNING_MS;
}
