import {
  type AddressRange,
  type Bundle,
  type SecurityPolicy,
  SecurityPolicyAction,
  type Selector,
} from '@weft/contracts/southbound';
import { CarriedParts } from '@weft/fabric-compiler';

/** The same for an agent that does not say Hello.several_uplinks: it goes on with the preferred addresses. */
export function withoutUplinks(bundle: Bundle): Bundle {
  const { otherUnderlays: _own, pathWatch: _watch, tunnels, ...rest } = bundle;
  return { ...rest, tunnels: tunnels.map(({ otherRemotes: _, ...tunnel }) => tunnel) };
}

export function namesUplinks({ otherUnderlays, pathWatch, tunnels }: Bundle): boolean {
  const own = otherUnderlays !== undefined || pathWatch !== undefined;
  return own || tunnels.some(({ otherRemotes }) => otherRemotes !== undefined);
}

/**
 * The same for an agent that does not say Hello.tunnels_by_address: each entry that names no tunnel becomes one for each tunnel or group
 * that carries some of its remote addresses, and, where nobody carries some, one behind them that discards. A bundle that has more entries
 * then than any agent takes is cut where it has one too many: the agent refuses it, and says so.
 */
export function withTunnelsNamed(bundle: Bundle): Bundle {
  const { addressSets, tunnels, tunnelGroups, securityPolicies, ...rest } = bundle;
  const lists = addressSets.map(({ ranges }) => ranges);
  const listsAt = (places: readonly number[]) => places.flatMap((place) => [lists[place] ?? []]);
  const parts = new CarriedParts([
    ...tunnels.map(({ tunnelId, carries }) => ({ tunnelId, carries: listsAt(carries) })),
    ...tunnelGroups.map(({ groupId: tunnelId, carries }) => ({ tunnelId, carries: listsAt(carries) })),
  ]);
  const entries: SecurityPolicy[] = [];
  for (const entry of securityPolicies) {
    if (entries.length > MOST_ENTRIES) break;
    entries.push(...namedEntries(entry, lists, parts));
  }
  return {
    ...rest,
    tunnels: tunnels.map((tunnel) => ({ ...tunnel, carries: [] })),
    tunnelGroups: tunnelGroups.map((group) => ({ ...group, carries: [] })),
    securityPolicies: entries.slice(0, MOST_ENTRIES + 1),
    addressSets: [],
  };
}

export function hasTunnelsByAddress({ addressSets }: Bundle): boolean {
  return addressSets.length > 0;
}

function namedEntries(
  entry: SecurityPolicy,
  lists: readonly (readonly AddressRange[])[],
  parts: CarriedParts,
): readonly SecurityPolicy[] {
  const selector = entry.selector && writtenOut(entry.selector, lists);
  const isByAddress = entry.action === SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT && entry.tunnelId === '';
  if (!isByAddress || selector === undefined) return [{ ...entry, selector }];
  const remote = lists[entry.selector?.remoteAddressSet ?? -1] ?? selector.remoteAddresses;
  const carried = parts.of(remote).map(({ tunnelId, addresses }) => ({
    ...entry,
    entryId: `${entry.entryId} ${tunnelId}`,
    tunnelId,
    selector: { ...selector, remoteAddresses: messagesOf(addresses) },
  }));
  // Another name, as all of them have: an agent that is updated is to see at once that these are not those.
  const entryId = `${entry.entryId} nobody`;
  const rest = { ...entry, entryId, selector, action: SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD };
  return [...carried, rest];
}

/** With its addresses in place of the names of their sets. */
function writtenOut(selector: Selector, lists: readonly (readonly AddressRange[])[]): Selector {
  const { localAddressSet, remoteAddressSet, localAddresses, remoteAddresses, ...rest } = selector;
  const written = (place: number | undefined, own: readonly AddressRange[]) =>
    place === undefined ? [...own] : messagesOf(lists[place] ?? []);
  return {
    ...rest,
    localAddresses: written(localAddressSet, localAddresses),
    remoteAddresses: written(remoteAddressSet, remoteAddresses),
  };
}

function messagesOf(list: readonly { readonly first: Uint8Array; readonly last: Uint8Array }[]): AddressRange[] {
  return list.map(({ first, last }) => ({ first: Buffer.from(first), last: Buffer.from(last) }));
}

/** As in the agent. */
const MOST_ENTRIES = 100_000;
