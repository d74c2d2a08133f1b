import { readUint32 } from '../../bytes/octets.js';
import { ESP } from '../../wire/esp.js';
import type { EspTransform, EspTransformOptions } from '../esp-transform.js';
import { type AeadPackets, type KeyedAead, RUN_STRIDE } from '../provider.js';
import type { CombinedSuite } from '../suites.js';
import { type EspRun, openEach, sealEach } from './esp-run.js';
import { keyAead, loadNonce, writeAad, writeCounterIv } from './nonce.js';

/** AES-GCM (RFC 4106), AES-CCM (RFC 4309), ChaCha20-Poly1305 (RFC 7634), with explicit or implicit IV (RFC 8750). */
export class CombinedTransform implements EspTransform {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  readonly #aead: KeyedAead;
  readonly #nonce: Uint8Array;
  readonly #salt: number;
  /** The salt of a nonce of 12 octets. */
  #saltWord: number;
  readonly #esn: boolean;
  readonly #aad = new Uint8Array(12);
  #viewed: Uint8Array = this.#aad;
  #view: DataView = new DataView(this.#aad.buffer);

  constructor(suite: CombinedSuite, options: EspTransformOptions) {
    this.ivLength = suite.ivLength;
    this.icvLength = suite.icvLength;
    this.alignment = suite.alignment;
    this.#salt = suite.saltLength;
    this.#esn = options.extendedSequenceNumbers;
    this.#nonce = new Uint8Array(suite.saltLength + 8);
    this.#aead = keyAead(suite, options, this.#nonce);
    this.#saltWord = wordOf(readUint32(this.#nonce, 0));
  }

  writeIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    if (this.ivLength !== 0) writeCounterIv(packet, offset, sequenceHigh);
  }

  seal(packet: Uint8Array, offset: number, length: number, sequenceHigh: number): void {
    this.#loadNonce(packet, offset, sequenceHigh);
    const aadLength = writeAad(this.#aad, 0, packet, offset, sequenceHigh, this.#esn);
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
    const aadLength = writeAad(this.#aad, 0, packet, offset, sequenceHigh, this.#esn);
    const header = ESP.headerLength + this.ivLength;
    const sealed = length - header - this.icvLength;
    return this.#aead.open(this.#nonce, this.#aad, aadLength, packet, offset + header, sealed, out, outOffset);
  }

  sealRun(packets: Uint8Array, run: EspRun): void {
    const { runs } = this.#aead;
    if (runs === undefined) sealEach(this, packets, run);
    else runs.seal(run.count, this.#describe(packets, run, runs.packets), packets);
  }

  openRun(packets: Uint8Array, run: EspRun, out: Uint8Array): void {
    const { runs } = this.#aead;
    if (runs === undefined) {
      openEach(this, packets, run, out);
      return;
    }
    const aadLength = this.#describe(packets, run, runs.packets);
    for (let i = 0; i < run.count; i++) runs.packets.outOffsets[i] = run.outOffsets[i] ?? 0;
    runs.open(run.count, aadLength, packets, out);
    for (let i = 0; i < run.count; i++) run.authentic[i] = runs.packets.authentic[i] ?? 0;
  }

  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
    this.#saltWord = 0;
  }

  /** Nonce, additional data and place of each packet, as for one of them alone. Returns the octets of additional data. */
  #describe(packets: Uint8Array, run: EspRun, { nonces, aads, offsets, lengths }: AeadPackets): number {
    const view = this.#viewOf(packets);
    const header = ESP.headerLength + this.ivLength;
    const implicit = this.ivLength === 0;
    for (let i = 0; i < run.count; i++) {
      const at = i * RUN_WORDS;
      const offset = run.offsets[i] ?? 0;
      const high = wordOf(run.sequenceHigh[i] ?? 0);
      const low = view.getUint32(offset + ESP.sequence, LITTLE_ENDIAN);
      nonces[at] = this.#saltWord;
      nonces[at + 1] = implicit ? high : view.getUint32(offset + ESP.headerLength, LITTLE_ENDIAN);
      nonces[at + 2] = implicit ? low : view.getUint32(offset + ESP.headerLength + 4, LITTLE_ENDIAN);
      aads[at] = view.getUint32(offset + ESP.spi, LITTLE_ENDIAN);
      aads[at + 1] = this.#esn ? high : low;
      aads[at + 2] = low;
      offsets[i] = offset + header;
      lengths[i] = (run.lengths[i] ?? 0) - header - this.icvLength;
    }
    return this.#esn ? 12 : 8;
  }

  /** A view reads four octets at once; one of the memory that packets always come in is kept. */
  #viewOf(packets: Uint8Array): DataView {
    if (this.#viewed !== packets) {
      this.#viewed = packets;
      this.#view = new DataView(packets.buffer, packets.byteOffset, packets.length);
    }
    return this.#view;
  }

  #loadNonce(packet: Uint8Array, offset: number, sequenceHigh: number): void {
    loadNonce(this.#nonce, this.#salt, this.ivLength, packet, offset, sequenceHigh);
  }
}

/** A number as its four octets are read in one piece by this machine. */
function wordOf(value: number): number {
  if (!LITTLE_ENDIAN) return value;
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const RUN_WORDS = RUN_STRIDE / 4;
