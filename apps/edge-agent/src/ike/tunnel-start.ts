import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';

/** What has a tunnel negotiated here, and what ends it. */
export type TunnelStart =
  | { readonly kind: 'at_once' }
  | {
      /** A packet that has no association to go by (RFC 4301 section 5.1, 3b). */
      readonly kind: 'trap';
      /** Milliseconds without a packet after which its associations are deleted; undefined: they stay. */
      readonly idle: number | undefined;
    }
  /** Nothing: the peer begins, and comes again when it has ended. */
  | { readonly kind: 'awaited' };

/** Which edge of a site answers is found out inside the tunnels to it: those of a group are there without traffic. */
export function startOf(bundle: VerifiedBundle, tunnelId: string): TunnelStart {
  const keying = bundle.tunnels.get(tunnelId)?.keying;
  if (keying?.mode !== 'ikev2' || bundle.groups.some(({ tunnelIds }) => tunnelIds.includes(tunnelId))) return AT_ONCE;
  return keying.negotiation.start;
}

export const AT_ONCE = { kind: 'at_once' } as const satisfies TunnelStart;
export const AWAITED = { kind: 'awaited' } as const satisfies TunnelStart;
