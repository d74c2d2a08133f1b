import type { Bundle } from '@weft/contracts/southbound';
import { type AddressRange, type Carrier, formatAddress } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { isOnly } from './check-transport.js';
import { unique } from './field.js';
import { type AddressSets, addressSetAt } from './parse-address-sets.js';
import type { TunnelConfiguration, TunnelGroup } from './verified-bundle.js';

/** What tunnels and groups are held against that carry addresses. */
export interface KnownToCarriers {
  readonly tunnels: ReadonlyMap<string, TunnelConfiguration>;
  readonly groups: ReadonlyMap<string, TunnelGroup>;
  readonly sets: AddressSets;
}

/**
 * Checks what tunnels and groups say that they carry: where the packets of entries go that name no tunnel. Each address has one way
 * at most. Throws RejectionError.
 */
export function parseCarriers(
  { tunnels: messages, tunnelGroups }: Pick<Bundle, 'tunnels' | 'tunnelGroups'>,
  { tunnels, groups, sets }: KnownToCarriers,
): readonly Carrier[] {
  const grouped = new Set([...groups.values()].flatMap(({ tunnelIds }) => tunnelIds));
  const taken = new Set<string>();
  const carried = (path: string, places: readonly number[]): readonly AddressRange[] =>
    places.flatMap((place, index) => {
      const at = `${path}[${index}]`;
      unique(at, `address set ${place}`, taken);
      return addressSetAt(at, place, sets);
    });
  const found = [
    ...messages.flatMap(({ tunnelId, carries }, index): PlacedCarrier[] => {
      const path = `tunnels[${index}].carries`;
      if (carries.length === 0) return [];
      if (grouped.has(tunnelId)) {
        throw new RejectionError(
          path,
          'unexpected_value',
          'the group of a tunnel carries what any of its tunnels does',
        );
      }
      const addresses = carried(path, carries);
      expectPeerAlone(path, addresses, tunnels.get(tunnelId));
      return [{ path, carrier: { tunnelId, addresses } }];
    }),
    ...tunnelGroups.flatMap(({ groupId, carries }, index): PlacedCarrier[] => {
      const path = `tunnel_groups[${index}].carries`;
      const alternatives = groups.get(groupId)?.tunnelIds ?? [];
      const [tunnelId] = alternatives;
      if (carries.length === 0 || tunnelId === undefined) return [];
      return [{ path, carrier: { tunnelId, alternatives, addresses: carried(path, carries) } }];
    }),
  ];
  expectApart(found);
  return found.map(({ carrier }) => carrier);
}

interface PlacedCarrier {
  readonly path: string;
  readonly carrier: Carrier;
}

/** In transport mode nothing goes to another machine than the peer. */
function expectPeerAlone(path: string, addresses: readonly AddressRange[], tunnel: TunnelConfiguration | undefined) {
  if (tunnel?.remote === undefined || tunnel.profile.mode !== 'transport') return;
  const { remote } = tunnel;
  if (addresses.every((range) => isOnly(range, remote))) return;
  throw new RejectionError(path, 'unsupported_value', `in transport mode go packets to ${remote.text}, and no others`);
}

function expectApart(found: readonly PlacedCarrier[]): void {
  const ranges = found.flatMap(({ path, carrier: { addresses } }, order) =>
    addresses.map((range) => ({ path, order, range })),
  );
  ranges.sort(
    ({ range: one }, { range: other }) =>
      one.first.length - other.first.length || Buffer.compare(one.first, other.first),
  );
  for (const [index, one] of ranges.entries()) {
    const before = ranges[index - 1];
    if (before === undefined || before.range.last.length !== one.range.first.length) continue;
    if (Buffer.compare(before.range.last, one.range.first) < 0) continue;
    const [earlier, later] = before.order <= one.order ? [before, one] : [one, before];
    const where = `${formatAddress(one.range.first)} is in ${earlier.path}, too`;
    throw new RejectionError(later.path, 'duplicate', `${where}: packets for it would have two ways`);
  }
}
