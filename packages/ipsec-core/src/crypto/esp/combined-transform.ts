import { ESP } from '../../wire/esp.js';
import type { EspTransform, EspTransformOptions } from '../esp-transform.js';
import type { KeyedAead } from '../provider.js';
import type { CombinedSuite } from '../suites.js';
import { keyAead, loadNonce, writeAad, writeCounterIv } from './nonce.js';

/** AES-GCM (RFC 4106), AES-CCM (RFC 4309), ChaCha20-Poly1305 (RFC 7634), with explicit or implicit IV (RFC 8750). */
export class CombinedTransform implements EspTransform {
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
