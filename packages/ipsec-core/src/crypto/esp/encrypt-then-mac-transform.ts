import { equalConstantTime } from '../../bytes/compare.js';
import { copyOctets, writeUint32 } from '../../bytes/octets.js';
import { ESP } from '../../wire/esp.js';
import type { EspTransform, EspTransformOptions } from '../esp-transform.js';
import type { KeyedCipher, KeyedMac } from '../provider.js';
import type { IntegritySuite, SeparateSuite } from '../suites.js';
import { type EspRun, openEach, sealEach } from './esp-run.js';
import { writeCounterIv } from './nonce.js';

/** Encrypt, then MAC over everything from SPI to trailer and, with ESN, the high half behind it (RFC 4303 §2.2.1). */
export class EncryptThenMacTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #cipher: KeyedCipher | undefined;
  readonly #mac: KeyedMac;
  readonly #random: (out: Uint8Array) => void;
  /** CBC: random octets for the IVs to come, drawn many at a time; what was used is wiped. */
  readonly #ivs: Uint8Array;
  #nextIv: number;
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
    this.#ivs = new Uint8Array(suite.algorithm === 'aes-cbc' && direction === 'outbound' ? IVS * suite.ivLength : 0);
    this.#nextIv = this.#ivs.length;
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
      if (this.#nextIv === this.#ivs.length) {
        this.#random(this.#ivs);
        this.#nextIv = 0;
      }
      copyOctets(this.#ivs, this.#nextIv, this.ivLength, packet, offset + ESP.headerLength);
      this.#ivs.fill(0, this.#nextIv, this.#nextIv + this.ivLength);
      this.#nextIv += this.ivLength;
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

  sealRun(packets: Uint8Array, run: EspRun): void {
    sealEach(this, packets, run);
  }

  openRun(packets: Uint8Array, run: EspRun, out: Uint8Array): void {
    openEach(this, packets, run, out);
  }

  destroy(): void {
    this.#cipher?.destroy();
    this.#mac.destroy();
    this.#iv.fill(0);
    this.#ivs.fill(0);
    this.#nextIv = this.#ivs.length;
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

/** A draw from the random source costs more than sixteen octets of it. */
const IVS = 64;
