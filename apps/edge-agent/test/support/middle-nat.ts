import { GATEWAYS } from './middle-network.js';
import type { Namespaces } from './namespaces.js';

/** Where the right is to look for the left while a NAT stands between them. */
export const OUTSIDE = GATEWAYS.right.v4;

/**
 * The router of a middle network becomes a NAT: what leaves towards the right leaves from `OUTSIDE`, and what comes for UDP
 * port 4500 of that address is for the left.
 *
 * A flow that the kernel knows stays as it is for as long as it lasts. One answer of an IKE SA that is being closed, seen when
 * the hooks are there and the rules not yet, is enough for two ends to find no NAT between them: meanwhile nothing is forwarded,
 * and what is not forwarded is not known.
 */
export function translate(namespaces: Namespaces, middle: string, left: string): void {
  // When it ends, those that were translated are to be forgotten soon.
  const timeouts = ['udp_timeout', 'udp_timeout_stream'].map((name) => `net.netfilter.nf_conntrack_${name}=2`);
  const rules = [
    'add table ip weft',
    'add chain ip weft out { type nat hook postrouting priority 100; }',
    'add rule ip weft out oif "right" masquerade',
    'add chain ip weft in { type nat hook prerouting priority -100; }',
    `add rule ip weft in iif "right" ip daddr ${OUTSIDE} udp dport 4500 dnat to ${left}`,
  ];
  namespaces.run(middle, 'sysctl', ['-qw', 'net.ipv4.ip_forward=0', ...timeouts]);
  namespaces.run(middle, 'nft', [rules.join('; ')]);
  namespaces.run(middle, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
}

/** It is a router again, for flows that begin from now on. */
export function translateNoMore(namespaces: Namespaces, middle: string): void {
  namespaces.run(middle, 'nft', ['delete table ip weft']);
}
