import type { PathMtuParameters, TravelParameters } from '@weft/ipsec-core';
import { firstHopMtu } from './first-hop-mtu.js';
import type { EspProfile, PlacedTunnel, VerifiedBundle } from './verified-bundle.js';

/** How packets of a tunnel travel whose ends are where the bundle says, whoever makes the keys. */
export function tunnelTravel(
  bundle: Pick<VerifiedBundle, 'overlayMtu' | 'underlay'>,
  tunnel: Pick<PlacedTunnel, 'remote' | 'profile' | 'keying'>,
  { encapsulation }: Pick<EspProfile, 'encapsulation'>,
): Readonly<Record<'inbound' | 'outbound', TravelParameters>> {
  const outer =
    encapsulation === 'none' ? { outer: { local: bundle.underlay.octets, remote: tunnel.remote.octets } } : {};
  return { inbound: outer, outbound: { ...outer, pathMtu: pathMtuOf(bundle, tunnel, encapsulation) } };
}

function pathMtuOf(
  bundle: Pick<VerifiedBundle, 'overlayMtu'>,
  tunnel: Pick<PlacedTunnel, 'remote' | 'profile' | 'keying'>,
  encapsulation: EspProfile['encapsulation'],
): PathMtuParameters {
  const mtu = firstHopMtu(bundle, tunnel);
  // The engine writes the outer header itself, and counts it.
  if (encapsulation === 'none') return { mtu };
  return { mtu, underlay: { family: tunnel.remote.octets.length === 4 ? 4 : 6, udp: true } };
}
