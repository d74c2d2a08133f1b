import type { Bundle, ExternalPeer, PreSharedKey } from '@weft/contracts/southbound';
import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import { certificateBundle, externalBundle, PRE_SHARED_KEY } from './external-bundle.js';

/** What the host of `remoteHostBundle` is assigned. */
export const ASSIGNED = ['10.2.0.7', '2001:db8:2::7'] as const;
export const NAME_SERVERS = ['10.1.0.53', '2001:db8:1::53'] as const;

/** The test bundle, in which the peer is a host that comes from anywhere. */
export function remoteHostBundle(key: PreSharedKey = PRE_SHARED_KEY): Bundle {
  return ofHosts(externalBundle(key));
}

/** The same where certificates prove who is who: what is pinned for the host, DER. */
export function certificateHostBundle(certificates: Buffer[]): Bundle {
  return ofHosts(certificateBundle(certificates));
}

/** The peer of its tunnel. */
export function hostOf({ tunnels }: Bundle): ExternalPeer {
  const host = tunnels[0]?.externalPeer;
  if (host === undefined) throw new Error('the bundle has an external peer');
  return host;
}

function ofHosts(bundle: Bundle): Bundle {
  for (const tunnel of bundle.tunnels) {
    delete tunnel.remote;
    const { first, last } = parsePrefix('2001:db8:1::/64').range;
    hostOf(bundle).localAddresses.push({ first: Buffer.from(first), last: Buffer.from(last) });
    const addresses = ASSIGNED.map((text) => Buffer.from(parseAddress(text)));
    Object.assign(hostOf(bundle), {
      remoteIdentity: { type: 2, data: Buffer.from('notebook.example') },
      remoteAddresses: addresses.map((address) => ({ first: address, last: address })),
      remoteAccess: {
        addresses,
        nameServers: NAME_SERVERS.map((text) => Buffer.from(parseAddress(text))),
        domains: ['corp.example'],
      },
    });
  }
  return bundle;
}
