import type { ChildConfiguration } from './connection.js';
import type { ChildAssociation } from './outputs.js';

/** One Child SA pair, from its installation to its removal. */
export interface ChildSa {
  readonly association: ChildAssociation;
  readonly configuration: ChildConfiguration;
  /** When we shall rekey it. */
  rekeyAt: number;
  phase: 'live' | 'rekeying' | 'deleting' | 'gone';
  /** Traffic goes out through it; false for a successor whose predecessor the peer has not deleted yet. */
  outboundInUse: boolean;
  /** The peer's rekey of this SA that we granted: what section 2.8.1 compares when ours is under way too. */
  peerRekey: { readonly lowestNonce: Uint8Array; readonly successor: ChildSa } | undefined;
}

/** "compared octet by octet"; of different lengths that agree so far, the shorter is lower (section 2.8.1). */
export function compareNonces(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function lowerNonce(left: Uint8Array, right: Uint8Array): Uint8Array {
  return compareNonces(left, right) <= 0 ? left : right;
}
