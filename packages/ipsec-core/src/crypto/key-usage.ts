import type { AhIntegrityName } from './ah-transform.js';
import { ENCRYPTION, type EncryptionName, INTEGRITY, type IntegrityName } from './suites.js';

/** How much one key may protect before the association must end, in either direction. */
export interface KeyUsageLimit {
  readonly packets: number;
  /** Inner octets. */
  readonly octets: number;
}

/**
 * The limit of an ESP suite, whatever lifetime was configured: the strictest of its encryption and its integrity. IVs and
 * nonces need no limit of their own: they are the sequence number, which ends the association before it would repeat
 * (RFC 4106 section 3.1, RFC 3686 section 3.1, RFC 8750 section 4), and CBC takes random ones. `padTo`: the multiple of
 * octets that payloads are padded to, which are encrypted but no inner octets.
 */
export function espKeyUsageLimit(
  encryption: EncryptionName,
  integrity: IntegrityName | undefined,
  padTo: number,
): KeyUsageLimit {
  const algorithms = [ENCRYPTION[encryption]?.algorithm, integrity && INTEGRITY[integrity]?.algorithm];
  const { packets, octets } = strictest(
    algorithms.flatMap((algorithm) => (algorithm === undefined ? [] : [limitOf(algorithm)])),
  );
  return { packets: Math.min(packets, Math.floor(octets / (4 * padTo))), octets };
}

export function ahKeyUsageLimit(integrity: AhIntegrityName): KeyUsageLimit {
  return limitOf(integrity === 'aes-gmac' ? 'aes-gcm' : (INTEGRITY[integrity]?.algorithm ?? ''));
}

function limitOf(algorithm: string): KeyUsageLimit {
  if (algorithm === 'aes-ccm') return CCM;
  return algorithm.startsWith('aes-') ? AES : COUNTERS;
}

function strictest(limits: readonly KeyUsageLimit[]): KeyUsageLimit {
  return limits.reduce(
    (one, other) => ({
      packets: Math.min(one.packets, other.packets),
      octets: Math.min(one.octets, other.octets),
    }),
    COUNTERS,
  );
}

/**
 * AES has blocks of 128 bits. After s + q blocks under one key an attacker tells its output from random with an
 * advantage of at most (s + q + 1)^2 / 2^129 in GCM (draft-irtf-cfrg-aead-limits-11 section 6.2), and about twice that in
 * CBC, CTR, CMAC and XCBC. With at most 2^38 blocks of payload and 5 more for each of 2^35 packets (additional data, a
 * trailer, a last block that is not full, the counter block of the tag) the advantage stays below 2^-50, the target of the
 * example there (section 6.5). That is 4 TiB: two hours and a half at 4 Gb/s.
 */
const AES: KeyUsageLimit = { packets: 2 ** 35, octets: 2 ** 42 };
/** CCM calls AES twice for each block: (2L * q)^2 / 2^128 (section 6.4 there). Half of everything, the same advantage. */
const CCM: KeyUsageLimit = { packets: 2 ** 34, octets: 2 ** 41 };
/**
 * ChaCha20 "implies there is no limit" (section 6.3 there), and HMAC-SHA1 and HMAC-SHA2 would collide after 2^80 packets
 * and more. What remains is what the counters of an association hold exactly.
 */
const COUNTERS: KeyUsageLimit = { packets: Number.MAX_SAFE_INTEGER, octets: Number.MAX_SAFE_INTEGER };
