import { equalConstantTime } from '../../bytes/compare.js';
import { copyOctets } from '../../bytes/octets.js';
import { ESP } from '../../wire/esp.js';
import type { EspTransform, EspTransformOptions } from '../esp-transform.js';
import { GMAC_LENGTH, type KeyedGmac } from '../provider.js';
import type { CombinedSuite } from '../suites.js';
import { type EspRun, openEach, sealEach } from './esp-run.js';
import { loadNonce, writeAad, writeCounterIv } from './nonce.js';

/**
 * RFC 4543: the payload goes in clear; SPI, sequence number, IV and payload are all covered. Without ESN that is the
 * packet as it stands; with ESN the high half of the number counts between SPI and low half.
 */
export class GmacTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength = GMAC_LENGTH;
  readonly alignment: number;
  readonly #gmac: KeyedGmac;
  readonly #nonce: Uint8Array;
  readonly #salt: number;
  readonly #esn: boolean;
  /** ESN: SPI and both halves of the number, which stand otherwise in the packet. */
  readonly #head: Uint8Array;
  readonly #computed = new Uint8Array(GMAC_LENGTH);

  constructor(suite: CombinedSuite, options: EspTransformOptions) {
    const keyLength = options.suite.keyBits / 8;
    this.ivLength = suite.ivLength;
    this.alignment = suite.alignment;
    this.#salt = suite.saltLength;
    this.#esn = options.extendedSequenceNumbers;
    this.#head = new Uint8Array(this.#esn ? EXTENDED_HEADER : 0);
    this.#nonce = new Uint8Array(suite.saltLength + 8);
    copyOctets(options.keyingMaterial, keyLength, suite.saltLength, this.#nonce, 0);
    this.#gmac = options.provider.gmac(options.keyingMaterial.subarray(0, keyLength));
  }

  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    writeCounterIv(packet, offset, sequenceHigh);
  }

  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    this.#compute(packet, offset, length, sequenceHigh);
    copyOctets(this.#computed, 0, GMAC_LENGTH, packet, offset + length - GMAC_LENGTH);
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    this.#compute(packet, offset, length, sequenceHigh);
    if (!equalConstantTime(this.#computed, 0, packet, offset + length - GMAC_LENGTH, GMAC_LENGTH)) return false;
    const header = ESP.headerLength + this.ivLength;
    copyOctets(packet, offset + header, length - header - GMAC_LENGTH, out, outOffset);
    return true;
  }

  sealRun(packets: Uint8Array, run: EspRun): void {
    sealEach(this, packets, run);
  }

  openRun(packets: Uint8Array, run: EspRun, out: Uint8Array): void {
    openEach(this, packets, run, out);
  }

  destroy(): void {
    this.#gmac.destroy();
    this.#nonce.fill(0);
    this.#computed.fill(0);
  }

  #compute(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    loadNonce(this.#nonce, this.#salt, this.ivLength, packet, offset, sequenceHigh);
    if (this.#esn) writeAad(this.#head, 0, packet, offset, sequenceHigh, true);
    const skipped = this.#esn ? ESP.headerLength : 0;
    const covered = length - skipped - GMAC_LENGTH;
    this.#gmac.compute(this.#nonce, this.#head, packet, offset + skipped, covered, NOTHING, this.#computed);
  }
}

const EXTENDED_HEADER = 12;
const NOTHING = new Uint8Array(0);
