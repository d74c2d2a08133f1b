import type { AddressRange, Carrier, TrafficSelector } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import type { PlacedTunnel, TunnelConfiguration, UnderlayAddress } from './verified-bundle.js';

/**
 * Transport mode is for edges that negotiate: they alone notice a NAT, through which it is not used (RFC 7296 section 2.23.1). The
 * addresses of its packets are those of the underlay, and so must be known. Throws RejectionError.
 */
export function checkTransport(
  path: string,
  { profile, keying, external, remote }: Pick<PlacedTunnel, 'profile' | 'keying' | 'external' | 'remote'>,
  local: UnderlayAddress,
): void {
  if (profile.mode !== 'transport') return;
  const at = `${path}.profile.mode`;
  if (keying.mode !== 'ikev2') {
    throw new RejectionError(at, 'unsupported_value', 'only edges that negotiate use transport mode');
  }
  if (external !== undefined) {
    throw new RejectionError(at, 'unsupported_value', 'only between edges transport mode is used');
  }
  if (local.octets.length === remote.octets.length && local.octets.some((octet) => octet !== 0)) return;
  throw new RejectionError(
    at,
    'bad_address',
    `transport mode needs an underlay address of this edge that ${remote.text} can be reached from, not ${local.text}`,
  );
}

/** What goes in transport mode is between the two underlay addresses: there is no other header that could say where to. */
export function checkTransportEntry(
  path: string,
  { localAddresses, remoteAddresses }: TrafficSelector,
  tunnel: TunnelConfiguration,
  local: UnderlayAddress,
): void {
  if (tunnel.remote === undefined || tunnel.profile.mode !== 'transport') return;
  expectOnly(`${path}.local_addresses`, localAddresses, local, local, tunnel.remote);
  expectOnly(`${path}.remote_addresses`, remoteAddresses, tunnel.remote, local, tunnel.remote);
}

/** Peers that are reached in transport mode by what entries without a tunnel protect. */
export class TransportPeers {
  readonly #local: UnderlayAddress;
  /** Ascending within a family, IPv4 first. */
  readonly #peers: readonly UnderlayAddress[];
  /** The first peer that a list of addresses holds: many entries have the same list. */
  readonly #held = new Map<readonly AddressRange[], UnderlayAddress | undefined>();

  constructor({
    tunnels,
    carriers,
    underlay,
  }: {
    readonly tunnels: ReadonlyMap<string, TunnelConfiguration>;
    readonly carriers: readonly Carrier[];
    readonly underlay: UnderlayAddress;
  }) {
    this.#local = underlay;
    this.#peers = carriers
      .flatMap(({ tunnelId }) => {
        const { remote, profile } = tunnels.get(tunnelId) ?? {};
        return remote !== undefined && profile?.mode === 'transport' ? [remote] : [];
      })
      .toSorted((one, other) => compareAddresses(one.octets, other.octets));
  }

  /** What of an entry goes to such a peer comes from this edge itself, and so must all that it matches. Throws RejectionError. */
  checkEntry(path: string, { localAddresses, remoteAddresses }: TrafficSelector): void {
    if (this.#peers.length === 0) return;
    const peer = remoteAddresses.length === 0 ? this.#ofFamily(localAddresses) : this.#heldBy(remoteAddresses);
    if (peer === undefined) return;
    expectOnly(`${path}.local_addresses`, localAddresses, this.#local, this.#local, peer);
  }

  #ofFamily([range]: readonly AddressRange[]): UnderlayAddress | undefined {
    return this.#peers.find(({ octets }) => range === undefined || range.first.length === octets.length);
  }

  #heldBy(addresses: readonly AddressRange[]): UnderlayAddress | undefined {
    if (!this.#held.has(addresses)) {
      const range = addresses.find((one) => this.#within(one) !== undefined);
      this.#held.set(addresses, range && this.#within(range));
    }
    return this.#held.get(addresses);
  }

  /** The first peer that is not before a range, if it is not behind it, either. */
  #within({ first, last }: AddressRange): UnderlayAddress | undefined {
    let [low, high] = [0, this.#peers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAddresses(this.#peers[middle]?.octets ?? first, first) < 0) low = middle + 1;
      else high = middle;
    }
    const peer = this.#peers[low];
    return peer !== undefined && compareAddresses(peer.octets, last) <= 0 ? peer : undefined;
  }
}

/** Whether a range is one address, and which. */
export function isOnly({ first, last }: AddressRange, { octets }: UnderlayAddress): boolean {
  return Buffer.compare(first, octets) === 0 && Buffer.compare(last, octets) === 0;
}

function expectOnly(
  path: string,
  ranges: readonly AddressRange[],
  only: UnderlayAddress,
  local: UnderlayAddress,
  remote: UnderlayAddress,
): void {
  if (ranges.length > 0 && ranges.every((range) => isOnly(range, only))) return;
  throw new RejectionError(
    path,
    'unsupported_value',
    `in transport mode go packets between ${local.text} and ${remote.text}, and no others`,
  );
}

function compareAddresses(one: Uint8Array, other: Uint8Array): number {
  return one.length - other.length || Buffer.compare(one, other);
}
