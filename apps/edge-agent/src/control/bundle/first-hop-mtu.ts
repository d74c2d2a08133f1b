import { ahHeaderLength, espLengths, espPacketLength, INTEGRITY, underlayHeaderLength } from '@weft/ipsec-core';
import type { PlacedTunnel, ProtectionProfile, TunnelKeying, VerifiedBundle } from './verified-bundle.js';

/**
 * Octets of underlay packet that the path of a tunnel is taken to carry until it says otherwise: what becomes of the
 * largest packet that the overlay device lets through. The bundle has derived the one from the other, with room for UDP
 * wherever a NAT may be found.
 */
export function firstHopMtu(
  { overlayMtu }: Pick<VerifiedBundle, 'overlayMtu'>,
  {
    remote,
    profile,
    keying,
  }: Pick<PlacedTunnel, 'remote' | 'profile'> & { readonly keying: Pick<TunnelKeying, 'mode'> },
): number {
  const family = remote.octets.length === 4 ? 4 : 6;
  if (profile.mode === 'transport') return transportFirstHopMtu(overlayMtu, family, profile);
  if (profile.protocol === 'ah') {
    const { icvLength } = INTEGRITY[profile.integrity];
    return underlayHeaderLength({ family, udp: false }) + ahHeaderLength(family, icvLength) + overlayMtu;
  }
  const lengths = espLengths({ encryption: profile.suite, keyBits: profile.keyBits, integrity: undefined });
  const udp = profile.encapsulation === 'udp' || keying.mode === 'ikev2';
  return underlayHeaderLength({ family, udp }) + espPacketLength(overlayMtu, lengths);
}

/** The packet keeps its header, and what follows that is protected. */
function transportFirstHopMtu(overlayMtu: number, family: 4 | 6, profile: ProtectionProfile): number {
  if (profile.protocol === 'ah') return overlayMtu + ahHeaderLength(family, INTEGRITY[profile.integrity].icvLength);
  const header = underlayHeaderLength({ family, udp: false });
  const lengths = espLengths({ encryption: profile.suite, keyBits: profile.keyBits, integrity: undefined });
  return header + espPacketLength(overlayMtu - header, lengths);
}
