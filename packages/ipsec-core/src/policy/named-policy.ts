import type { Identity } from '../wire/ike/payloads/identification.js';
import type { AddressRange } from '../wire/ip/address.js';
import { intersectRanges } from './address-ranges.js';
import { matchesIdentity } from './peer-identity.js';
import type { ProtectPolicy, SecurityPolicy } from './security-policy.js';

/** What a named entry becomes for one peer. */
export interface NamedPeer {
  readonly entryId: string;
  readonly tunnelId: string;
  /** The peer's own addresses, from its traffic selectors. */
  readonly addresses: readonly AddressRange[];
}

/**
 * The entries that a responder finds by the name of a peer, in their order: "used by a responder (not an initiator) […]
 * when an IP address would not be appropriate for the Remote IP address selector, e.g., for 'road warriors'" (RFC 4301
 * section 4.4.1.1). Packets do not match such an entry, only what bindNamedPolicy makes of it.
 */
export function policiesNamed(policies: readonly SecurityPolicy[], identity: Identity): readonly ProtectPolicy[] {
  return policies.filter(
    (policy): policy is ProtectPolicy =>
      policy.action === 'PROTECT' && (policy.names ?? []).some((name) => matchesIdentity(name, identity)),
  );
}

/**
 * The entry for one peer of a named entry, to stand in its place in the SPD while the peer is there. The peer's address
 * "overrides the Remote IP address value in the SPD", but within the ranges that the entry gives, if it gives any: else
 * an authenticated peer could take over anybody's address. Undefined when nothing is left.
 */
export function bindNamedPolicy(policy: ProtectPolicy, peer: NamedPeer): ProtectPolicy | undefined {
  const { names: _names, alternatives: _alternatives, ...rest } = policy;
  const selectors = policy.selectors.flatMap((selector) => {
    const bounds = selector.remoteAddresses;
    const remoteAddresses =
      bounds.length === 0
        ? peer.addresses
        : peer.addresses.flatMap((range) => bounds.flatMap((bound) => intersectRanges(range, bound) ?? []));
    return remoteAddresses.length === 0 ? [] : [{ ...selector, remoteAddresses }];
  });
  if (selectors.length === 0) return undefined;
  return { ...rest, entryId: peer.entryId, tunnelId: peer.tunnelId, selectors };
}
