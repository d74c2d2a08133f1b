import { SecurityAssociationError } from '../errors.js';
import type { EspLengths } from '../wire/esp.js';
import { CombinedTransform } from './esp/combined-transform.js';
import { EncryptThenMacTransform } from './esp/encrypt-then-mac-transform.js';
import type { EspRun } from './esp/esp-run.js';
import { GmacTransform } from './esp/gmac-transform.js';
import type { CryptoProvider, Direction } from './provider.js';
import { requireKnown, requireOffered } from './requirements.js';
import { ENCRYPTION, type EncryptionName, INTEGRITY, type IntegrityName, type IntegritySuite } from './suites.js';

/** What one association does to the octets of an ESP packet: nonces, additional data, coverage, order of operations. */
export interface EspTransform extends EspLengths {
  /** Writes the IV of the next packet; SPI and sequence number stand already. */
  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void;
  /**
   * Seals in place an ESP packet of `length` octets that starts at `offset`: SPI, sequence number, IV, payload and
   * trailer stand already, the last icvLength octets are written.
   */
  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void;
  /**
   * Checks an ESP packet and writes payload and trailer to `out`. Returns false when it is not authentic. The caller
   * has checked that `length` leaves a positive multiple of the alignment after header, IV and ICV.
   */
  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean;
  /** As `seal` does with each packet of the run. */
  sealRun(packets: Uint8Array, run: EspRun): void;
  /** As `open` does with each packet of the run, into `out`, another array. Answers in `run.authentic`. */
  openRun(packets: Uint8Array, run: EspRun, out: Uint8Array): void;
  destroy(): void;
}

export interface EspSuite {
  readonly encryption: EncryptionName;
  readonly keyBits: number;
  readonly integrity: IntegrityName | undefined;
}

export interface EspTransformOptions {
  readonly provider: CryptoProvider;
  readonly random: (out: Uint8Array) => void;
  readonly suite: EspSuite;
  /** Encryption key, salt, integrity key, in this order (RFC 7296 section 2.17, RFC 4106 section 8.1). */
  readonly keyingMaterial: Uint8Array;
  readonly extendedSequenceNumbers: boolean;
  readonly direction: Direction;
}

/** Octets of keying material that a suite takes. */
export function espKeyingMaterialLength(suite: EspSuite): number {
  const integrity = suite.integrity === undefined ? 0 : INTEGRITY[suite.integrity].keyLength;
  return suite.keyBits / 8 + ENCRYPTION[suite.encryption].saltLength + integrity;
}

/** IV, ICV and alignment of a suite, without making an association. */
export function espLengths(suite: EspSuite): EspLengths {
  const encryption = ENCRYPTION[suite.encryption];
  const icv = suite.integrity === undefined ? 0 : INTEGRITY[suite.integrity].icvLength;
  return {
    ivLength: encryption.ivLength,
    icvLength: encryption.kind === 'combined' ? encryption.icvLength : icv,
    alignment: encryption.alignment,
  };
}

/** Throws SecurityAssociationError when the suite is not sound, not offered, or the keying material does not fit. */
export function createEspTransform(options: EspTransformOptions): EspTransform {
  const { suite, provider } = options;
  requireKnown(suite.encryption, ENCRYPTION);
  if (suite.integrity !== undefined) requireKnown(suite.integrity, INTEGRITY);
  const encryption = ENCRYPTION[suite.encryption];
  if (!encryption.keyBits.includes(suite.keyBits)) {
    throw new SecurityAssociationError(
      'KEY_LENGTH',
      `${suite.encryption} takes keys of ${encryption.keyBits.join(', ')} bits, not ${suite.keyBits}.`,
    );
  }
  const needed = espKeyingMaterialLength(suite);
  if (options.keyingMaterial.length !== needed) {
    throw new SecurityAssociationError(
      'KEYING_MATERIAL_LENGTH',
      `This suite takes ${needed} octets of keying material, not ${options.keyingMaterial.length}.`,
    );
  }
  if (encryption.kind === 'combined') {
    requireNoIntegrity(suite);
    requireOffered(provider, provider.aeads, encryption.algorithm);
    return encryption.authenticateOnly
      ? new GmacTransform(encryption, options)
      : new CombinedTransform(encryption, options);
  }
  const integrity = requireIntegrity(suite);
  if (encryption.algorithm !== undefined) requireOffered(provider, provider.ciphers, encryption.algorithm);
  requireOffered(provider, provider.macs, integrity.algorithm);
  return new EncryptThenMacTransform(encryption, integrity, options);
}

function requireNoIntegrity({ encryption, integrity }: EspSuite): void {
  if (integrity === undefined) return;
  throw new SecurityAssociationError(
    'INTEGRITY_NOT_ALLOWED',
    `${encryption} has its own integrity: leave ${integrity} out.`,
  );
}

function requireIntegrity({ encryption, integrity }: EspSuite): IntegritySuite {
  if (integrity !== undefined) return INTEGRITY[integrity];
  throw new SecurityAssociationError(
    'INTEGRITY_REQUIRED',
    `${encryption} without integrity is refused (RFC 8221 section 4): add an integrity algorithm.`,
  );
}
