import type { Connection } from '@weft/ipsec-core/ike';
import { firstHopMtu } from '../control/bundle/first-hop-mtu.js';
import type { TunnelConfiguration, VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { ChildProtection, FormWithoutNat } from './child-sa-parameters.js';

/** What the bundle says about the Child SA of a tunnel beside what is negotiated; undefined: it does not have the tunnel. */
export function protectionOf(bundle: VerifiedBundle, { name, children }: Connection): ChildProtection | undefined {
  const tunnel = bundle.tunnels.get(name);
  if (tunnel === undefined) return undefined;
  return {
    tunnelId: name,
    replayWindow: tunnel.profile.replayWindow,
    hardLifetime: HARD_LIFETIMES * (children[0]?.lifetime ?? 0),
    withoutNat: withoutNat(tunnel),
    mode: tunnel.profile.mode,
    // Where a host will come from is not known; it comes to where this edge is.
    pathMtu: { mtu: firstHopMtu(bundle, { ...tunnel, remote: tunnel.remote ?? bundle.underlay }) },
  };
}

/** A NAT is claimed where ESP is to go in UDP; of a host it is when all are to, so that without one both ends send on IP. */
function withoutNat({ remote, profile }: TunnelConfiguration): FormWithoutNat {
  return remote !== undefined && profile.protocol === 'esp' && profile.encapsulation === 'udp' ? 'udp' : 'native';
}

/** An association that IKE could not replace in eight times its life carries nothing any more, as with keys of the controller. */
const HARD_LIFETIMES = 8;
