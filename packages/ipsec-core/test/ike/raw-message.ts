import { concatenate } from '../../src/crypto/ike/prf.js';
import { createSkCipher } from '../../src/crypto/ike/sk-cipher.js';
import type { IkeSa } from '../../src/ike/ike-sa.js';
import { encodeHeader, HEADER_LENGTH } from '../../src/wire/ike/header.js';
import { PAYLOAD } from '../../src/wire/ike/iana.js';
import { PAYLOAD_HEADER, payloadHeader } from '../../src/wire/ike/payload-chain.js';

export interface RawRequest {
  readonly exchange: number;
  readonly messageId: number;
  /** Type of the first payload inside. */
  readonly first: number;
  /** The payloads inside, whatever they are. */
  readonly octets: Uint8Array;
  /** The octet of the critical bit and the reserved ones in the header of the Encrypted payload; 0 without it. */
  readonly reserved?: number;
}

/** A request of `sa` that its peer takes for authentic, with content that no engine would send. */
export function rawRequest(sa: IkeSa, { exchange, messageId, first, octets, reserved = 0 }: RawRequest): Uint8Array {
  const { keys, initiatorSpi, responderSpi, host } = sa;
  const fromInitiator = sa.role === 'initiator';
  const cipher = createSkCipher({
    provider: host.provider,
    suite: keys.suite,
    encryptionKey: fromInitiator ? keys.ei : keys.er,
    integrityKey: fromInitiator ? keys.ai : keys.ar,
    direction: 'outbound',
    random: host.random,
  });
  const sealed = cipher.sealedLength(octets.length);
  const header = { initiatorSpi, responderSpi, exchange, messageId, fromInitiator, response: false };
  const aad = concatenate([
    encodeHeader(header, PAYLOAD.SK, HEADER_LENGTH + PAYLOAD_HEADER + sealed),
    payloadHeader(first, sealed),
  ]);
  aad[HEADER_LENGTH + 1] = reserved;
  const message = concatenate([aad, cipher.seal(aad, octets)]);
  cipher.destroy();
  return message;
}
