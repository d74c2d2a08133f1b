import { equalConstantTime } from '../bytes/compare.js';
import { copyOctets, writeUint32 } from '../bytes/octets.js';
import { ScratchOctets } from '../bytes/scratch-octets.js';
import { SecurityAssociationError } from '../errors.js';
import { AH, prepareAhInput } from '../wire/ah.js';
import type { CryptoProvider, Direction, KeyedAead, KeyedMac } from './provider.js';
import { requireKnown, requireOffered } from './requirements.js';
import { INTEGRITY, type IntegrityName } from './suites.js';

/** AUTH_AES_128_GMAC and its siblings (RFC 4543 section 4), or any integrity algorithm of ESP. */
export type AhIntegrityName = IntegrityName | 'aes-gmac';

export interface AhTransformOptions {
  readonly provider: CryptoProvider;
  readonly integrity: AhIntegrityName;
  /** GMAC: 128, 192 or 256; ignored otherwise. */
  readonly keyBits: number;
  /** GMAC: key and four octets of salt. */
  readonly keyingMaterial: Uint8Array;
  readonly extendedSequenceNumbers: boolean;
  readonly direction: Direction;
}

/** What one AH association does to a whole IP packet whose AH header stands at `ahOffset` from its start. */
export interface AhTransform {
  /** Octets of the ICV field without padding; with GMAC the IV is its first part. */
  readonly icvFieldLength: number;
  /** False when an option of the packet cannot be understood; the packet is then unchanged. */
  protect(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean;
  verify(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean;
  destroy(): void;
}

/** Throws SecurityAssociationError when the algorithm is not offered or the keying material does not fit. */
export function createAhTransform(options: AhTransformOptions): AhTransform {
  const { integrity, provider, keyingMaterial, keyBits } = options;
  const gmac = integrity === 'aes-gmac';
  if (!gmac) requireKnown(integrity, INTEGRITY);
  if (gmac && ![128, 192, 256].includes(keyBits)) {
    throw new SecurityAssociationError('KEY_LENGTH', `aes-gmac takes keys of 128, 192, 256 bits, not ${keyBits}.`);
  }
  const needed = gmac ? keyBits / 8 + SALT : INTEGRITY[integrity].keyLength;
  if (keyingMaterial.length !== needed) {
    throw new SecurityAssociationError(
      'KEYING_MATERIAL_LENGTH',
      `${integrity} takes ${needed} octets of keying material, not ${keyingMaterial.length}.`,
    );
  }
  if (gmac) {
    requireOffered(provider, provider.aeads, 'aes-gcm');
    return new AhIcv(new GmacIcv(options), options.extendedSequenceNumbers);
  }
  const suite = INTEGRITY[integrity];
  requireOffered(provider, provider.macs, suite.algorithm);
  return new AhIcv(
    new MacIcv(provider.mac(suite.algorithm, keyingMaterial), suite.icvLength),
    options.extendedSequenceNumbers,
  );
}

/** Computes the value that goes into the ICV field from the covered octets. */
interface Icv {
  readonly ivLength: number;
  readonly icvLength: number;
  /** `iv` points into the packet's ICV field. */
  compute(covered: Uint8Array, length: number, packet: Uint8Array, iv: number, out: Uint8Array): void;
  destroy(): void;
}

class AhIcv implements AhTransform {
  readonly icvFieldLength: number;
  readonly #icv: Icv;
  readonly #esn: boolean;
  readonly #scratch = new ScratchOctets();
  readonly #computed = new Uint8Array(64);

  constructor(icv: Icv, esn: boolean) {
    this.#icv = icv;
    this.#esn = esn;
    this.icvFieldLength = icv.ivLength + icv.icvLength;
  }

  protect(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean {
    const field = offset + ahOffset + AH.icv;
    if (this.#icv.ivLength > 0) {
      writeUint32(packet, field, sequenceHigh);
      copyOctets(packet, offset + ahOffset + AH.sequence, 4, packet, field + 4);
    }
    if (!this.#compute(packet, offset, length, ahOffset, sequenceHigh)) return false;
    copyOctets(this.#computed, 0, this.#icv.icvLength, packet, field + this.#icv.ivLength);
    return true;
  }

  verify(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean {
    if (!this.#compute(packet, offset, length, ahOffset, sequenceHigh)) return false;
    const icv = offset + ahOffset + AH.icv + this.#icv.ivLength;
    return equalConstantTime(this.#computed, 0, packet, icv, this.#icv.icvLength);
  }

  destroy(): void {
    this.#icv.destroy();
    this.#computed.fill(0);
  }

  #compute(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean {
    if (length > MAXIMUM_PACKET) return false;
    const covered = this.#scratch.room(length + 4);
    const { ivLength, icvLength } = this.#icv;
    if (!prepareAhInput(covered, packet, offset, length, ahOffset, ivLength, icvLength)) return false;
    // RFC 4302 section 3.3.3.2.2: the high half counts as if it stood behind the payload.
    if (this.#esn) writeUint32(covered, length, sequenceHigh);
    const total = length + (this.#esn ? 4 : 0);
    this.#icv.compute(covered, total, packet, offset + ahOffset + AH.icv, this.#computed);
    return true;
  }
}

class MacIcv implements Icv {
  readonly ivLength = 0;
  readonly icvLength: number;
  readonly #mac: KeyedMac;

  constructor(mac: KeyedMac, icvLength: number) {
    this.#mac = mac;
    this.icvLength = icvLength;
  }

  compute(covered: Uint8Array, length: number, _packet: Uint8Array, _iv: number, out: Uint8Array): void {
    this.#mac.compute(covered, 0, length, out);
  }

  destroy(): void {
    this.#mac.destroy();
  }
}

class GmacIcv implements Icv {
  readonly ivLength = 8;
  readonly icvLength = 16;
  readonly #aead: KeyedAead;
  readonly #nonce = new Uint8Array(SALT + 8);

  constructor(options: AhTransformOptions) {
    const { provider, keyingMaterial, keyBits } = options;
    copyOctets(keyingMaterial, keyBits / 8, SALT, this.#nonce, 0);
    // Both directions compute and compare, so both seal.
    this.#aead = provider.aead('aes-gcm', keyingMaterial.subarray(0, keyBits / 8), this.icvLength, 'outbound');
  }

  compute(covered: Uint8Array, length: number, packet: Uint8Array, iv: number, out: Uint8Array): void {
    copyOctets(packet, iv, this.ivLength, this.#nonce, SALT);
    this.#aead.seal(this.#nonce, covered, length, out, 0, 0);
  }

  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
  }
}

const SALT = 4;
const MAXIMUM_PACKET = 65535;
