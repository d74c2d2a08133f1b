import { equalConstantTime } from '../bytes/compare.js';
import { copyOctets, writeUint32 } from '../bytes/octets.js';
import { ScratchOctets } from '../bytes/scratch-octets.js';
import { SecurityAssociationError } from '../errors.js';
import { AH, maskMutableFields } from '../wire/ah.js';
import { type CryptoProvider, type Direction, GMAC_LENGTH, type KeyedGmac, type KeyedMac } from './provider.js';
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
  /** Writes the ICV field. False when a header or option of the packet cannot be understood. */
  protect(packet: Uint8Array, offset: number, length: number, ahOffset: number, sequenceHigh: number): boolean;
  /** The packet is the same afterwards; during the call it is not. */
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

/** Octets of the ICV field of an algorithm without padding, without making an association. */
export function ahIcvFieldLength(integrity: AhIntegrityName): number {
  return integrity === 'aes-gmac' ? GMAC_IV_LENGTH + GMAC_LENGTH : INTEGRITY[integrity].icvLength;
}

/** Computes the value that goes into the ICV field. */
interface Icv {
  readonly ivLength: number;
  readonly icvLength: number;
  /** Over the packet as it stands and `tail`; `iv` points into its ICV field. */
  compute(packet: Uint8Array, offset: number, length: number, iv: number, tail: Uint8Array, out: Uint8Array): void;
  destroy(): void;
}

/** The packet is not copied: its headers are masked, counted, and put back, and the payload is read where it stands. */
class AhIcv implements AhTransform {
  readonly icvFieldLength: number;
  readonly #icv: Icv;
  /** ESN: the high half of the number. RFC 4302 section 3.3.3.2.2: it counts as if it stood behind the payload. */
  readonly #high: Uint8Array;
  /** The headers up to the end of the ICV while they are masked. */
  readonly #headers = new ScratchOctets();
  readonly #computed = new Uint8Array(64);

  constructor(icv: Icv, esn: boolean) {
    this.#icv = icv;
    this.#high = new Uint8Array(esn ? 4 : 0);
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
    const { ivLength, icvLength } = this.#icv;
    const masked = ahOffset + AH.icv + this.icvFieldLength;
    if (masked > length) return false;
    const headers = this.#headers.room(masked);
    copyOctets(packet, offset, masked, headers, 0);
    try {
      if (!maskMutableFields(packet, offset, ahOffset, ivLength, icvLength)) return false;
      if (this.#high.length > 0) writeUint32(this.#high, 0, sequenceHigh);
      this.#icv.compute(packet, offset, length, offset + ahOffset + AH.icv, this.#high, this.#computed);
      return true;
    } finally {
      copyOctets(headers, 0, masked, packet, offset);
    }
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

  compute(packet: Uint8Array, offset: number, length: number, _: number, tail: Uint8Array, out: Uint8Array): void {
    this.#mac.compute(packet, offset, length, out, tail);
  }

  destroy(): void {
    this.#mac.destroy();
  }
}

class GmacIcv implements Icv {
  readonly ivLength = GMAC_IV_LENGTH;
  readonly icvLength = GMAC_LENGTH;
  readonly #gmac: KeyedGmac;
  readonly #nonce = new Uint8Array(SALT + GMAC_IV_LENGTH);

  constructor({ provider, keyingMaterial, keyBits }: AhTransformOptions) {
    copyOctets(keyingMaterial, keyBits / 8, SALT, this.#nonce, 0);
    this.#gmac = provider.gmac(keyingMaterial.subarray(0, keyBits / 8));
  }

  compute(packet: Uint8Array, offset: number, length: number, iv: number, tail: Uint8Array, out: Uint8Array): void {
    copyOctets(packet, iv, this.ivLength, this.#nonce, SALT);
    this.#gmac.compute(this.#nonce, NOTHING, packet, offset, length, tail, out);
  }

  destroy(): void {
    this.#gmac.destroy();
    this.#nonce.fill(0);
  }
}

const SALT = 4;
const GMAC_IV_LENGTH = 8;
const NOTHING = new Uint8Array(0);
