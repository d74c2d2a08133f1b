import { GATEWAYS } from './middle-network.js';
import type { Namespaces } from './namespaces.js';

/** Where the right is to look for the left while a NAT stands between them. */
export const OUTSIDE = GATEWAYS.right.v4;

/**
 * The router of a middle network becomes a NAT: what leaves towards the right leaves from `OUTSIDE`, and what comes for UDP
 * port 4500 of that address is for the left.
 *
 * A flow that the kernel knows stays as it is for as long as it lasts, and all that is said in it goes untranslated, in both
 * directions. One packet of an IKE SA that is being closed would be enough for two ends to find no NAT between them: an answer of
 * the left, seen when the hooks are there and the rules not yet, so meanwhile nothing is forwarded; or a repetition of the right
 * to the address that the left has behind the NAT, which nobody outside of one can reach.
 */
export function translate(namespaces: Namespaces, middle: string, left: string): void {
  // When it ends, those that were translated are to be forgotten soon.
  const timeouts = ['udp_timeout', 'udp_timeout_stream'].map((name) => `net.netfilter.nf_conntrack_${name}=2`);
  const rules = [
    'add table ip weft',
    'add chain ip weft outside { type filter hook prerouting priority raw; }',
    `add rule ip weft outside iif "right" ip daddr ${left} drop`,
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
