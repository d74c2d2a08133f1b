import { sha1 } from '@noble/hashes/legacy.js';
import { concatenate } from './prf.js';

/**
 * NAT_DETECTION_*_IP data: SHA-1(SPIi | SPIr | address | port), RFC 7296 section 2.23. SHA-1 is used as a checksum of
 * public values here; nothing depends on its strength.
 */
export function natDetectionHash(
  initiatorSpi: Uint8Array,
  responderSpi: Uint8Array,
  endpoint: { readonly address: Uint8Array; readonly port: number },
): Uint8Array {
  const port = Uint8Array.of(endpoint.port >>> 8, endpoint.port);
  return sha1(concatenate([initiatorSpi, responderSpi, endpoint.address, port]));
}
