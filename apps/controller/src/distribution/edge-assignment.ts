import type { Bundle } from '@weft/contracts/southbound';

/** What an edge should run, and what it has said of it. A value: changes replace it. */
export interface EdgeAssignment {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly desired: DesiredBundle;
  readonly applied: AppliedBundle | undefined;
  readonly rejection: RecordedRejection | undefined;
  /** The newest revision with which an operator has agreed to what it takes away from this edge. */
  readonly removalAgreedBy: number | undefined;
}

export interface DesiredBundle {
  /** The newest compiled revision. */
  readonly revision: number;
  readonly generation: bigint;
  readonly hash: Buffer;
  readonly octets: Buffer;
  readonly bundle: Bundle;
  /** Of the content that is stored, where the agent takes it in another form; absent: it is this one. */
  readonly storedHash?: Buffer;
}

export interface AppliedBundle {
  readonly revision: number;
  readonly generation: bigint;
  readonly hash: Buffer;
  readonly bundle: Bundle;
}

export interface RecordedRejection {
  /** Content hash of the refused bundle. */
  readonly hash: Buffer;
  readonly path: string;
  readonly rule: string;
  readonly reason: string;
}

/**
 * What holds after the row of an edge was `read`: what is in memory may be newer than that. `before` was there when the
 * reading began, `now` is there at its end.
 */
export function newestAssignment(
  read: EdgeAssignment,
  before: EdgeAssignment | undefined,
  now: EdgeAssignment | undefined,
): EdgeAssignment {
  if (now === undefined || now === before) return read;
  // An answer of the edge came meanwhile, or its generation was raised; a generation never falls.
  const raised = now.desired.generation > read.desired.generation;
  const desired = raised ? { ...read.desired, generation: now.desired.generation } : read.desired;
  return { ...read, desired, applied: now.applied, rejection: now.rejection };
}

/** The rejection, while what was refused is still desired. */
export function standingRejection({ desired, rejection }: EdgeAssignment): RecordedRejection | undefined {
  return rejection?.hash.equals(desired.hash) ? rejection : undefined;
}
