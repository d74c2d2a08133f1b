import type { Flow } from '../wire/ip/flow.js';
import { addToCounter, TUNNEL_COUNTER, TUNNEL_COUNTERS } from './counter-memory.js';
import { NarrowedAssociations } from './narrowed-associations.js';
import type { OutboundAssociation } from './security-association.js';

/** A peer and the outbound associations with it. Counters outlive associations, so that they go on over rekeys. */
export class Tunnel {
  readonly tunnelId: string;
  /** By TUNNEL_COUNTER. */
  readonly counters: Float64Array;
  #outbound: OutboundAssociation | undefined;
  /** Predecessors of #outbound, until they are removed. */
  readonly #retired: OutboundAssociation[] = [];
  /** What carries nothing. */
  #standby: OutboundAssociation[] = [];
  /** Undefined while there is none, so that a tunnel without narrowing pays nothing for them. */
  #narrowed: NarrowedAssociations | undefined;

  constructor(tunnelId: string, counters: Float64Array = new Float64Array(TUNNEL_COUNTERS)) {
    this.tunnelId = tunnelId;
    this.counters = counters;
  }

  /** `bytes` are those of all `packets` together. */
  countSent(bytes: number, now: number, packets = 1): void {
    // First, so that a reader who finds a packet finds its time.
    this.counters[TUNNEL_COUNTER.lastSentAt] = now;
    addToCounter(this.counters, TUNNEL_COUNTER.outboundPackets, packets);
    addToCounter(this.counters, TUNNEL_COUNTER.outboundBytes, bytes);
  }

  countReceived(bytes: number, now: number): void {
    this.counters[TUNNEL_COUNTER.lastReceivedAt] = now;
    addToCounter(this.counters, TUNNEL_COUNTER.inboundPackets, 1);
    addToCounter(this.counters, TUNNEL_COUNTER.inboundBytes, bytes);
  }

  /** The association that carries whatever the tunnel's entries carry; undefined when all are narrowed, or none is left. */
  get outbound(): OutboundAssociation | undefined {
    return this.#outbound;
  }

  /** The last one installed of those that are left and carry something. */
  get youngest(): OutboundAssociation | undefined {
    const narrowed = this.#narrowed?.all.at(-1);
    if (narrowed === undefined || this.#outbound === undefined) return narrowed ?? this.#outbound;
    return narrowed.installation > this.#outbound.installation ? narrowed : this.#outbound;
  }

  /**
   * The association for an outbound packet of an entry whose PFP flags are `populated` (bits of SELECTOR_FIELD): such an
   * entry needs one that holds a single value in those fields (RFC 4301 section 4.4.1, "the PFP flag can be used to
   * prohibit sharing of an SA"). Of several, one that was set aside for the packet's DSCP, then the youngest.
   */
  select(flow: Flow, dscp: number, populated: number): OutboundAssociation | undefined {
    const narrowed = this.#narrowed;
    if (narrowed === undefined) return populated === 0 ? this.#outbound : undefined;
    const found = narrowed.find(flow, dscp, populated);
    if (populated !== 0 || this.#outbound === undefined) return found;
    return found?.goesBefore(this.#outbound) === true ? found : this.#outbound;
  }

  add(association: OutboundAssociation): void {
    if (association.standby) {
      this.#standby.push(association);
      return;
    }
    if (association.traffic.isNarrowed) {
      this.#narrowed ??= new NarrowedAssociations();
      this.#narrowed.add(association);
      return;
    }
    if (this.#outbound !== undefined) this.#retired.push(this.#outbound);
    this.#outbound = association;
  }

  has(spi: number): boolean {
    return this.find(spi) !== undefined;
  }

  find(spi: number): OutboundAssociation | undefined {
    return this.all().find((association) => association.spi === spi);
  }

  /** Takes one out and wipes its keys. Its youngest predecessor, if one is left, carries on; false if there is none such. */
  remove(spi: number): boolean {
    const removed = this.#takeOut(spi);
    removed?.destroy();
    return removed !== undefined;
  }

  /** In no order that means anything. */
  all(): readonly OutboundAssociation[] {
    const unnarrowed = this.#outbound === undefined ? [] : [...this.#retired, this.#outbound];
    return [...unnarrowed, ...(this.#narrowed?.all ?? []), ...this.#standby];
  }

  /** Those that new packets go out on: of several for the same traffic, the youngest. */
  current(): ReadonlySet<OutboundAssociation> {
    const current = new Map<string, OutboundAssociation>();
    for (const association of this.#narrowed?.all ?? []) current.set(association.traffic.key, association);
    const all = [...current.values()];
    return new Set(this.#outbound === undefined ? all : [...all, this.#outbound]);
  }

  #takeOut(spi: number): OutboundAssociation | undefined {
    if (this.#outbound?.spi === spi) {
      const removed = this.#outbound;
      this.#outbound = this.#retired.pop();
      return removed;
    }
    const at = this.#retired.findIndex((association) => association.spi === spi);
    if (at !== -1) return this.#retired.splice(at, 1)[0];
    const waiting = this.#standby.find((association) => association.spi === spi);
    if (waiting !== undefined) {
      this.#standby = this.#standby.filter((association) => association !== waiting);
      return waiting;
    }
    const removed = this.#narrowed?.remove(spi);
    if (this.#narrowed?.all.length === 0) this.#narrowed = undefined;
    return removed;
  }
}
