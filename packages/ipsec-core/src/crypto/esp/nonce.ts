import { copyOctets, readUint32, writeUint32 } from '../../bytes/octets.js';
import { ESP } from '../../wire/esp.js';
import type { EspTransformOptions } from '../esp-transform.js';
import type { KeyedAead } from '../provider.js';
import type { CombinedSuite } from '../suites.js';

/** Keys an AEAD and puts the salt, which follows the key in the keying material, at the start of the nonce. */
export function keyAead(suite: CombinedSuite, options: EspTransformOptions, nonce: Uint8Array): KeyedAead {
  const { keyingMaterial, direction } = options;
  const keyLength = options.suite.keyBits / 8;
  copyOctets(keyingMaterial, keyLength, suite.saltLength, nonce, 0);
  return options.provider.aead(suite.algorithm, keyingMaterial.subarray(0, keyLength), suite.icvLength, direction);
}

/** RFC 4106 section 3.1: the IV must be unique per key; the sequence number is, and stays so with ESN. */
export function writeCounterIv(packet: Uint8Array, offset: number, sequenceHigh: number): void {
  writeUint32(packet, offset + ESP.headerLength, sequenceHigh);
  writeUint32(packet, offset + ESP.headerLength + 4, readUint32(packet, offset + ESP.sequence));
}

/** At `at`, behind the salt, comes the IV or, when implicit, the sequence number (RFC 8750). */
export function loadNonce(
  nonce: Uint8Array,
  at: number,
  ivLength: number,
  packet: Uint8Array,
  offset: number,
  sequenceHigh: number,
): void {
  if (ivLength === 0) {
    writeUint32(nonce, at, sequenceHigh);
    copyOctets(packet, offset + ESP.sequence, 4, nonce, at + 4);
  } else {
    copyOctets(packet, offset + ESP.headerLength, ivLength, nonce, at);
  }
}

/** RFC 4106 section 5: SPI and sequence number, with ESN all 64 bits of it. Returns the octets written at `at`. */
export function writeAad(
  aad: Uint8Array,
  at: number,
  packet: Uint8Array,
  offset: number,
  sequenceHigh: number,
  esn: boolean,
): number {
  writeUint32(aad, at, readUint32(packet, offset + ESP.spi));
  if (!esn) {
    writeUint32(aad, at + 4, readUint32(packet, offset + ESP.sequence));
    return 8;
  }
  writeUint32(aad, at + 4, sequenceHigh);
  writeUint32(aad, at + 8, readUint32(packet, offset + ESP.sequence));
  return 12;
}
