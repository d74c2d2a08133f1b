import { copyOctets } from '../../bytes/octets.js';
import { ScratchOctets } from '../../bytes/scratch-octets.js';
import { ESP } from '../../wire/esp.js';
import type { EspTransform, EspTransformOptions } from '../esp-transform.js';
import type { KeyedAead } from '../provider.js';
import type { CombinedSuite } from '../suites.js';
import { AAD_LENGTH, keyAead, loadNonce, writeAad, writeCounterIv } from './nonce.js';

/** RFC 4543: the payload goes in clear; SPI, sequence number, IV and payload are all additional data. */
export class GmacTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #aead: KeyedAead;
  readonly #nonce: Uint8Array;
  readonly #salt: number;
  readonly #esn: boolean;
  readonly #scratch = new ScratchOctets();
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
    const covered = this.#scratch.room(length + AAD_LENGTH);
    const coveredLength = this.#cover(covered, packet, offset, length, sequenceHigh);
    this.#aead.seal(this.#nonce, covered, coveredLength, packet, offset + length - this.icvLength, 0);
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    sequenceHigh: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const covered = this.#scratch.room(length + AAD_LENGTH);
    const coveredLength = this.#cover(covered, packet, offset, length, sequenceHigh);
    const icv = offset + length - this.icvLength;
    if (!this.#aead.open(this.#nonce, covered, coveredLength, packet, icv, 0, this.#icv, 0)) return false;
    const header = ESP.headerLength + this.ivLength;
    copyOctets(packet, offset + header, length - header - this.icvLength, out, outOffset);
    return true;
  }

  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
  }

  #cover(covered: Uint8Array, packet: Uint8Array, offset: number, length: number, sequenceHigh: number): number {
    loadNonce(this.#nonce, this.#salt, this.ivLength, packet, offset, sequenceHigh);
    const header = writeAad(covered, packet, offset, sequenceHigh, this.#esn);
    const rest = length - ESP.headerLength - this.icvLength;
    copyOctets(packet, offset + ESP.headerLength, rest, covered, header);
    return header + rest;
  }
}
