import { Secret } from '@weft/ipsec-core';
import type { StateDirectory } from '../platform/state-directory.js';

/**
 * What the crash detection tokens of this edge are made from (RFC 6290 section 5.1). It outlives the process: a peer that
 * speaks on an IKE SA of the one before is shown the token of that SA, and need not wait for its retransmissions to know that
 * it is gone. Made when there is none. Throws StateError.
 */
export async function crashDetectionSecret(
  state: Pick<StateDirectory, 'read' | 'write'>,
  random: (out: Uint8Array) => void,
): Promise<Secret> {
  const kept = await state.read(FILE);
  if (kept?.length === OCTETS) return new Secret(Uint8Array.from(kept));
  const made = new Uint8Array(OCTETS);
  random(made);
  await state.write(FILE, made);
  return new Secret(made);
}

const FILE = 'ike-crash-detection-secret';
const OCTETS = 32;
