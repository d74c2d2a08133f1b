import type { Namespaces } from './namespaces.js';

/** The addresses of one end on its link, and those of hosts behind it, which stand on its loopback. */
export interface MiddleNetworkEnd {
  readonly v4: string;
  readonly v6: string;
  readonly hosts?: readonly string[];
}

/** Of the router, on the links to the two ends: 192.0.2.0/24 and 2001:db8:a::/64, 198.51.100.0/24 and 2001:db8:b::/64. */
export const GATEWAYS = {
  left: { v4: '192.0.2.254', v6: '2001:db8:a::fe' },
  right: { v4: '198.51.100.254', v6: '2001:db8:b::fe' },
} as const;

/** Two ends, each on a link of its own to a router of both families, on whose devices `left` and `right` they are. */
export function buildMiddleNetwork(
  namespaces: Namespaces,
  ends: { readonly left: MiddleNetworkEnd; readonly right: MiddleNetworkEnd },
): { left: string; middle: string; right: string } {
  const names = { left: namespaces.add('left'), middle: namespaces.add('middle'), right: namespaces.add('right') };
  for (const side of ['left', 'right'] as const) {
    const [name, { v4, v6, hosts = [] }, gateway] = [names[side], ends[side], GATEWAYS[side]];
    namespaces.connect(name, 'wan', names.middle, side);
    namespaces.ip(name, `address add ${v4}/24 dev wan`);
    namespaces.ip(name, `address add ${v6}/64 dev wan nodad`);
    for (const host of hosts) namespaces.ip(name, `address add ${host} dev lo`);
    namespaces.ip(names.middle, `address add ${gateway.v4}/24 dev ${side}`);
    namespaces.ip(names.middle, `address add ${gateway.v6}/64 dev ${side} nodad`);
    namespaces.ip(name, `route add default via ${gateway.v4}`);
    namespaces.ip(name, `-6 route add default via ${gateway.v6}`);
  }
  for (const setting of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']) {
    namespaces.run(names.middle, 'sysctl', ['-qw', setting]);
  }
  return names;
}
