/** What is known of one connected edge, for deciding whether it gets a bundle now. */
export interface DeliveryView {
  readonly desiredHash: Uint8Array | undefined;
  /** What the edge runs, by its own word. */
  readonly runningHash: Uint8Array | undefined;
  /** A push that waits for its answer. */
  readonly awaitedHash: Uint8Array | undefined;
  /** The last bundle that the edge refused. */
  readonly rejectedHash: Uint8Array | undefined;
}

/**
 * Whether to push the desired bundle. One push waits for its answer at any time, so that what becomes desired
 * meanwhile coalesces; what was refused is not sent again until something else is desired.
 */
export function shouldPush({ desiredHash, runningHash, awaitedHash, rejectedHash }: DeliveryView): boolean {
  if (desiredHash === undefined || awaitedHash !== undefined) return false;
  return !sameOctets(desiredHash, runningHash) && !sameOctets(desiredHash, rejectedHash);
}

function sameOctets(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}
