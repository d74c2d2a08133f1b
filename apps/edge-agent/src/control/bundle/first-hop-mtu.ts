import { espLengths, espPacketLength, underlayHeaderLength } from '@weft/ipsec-core';
import type { TunnelConfiguration, VerifiedBundle } from './verified-bundle.js';

/**
 * Octets of underlay packet that the path of a tunnel is taken to carry until it says otherwise: what becomes of the
 * largest packet that the overlay device lets through. The bundle has derived the one from the other.
 */
export function firstHopMtu(
  { overlayMtu }: Pick<VerifiedBundle, 'overlayMtu'>,
  { remote, profile }: Pick<TunnelConfiguration, 'remote' | 'profile'>,
): number {
  const lengths = espLengths({ encryption: profile.suite, keyBits: profile.keyBits, integrity: undefined });
  const family = remote.octets.length === 4 ? 4 : 6;
  return underlayHeaderLength({ family, udp: true }) + espPacketLength(overlayMtu, lengths);
}
