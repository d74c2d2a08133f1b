import { type AhIntegrityName, type CryptoProvider, createAhTransform, INTEGRITY } from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { type ConformanceItem, concat, expectOctets, expectThat } from './case.js';

/** Every AH packet whose algorithm the provider offers: verified, protected again, and damaged. */
export function* ahItems(provider: CryptoProvider, folder: string): Generator<ConformanceItem> {
  for (const source of ['ah-dpdk', 'generated/esp-ah-scapy']) {
    for (const vector of loadVectors(folder, source).vectors) {
      const integrity = AH_INTEGRITY[vector.text('auth')];
      // generated/esp-ah-scapy holds ESP packets as well; an unknown algorithm shows as a vector that nothing ran.
      if (vector.text('proto') !== 'AH' || integrity === undefined) continue;
      const name = vector.text('name');
      const missing = missingAhAlgorithm(provider, integrity);
      if (missing !== undefined) yield { source, name, reason: `${missing} is not offered` };
      else yield { source, name, run: () => check(provider, vector, integrity) };
    }
  }
}

function check(provider: CryptoProvider, vector: Vector, integrity: AhIntegrityName): void {
  const packet = vector.octets('protectedPacket');
  const key = vector.octets('authKey');
  const gmac = integrity === 'aes-gmac';
  const esn = vector.has('esnHigh');
  const high = esn ? Number.parseInt(vector.text('esnHigh'), 16) : 0;
  const transform = createAhTransform({
    provider,
    integrity,
    keyBits: key.length * 8,
    keyingMaterial: gmac ? concat(key, vector.octets('salt')) : key,
    extendedSequenceNumbers: esn,
    direction: 'inbound',
  });
  const ahOffset = findAh(packet);
  const verify = (octets: Uint8Array, sequenceHigh: number) =>
    transform.verify(octets, 0, octets.length, ahOffset, sequenceHigh);
  expectThat(verify(packet, high), 'the packet was refused');
  if (esn) expectThat(!verify(packet, high ^ 1), 'the high half of the sequence number is not covered');
  for (const at of [ahOffset - 1, ahOffset + 1, packet.length - 1]) {
    const damaged = packet.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expectThat(!verify(damaged, high), `octet ${at} is not covered`);
  }
  if (gmac) return;
  const again = packet.slice();
  again.fill(0, ahOffset + 12, ahOffset + 12 + transform.icvFieldLength);
  expectThat(transform.protect(again, 0, again.length, ahOffset, high), 'the packet was not protected');
  expectOctets(again, packet, 'protected');
}

/** Offset of the AH header behind IPv4 options or IPv6 extension headers. */
function findAh(packet: Uint8Array): number {
  if ((packet[0] ?? 0) >>> 4 === 4) return ((packet[0] ?? 0) & 15) * 4;
  let next = packet[6];
  let at = 40;
  while (next !== 51) {
    if (at >= packet.length) throw new Error('no AH header');
    next = packet[at];
    at += ((packet[at + 1] ?? 0) + 1) * 8;
  }
  return at;
}

/** The algorithm of the integrity when the provider does not list it. */
export function missingAhAlgorithm(provider: CryptoProvider, integrity: AhIntegrityName): string | undefined {
  if (integrity === 'aes-gmac') return provider.aeads.includes('aes-gcm') ? undefined : 'aes-gcm';
  const { algorithm } = INTEGRITY[integrity];
  return provider.macs.includes(algorithm) ? undefined : algorithm;
}

/** By the names of both files. */
export const AH_INTEGRITY: Readonly<Record<string, AhIntegrityName>> = {
  SHA256_HMAC: 'hmac-sha2-256-128',
  AES_GMAC: 'aes-gmac',
  'HMAC-SHA1-96': 'hmac-sha1-96',
  'SHA2-256-128': 'hmac-sha2-256-128',
  'SHA2-384-192': 'hmac-sha2-384-192',
  'SHA2-512-256': 'hmac-sha2-512-256',
  'AES-CMAC-96': 'aes-cmac-96',
};
