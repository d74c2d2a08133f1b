import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '@weft/ipsec-core/ike';

/**
 * Random octets of OpenSSL, drawn in blocks: a handshake asks a dozen times for a few octets, and a call into OpenSSL costs
 * as much as a hash. What was given out is overwritten in the block, so that nothing given is ever given again or found later.
 */
export function nodeRandom(): RandomSource {
  const block = new Uint8Array(BLOCK);
  let at = BLOCK;
  return (out) => {
    if (out.length > BLOCK) {
      randomFillSync(out);
      return;
    }
    if (at + out.length > BLOCK) {
      randomFillSync(block);
      at = 0;
    }
    out.set(block.subarray(at, at + out.length));
    block.fill(0, at, at + out.length);
    at += out.length;
  };
}

const BLOCK = 4096;
