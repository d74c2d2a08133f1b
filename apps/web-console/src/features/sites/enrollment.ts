import type { Edge } from '../../api/index.js';

/** How far an enrollment has come. */
export type EnrollmentStep = 'waiting' | 'enrolled' | 'connected';

/**
 * Compares the edge with how it stood when the token was made: a renewed enrollment counts only once it is newer.
 * `before`: `enrolledAt` and `connectedSince` of that moment.
 */
export function enrollmentStep(edge: Edge, before: EnrollmentBaseline): EnrollmentStep {
  if (edge.live.enrolledAt === null || edge.live.enrolledAt === before.enrolledAt) return 'waiting';
  return edge.live.connected && edge.live.connectedSince !== before.connectedSince ? 'connected' : 'enrolled';
}

export interface EnrollmentBaseline {
  readonly enrolledAt: string | null;
  readonly connectedSince: string | null;
}
