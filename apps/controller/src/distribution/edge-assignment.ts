import type { Bundle } from '@weft/contracts/southbound';

/** What an edge should run, and what it has said of it. A value: changes replace it. */
export interface EdgeAssignment {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly desired: DesiredBundle;
  readonly applied: AppliedBundle | undefined;
  readonly rejection: RecordedRejection | undefined;
}

export interface DesiredBundle {
  /** The newest compiled revision. */
  readonly revision: number;
  readonly generation: bigint;
  readonly hash: Buffer;
  readonly octets: Buffer;
  readonly bundle: Bundle;
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

/** The rejection, while what was refused is still desired. */
export function standingRejection({ desired, rejection }: EdgeAssignment): RecordedRejection | undefined {
  return rejection?.hash.equals(desired.hash) ? rejection : undefined;
}
