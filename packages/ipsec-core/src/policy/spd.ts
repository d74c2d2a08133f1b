import type { Direction } from '../crypto/provider.js';
import { PolicyError } from '../errors.js';
import type { Flow } from '../wire/ip/flow.js';
import { type Carrier, CarrierTable, carriedSelectors, NO_CARRIER, type TunnelChoice } from './carrier.js';
import { FlowCache } from './flow-cache.js';
import { PacketClassifier } from './packet-classifier.js';
import { type PacketSelectors, populate } from './populate.js';
import { checkPolicy, isByAddress, populatedFields, type SecurityPolicy } from './security-policy.js';
import type { TrafficSelector } from './selector.js';

/**
 * Makes an immutable snapshot. Earlier entries win. Throws PolicyError.
 * @param carriers whose tunnels the packets of entries go into that name none
 */
export function createSecurityPolicyDatabase(
  policies: readonly SecurityPolicy[],
  carriers: readonly Carrier[] = [],
): SecurityPolicyDatabase {
  const seen = new Set<string>();
  for (const [i, policy] of policies.entries()) {
    const { entryId } = policy;
    if (seen.has(entryId)) throw new PolicyError('DUPLICATE_ENTRY', `[${i}].entryId`, `"${entryId}" occurs twice.`);
    seen.add(entryId);
    checkPolicy(policy, `[${i}]`);
  }
  return new SecurityPolicyDatabase(policies, new CarrierTable(carriers));
}

export class SecurityPolicyDatabase {
  readonly entries: readonly SecurityPolicy[];
  /** The PFP flags of each entry, bits of SELECTOR_FIELD. */
  readonly populated: Uint8Array;
  readonly #table: CarrierTable;
  /** 1 for entries that leave it to the remote address which tunnel a packet goes into. */
  readonly #byAddress: Uint8Array;
  readonly #v4: PacketClassifier;
  readonly #v6: PacketClassifier;
  readonly #cache = new FlowCache();

  constructor(entries: readonly SecurityPolicy[], table: CarrierTable) {
    this.entries = entries;
    this.#table = table;
    this.#byAddress = Uint8Array.from(entries, (entry) => Number(isByAddress(entry)));
    this.populated = Uint8Array.from(entries, populatedFields);
    this.#v4 = new PacketClassifier(4, entries);
    this.#v6 = new PacketClassifier(6, entries);
  }

  /**
   * Index of the entry that decides a packet, NO_ENTRY, or HIDDEN_FIELDS. Outbound, local is the packet's source;
   * inbound, its destination (RFC 4301 section 4.4.1.1: selectors name local and remote, not source and destination).
   */
  lookup(flow: Flow, direction: Direction): number {
    const inbound = direction === 'inbound';
    const cached = this.#cache.find(flow, inbound);
    if (cached !== undefined) return cached;
    const answer = this.search(flow, direction);
    this.#cache.store(flow, inbound, answer);
    return answer;
  }

  get carriers(): readonly Carrier[] {
    return this.#table.carriers;
  }

  /**
   * Where the tunnel of a packet stands that an entry protects, in a list of the tunnels of all entries and then of all carriers: at the
   * place of the entry, or at that of whoever carries the remote address. NO_CARRIER when nobody does.
   */
  placeOf(index: number, flow: Flow, direction: Direction): number {
    if (this.#byAddress[index] !== 1) return index;
    const carrier = this.#table.find(direction === 'inbound' ? flow.source : flow.destination, flow.family);
    return carrier === NO_CARRIER ? NO_CARRIER : this.entries.length + carrier;
  }

  /** The tunnel of a packet for which an entry was found; undefined when it is not protected, or nobody carries it. */
  choiceOf(index: number, flow: Flow, direction: Direction): TunnelChoice | undefined {
    const entry = this.entries[index];
    if (entry?.action !== 'PROTECT') return undefined;
    return entry.tunnelId === undefined ? this.#carrierAt(this.placeOf(index, flow, direction)) : entry;
  }

  /** What an association is to carry that a packet of an entry asks for, whose tunnel stands at `place` (RFC 4301 section 4.4.2.2). */
  selectorsFor(index: number, place: number, packet: PacketSelectors): readonly TrafficSelector[] {
    const entry = this.entries[index];
    if (entry === undefined) return [];
    const carrier = this.#carrierAt(place);
    const selectors = populate(entry, packet);
    return carrier === undefined ? selectors : carriedSelectors(selectors, carrier);
  }

  #carrierAt(place: number): Carrier | undefined {
    return this.#table.carriers[place - this.entries.length];
  }

  /** As `lookup`, past the cache. */
  search(flow: Flow, direction: Direction): number {
    return (flow.family === 4 ? this.#v4 : this.#v6).find(flow, direction === 'inbound');
  }
}
