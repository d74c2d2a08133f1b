import { equalConstantTime } from '../bytes/compare.js';
import { copyOctets, readUint32, writeUint32 } from '../bytes/octets.js';
import { SecurityAssociationError } from '../errors.js';
import { ESP, type EspLengths } from '../wire/esp.js';
import type { CryptoProvider, Direction, KeyedAead, KeyedCipher, KeyedMac } from './provider.js';
import {
  type CombinedSuite,
  ENCRYPTION,
  type EncryptionName,
  FORBIDDEN,
  INTEGRITY,
  type IntegrityName,
  type IntegritySuite,
  type SeparateSuite,
} from './suites.js';

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
  checkNames(suite);
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
    if (suite.integrity !== undefined) {
      throw new SecurityAssociationError(
        'INTEGRITY_NOT_ALLOWED',
        `${suite.encryption} has its own integrity: leave ${suite.integrity} out.`,
      );
    }
    if (!provider.aeads.includes(encryption.algorithm)) throw notOffered(provider, encryption.algorithm);
    return encryption.authenticateOnly
      ? new GmacTransform(encryption, options)
      : new AeadTransform(encryption, options);
  }
  if (suite.integrity === undefined) {
    throw new SecurityAssociationError(
      'INTEGRITY_REQUIRED',
      `${suite.encryption} without integrity is refused (RFC 8221 section 4): add an integrity algorithm.`,
    );
  }
  const integrity = INTEGRITY[suite.integrity];
  if (encryption.algorithm !== undefined && !provider.ciphers.includes(encryption.algorithm)) {
    throw notOffered(provider, encryption.algorithm);
  }
  if (!provider.macs.includes(integrity.algorithm)) throw notOffered(provider, integrity.algorithm);
  return new EncryptThenMacTransform(encryption, integrity, options);
}

/** Names come from configuration, so the type alone does not make them sound. */
function checkNames({ encryption, integrity }: EspSuite): void {
  checkName(encryption, ENCRYPTION);
  const unsound: string | undefined = integrity;
  if (unsound === 'none') {
    throw new SecurityAssociationError('INTEGRITY_REQUIRED', 'Encryption without integrity is refused (RFC 8221 §4).');
  }
  if (integrity !== undefined) checkName(integrity, INTEGRITY);
}

function checkName(name: string, known: Readonly<Record<string, unknown>>): void {
  if (Object.hasOwn(known, name)) return;
  const why = Object.hasOwn(FORBIDDEN, name) ? FORBIDDEN[name] : undefined;
  if (why !== undefined) throw new SecurityAssociationError('ALGORITHM_FORBIDDEN', `${why}: choose another.`);
  const names = Object.keys(known).join(', ');
  throw new SecurityAssociationError('ALGORITHM_UNKNOWN', `"${name}" is not known: choose one of ${names}.`);
}

class AeadTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #aead: KeyedAead;
  readonly #nonce: Uint8Array;
  readonly #salt: number;
  readonly #esn: boolean;
  readonly #aad = new Uint8Array(12);

  constructor(suite: CombinedSuite, options: EspTransformOptions) {
    this.ivLength = suite.ivLength;
    this.icvLength = suite.icvLength;
    this.alignment = suite.alignment;
    this.#salt = suite.saltLength;
    this.#esn = options.extendedSequenceNumbers;
    this.#nonce = new Uint8Array(suite.saltLength + 8);
    this.#aead = keyAead(suite, options, this.#nonce);
  }

  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    if (this.ivLength !== 0) writeCounterIv(packet, offset, sequenceHigh);
  }

  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    this.#loadNonce(packet, offset, sequenceHigh);
    const aadLength = writeAad(this.#aad, packet, offset, sequenceHigh, this.#esn);
    const header = ESP.headerLength + this.ivLength;
    this.#aead.seal(this.#nonce, this.#aad, aadLength, packet, offset + header, length - header - this.icvLength);
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    this.#loadNonce(packet, offset, sequenceHigh);
    const aadLength = writeAad(this.#aad, packet, offset, sequenceHigh, this.#esn);
    const header = ESP.headerLength + this.ivLength;
    const sealed = length - header - this.icvLength;
    return this.#aead.open(this.#nonce, this.#aad, aadLength, packet, offset + header, sealed, out, outOffset);
  }

  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
  }

  #loadNonce(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    loadNonce(this.#nonce, this.#salt, this.ivLength, packet, offset, sequenceHigh);
  }
}

/** RFC 4543: the payload goes in clear; SPI, sequence number, IV and payload are all additional data. */
class GmacTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #aead: KeyedAead;
  readonly #nonce: Uint8Array;
  readonly #salt: number;
  readonly #esn: boolean;
  readonly #covered = new Uint8Array(MAXIMUM_PACKET + 4);
  readonly #icv: Uint8Array;

  constructor(suite: CombinedSuite, options: EspTransformOptions) {
    this.ivLength = suite.ivLength;
    this.icvLength = suite.icvLength;
    this.alignment = suite.alignment;
    this.#salt = suite.saltLength;
    this.#esn = options.extendedSequenceNumbers;
    this.#icv = new Uint8Array(suite.icvLength);
    this.#nonce = new Uint8Array(suite.saltLength + 8);
    this.#aead = keyAead(suite, options, this.#nonce);
  }

  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    writeCounterIv(packet, offset, sequenceHigh);
  }

  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    const covered = this.#cover(packet, offset, length, sequenceHigh);
    this.#aead.seal(this.#nonce, this.#covered, covered, packet, offset + length - this.icvLength, 0);
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const covered = this.#cover(packet, offset, length, sequenceHigh);
    const icv = offset + length - this.icvLength;
    if (!this.#aead.open(this.#nonce, this.#covered, covered, packet, icv, 0, this.#icv, 0)) return false;
    const header = ESP.headerLength + this.ivLength;
    copyOctets(packet, offset + header, length - header - this.icvLength, out, outOffset);
    return true;
  }

  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
  }

  #cover(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): number {
    loadNonce(this.#nonce, this.#salt, this.ivLength, packet, offset, sequenceHigh);
    const header = writeAad(this.#covered, packet, offset, sequenceHigh, this.#esn);
    const rest = length - ESP.headerLength - this.icvLength;
    copyOctets(packet, offset + ESP.headerLength, rest, this.#covered, header);
    return header + rest;
  }
}

/** Encrypt, then MAC over everything from SPI to trailer and, with ESN, the high half behind it (RFC 4303 §2.2.1). */
class EncryptThenMacTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #cipher: KeyedCipher | undefined;
  readonly #mac: KeyedMac;
  readonly #random: (out: Uint8Array) => void;
  readonly #esn: boolean;
  readonly #counterMode: boolean;
  /** CBC: the IV; CTR: nonce, IV, block counter. */
  readonly #iv = new Uint8Array(16);
  readonly #computed = new Uint8Array(64);
  readonly #received = new Uint8Array(64);

  constructor(suite: SeparateSuite, integrity: IntegritySuite, options: EspTransformOptions) {
    const { keyingMaterial, provider, direction } = options;
    const keyLength = options.suite.keyBits / 8;
    this.ivLength = suite.ivLength;
    this.icvLength = integrity.icvLength;
    this.alignment = suite.alignment;
    this.#random = options.random;
    this.#esn = options.extendedSequenceNumbers;
    this.#counterMode = suite.algorithm === 'aes-ctr';
    this.#cipher =
      suite.algorithm === undefined
        ? undefined
        : provider.cipher(suite.algorithm, keyingMaterial.subarray(0, keyLength), direction);
    copyOctets(keyingMaterial, keyLength, suite.saltLength, this.#iv, 0);
    this.#mac = provider.mac(integrity.algorithm, keyingMaterial.subarray(keyLength + suite.saltLength));
  }

  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    if (this.#cipher === undefined) return;
    if (this.#counterMode) {
      writeCounterIv(packet, offset, sequenceHigh);
    } else {
      // RFC 3602 section 3: the CBC IV must be unpredictable.
      this.#random(this.#iv);
      copyOctets(this.#iv, 0, this.ivLength, packet, offset + ESP.headerLength);
    }
  }

  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    const at = offset + ESP.headerLength + this.ivLength;
    const sealed = length - ESP.headerLength - this.ivLength - this.icvLength;
    this.#transform(packet, offset, at, sealed, packet, at);
    this.#computeIcv(packet, offset, length, sequenceHigh);
    copyOctets(this.#computed, 0, this.icvLength, packet, offset + length - this.icvLength);
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const icv = offset + length - this.icvLength;
    copyOctets(packet, icv, this.icvLength, this.#received, 0);
    this.#computeIcv(packet, offset, length, sequenceHigh);
    copyOctets(this.#received, 0, this.icvLength, packet, icv);
    if (!equalConstantTime(this.#computed, 0, this.#received, 0, this.icvLength)) return false;
    const at = offset + ESP.headerLength + this.ivLength;
    this.#transform(packet, offset, at, length - ESP.headerLength - this.ivLength - this.icvLength, out, outOffset);
    return true;
  }

  destroy(): void {
    this.#cipher?.destroy();
    this.#mac.destroy();
    this.#iv.fill(0);
    this.#computed.fill(0);
  }

  /** Borrows the ICV's place for the high half of the sequence number; callers write the ICV back. */
  #computeIcv(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    const icv = offset + length - this.icvLength;
    if (this.#esn) writeUint32(packet, icv, sequenceHigh);
    this.#mac.compute(packet, offset, length - this.icvLength + (this.#esn ? 4 : 0), this.#computed);
  }

  #transform(packet: Uint8Array, offset: number, at: number, length: number, out: Uint8Array, outOffset: number): void {
    if (this.#cipher === undefined) {
      copyOctets(packet, at, length, out, outOffset);
      return;
    }
    copyOctets(packet, offset + ESP.headerLength, this.ivLength, this.#iv, this.#counterMode ? 4 : 0);
    if (this.#counterMode) writeUint32(this.#iv, 12, 1);
    this.#cipher.apply(this.#iv, packet, at, length, out, outOffset);
  }
}

function keyAead(suite: CombinedSuite, options: EspTransformOptions, nonce: Uint8Array): KeyedAead {
  const { keyingMaterial, direction } = options;
  const keyLength = options.suite.keyBits / 8;
  copyOctets(keyingMaterial, keyLength, suite.saltLength, nonce, 0);
  return options.provider.aead(suite.algorithm, keyingMaterial.subarray(0, keyLength), suite.icvLength, direction);
}

/** RFC 4106 section 3.1: the IV must be unique per key; the sequence number is, and stays so with ESN. */
function writeCounterIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
  writeUint32(packet, offset + ESP.headerLength, sequenceHigh);
  copyOctets(packet, offset + ESP.sequence, 4, packet, offset + ESP.headerLength + 4);
}

/** Salt stands in the nonce already; behind it comes the IV or, when implicit, the sequence number (RFC 8750). */
function loadNonce(
  nonce: Uint8Array,
  salt: number,
  ivLength: number,
  packet: Uint8Array,
  offset: number,
  sequenceHigh: number,
): void {
  if (ivLength === 0) {
    writeUint32(nonce, salt, sequenceHigh);
    copyOctets(packet, offset + ESP.sequence, 4, nonce, salt + 4);
  } else {
    copyOctets(packet, offset + ESP.headerLength, ivLength, nonce, salt);
  }
}

/** RFC 4106 section 5: SPI and sequence number, with ESN all 64 bits of it. */
function writeAad(aad: Uint8Array, packet: Uint8Array, offset: number, sequenceHigh: number, esn: boolean): number {
  writeUint32(aad, 0, readUint32(packet, offset + ESP.spi));
  if (!esn) {
    writeUint32(aad, 4, readUint32(packet, offset + ESP.sequence));
    return 8;
  }
  writeUint32(aad, 4, sequenceHigh);
  writeUint32(aad, 8, readUint32(packet, offset + ESP.sequence));
  return 12;
}

export function notOffered(provider: CryptoProvider, algorithm: string): SecurityAssociationError {
  return new SecurityAssociationError(
    'ALGORITHM_NOT_OFFERED',
    `The crypto provider "${provider.name}" does not offer ${algorithm}: choose another suite or provider.`,
  );
}

const MAXIMUM_PACKET = 65535;
