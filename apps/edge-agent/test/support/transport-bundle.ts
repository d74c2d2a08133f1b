import { type Bundle, Encapsulation, IpsecMode } from '@weft/contracts/southbound';
import { negotiatedBundle } from './negotiated-bundle.js';
import { AH_PROFILE, PROFILE } from './test-bundle.js';

/** A host, by its addresses on the underlay, and its edge. */
export interface Host {
  readonly id: string;
  readonly v4: string;
  readonly v6: string;
}
export type Family = 'v4' | 'v6';
export type Form = 'esp' | 'ah';

/** What leaves room on a path of 1500 octets for ESP of AES-GCM, or AH with an ICV of 16 octets. */
export const OVERLAY_MTU = { esp: { v4: 1466, v6: 1466 }, ah: { v4: 1472, v6: 1468 } } as const;

/** For everything between the underlay addresses of both, and nothing else. */
export function transportBundle(local: Host, remote: Host, family: Family, form: Form): Bundle {
  const made = hosts(local, remote, family);
  const profile = form === 'ah' ? AH_PROFILE : { ...PROFILE, encapsulation: Encapsulation.ENCAPSULATION_NONE };
  return {
    ...made,
    device: { mtu: OVERLAY_MTU[form][family] },
    tunnels: made.tunnels.map((tunnel) => ({
      ...tunnel,
      profile: { ...profile, mode: IpsecMode.IPSEC_MODE_TRANSPORT },
    })),
  };
}

/** The same in tunnel mode. */
export function tunnelModeBundle(local: Host, remote: Host): Bundle {
  return hosts(local, remote, 'v4');
}

function hosts(local: Host, remote: Host, family: Family): Bundle {
  const site = (one: Host) => ({
    id: one.id,
    underlay: one[family],
    network: `${one[family]}/${family === 'v4' ? 32 : 128}`,
  });
  return negotiatedBundle(site(local), site(remote), Encapsulation.ENCAPSULATION_NONE);
}

/** Nothing is protected, and nothing allowed. */
export function withoutTunnel(local: Host): Bundle {
  const made = hosts(local, local, 'v4');
  return { ...made, tunnels: [], securityPolicies: [], routes: [] };
}
