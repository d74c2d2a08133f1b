import { PolicyError } from '../errors.js';
import type { AddressRange, Family } from '../wire/ip/address.js';
import { intersectRanges } from './address-ranges.js';
import { AddressRanks } from './address-ranks.js';
import { checkRanges, compareOctets, type TrafficSelector } from './selector.js';

/**
 * A tunnel, or several of which any may carry the same, and the remote addresses of packets that go there when their PROTECT entry names
 * no tunnel: the tunnel is taken from the packet, as its selectors may be (RFC 4301 section 4.4.1.2, "populate from packet").
 */
export interface Carrier extends TunnelChoice {
  /** Of either family. No other carrier has one of them. */
  readonly addresses: readonly AddressRange[];
}

/** The tunnel that packets go into. */
export interface TunnelChoice {
  readonly tunnelId: string;
  /**
   * All tunnels that may carry its packets, `tunnelId` among them; absent: that one alone. Packets may come out of any of
   * them, and go into the one that is chosen (`DataPlane.choose`): its association is what RFC 4301 section 4.4.2 has
   * "pointed to by entries in the SPD-S part of the SPD cache".
   */
  readonly alternatives?: readonly string[] | undefined;
}

/** Whether packets may come in this tunnel. */
export function isCarriedBy({ tunnelId, alternatives }: TunnelChoice, tunnel: string): boolean {
  return tunnel === tunnelId || alternatives?.includes(tunnel) === true;
}

/** Throws PolicyError when the tunnel is not among its alternatives. */
export function checkChoice({ tunnelId, alternatives }: TunnelChoice, path: string): void {
  if (alternatives === undefined || alternatives.includes(tunnelId)) return;
  throw new PolicyError('ALTERNATIVES', `${path}.alternatives`, `"${tunnelId}", the first choice, is not among them.`);
}

/** Nobody carries the address. */
export const NO_CARRIER = -1;

/** Carriers by the addresses that they carry; immutable. */
export class CarrierTable {
  readonly carriers: readonly Carrier[];
  readonly #v4: CarrierRanks;
  readonly #v6: CarrierRanks;

  /** Throws PolicyError. */
  constructor(carriers: readonly Carrier[]) {
    checkCarriers(carriers);
    this.carriers = carriers;
    this.#v4 = new CarrierRanks(4, carriers);
    this.#v6 = new CarrierRanks(6, carriers);
  }

  /** Place of the carrier of an address, given as words, or NO_CARRIER. */
  find(address: Uint32Array, family: Family): number {
    return (family === 4 ? this.#v4 : this.#v6).find(address);
  }
}

/** Selectors, with as remote addresses those of them that a carrier has. */
export function carriedSelectors(
  selectors: readonly TrafficSelector[],
  { addresses }: Carrier,
): readonly TrafficSelector[] {
  return selectors.flatMap((selector) => {
    const { remoteAddresses: all } = selector;
    const remoteAddresses =
      all.length === 0
        ? addresses
        : all.flatMap((range) => addresses.flatMap((own) => intersectRanges(range, own) ?? []));
    return remoteAddresses.length === 0 ? [] : [{ ...selector, remoteAddresses }];
  });
}

/** Of one family: the carrier of each interval into which the carriers cut the addresses. */
class CarrierRanks {
  readonly #ranks: AddressRanks;
  readonly #carriers: Int32Array;

  constructor(family: Family, carriers: readonly Carrier[]) {
    const octets = family === 4 ? 4 : 16;
    const placed = carriers.flatMap(({ addresses }, place) =>
      addresses.filter(({ first }) => first.length === octets).map((range) => ({ place, range })),
    );
    this.#ranks = new AddressRanks(
      octets,
      placed.map(({ range }) => range),
    );
    this.#carriers = new Int32Array(this.#ranks.last + 1).fill(NO_CARRIER);
    for (const { place, range } of placed) {
      const { first, last } = this.#ranks.interval(range);
      this.#carriers.fill(place, first, last + 1);
    }
  }

  find(address: Uint32Array): number {
    return this.#carriers[this.#ranks.rank(address)] ?? NO_CARRIER;
  }
}

function checkCarriers(carriers: readonly Carrier[]): void {
  const tunnels = new Set<string>();
  for (const [place, carrier] of carriers.entries()) {
    const path = `carriers[${place}]`;
    if (carrier.addresses.length === 0) {
      throw new PolicyError('EMPTY_CARRIER', `${path}.addresses`, 'who carries nothing is no carrier.');
    }
    checkRanges(carrier.addresses, `${path}.addresses`);
    checkChoice(carrier, path);
    for (const tunnelId of carrier.alternatives ?? [carrier.tunnelId]) {
      if (tunnels.has(tunnelId)) {
        throw new PolicyError('DUPLICATE_CARRIER', path, `"${tunnelId}" carries for another one already.`);
      }
      tunnels.add(tunnelId);
    }
  }
  checkOverlaps(carriers);
}

function checkOverlaps(carriers: readonly Carrier[]): void {
  const all = carriers
    .flatMap(({ addresses }, place) => addresses.map((range) => ({ place, range })))
    .sort((one, other) => compareOctets(one.range.first, other.range.first));
  // An octet string sorts before a longer one that begins with it, so that families have to be told apart.
  for (const octets of [4, 16]) {
    let previous: (typeof all)[number] | undefined;
    for (const next of all) {
      if (next.range.first.length !== octets) continue;
      if (previous !== undefined && compareOctets(next.range.first, previous.range.last) <= 0) {
        throw new PolicyError(
          'CARRIERS_OVERLAP',
          `carriers[${next.place}].addresses`,
          `some are those of carriers[${previous.place}], too: nobody could say which of them carries a packet.`,
        );
      }
      previous = next;
    }
  }
}
