import { type PacketSelectors, packetSelectors } from '../policy/populate.js';
import type { TrafficSelector } from '../policy/selector.js';
import { hashFlow, sameFields } from '../policy/selector-sets.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import { copyFlow, type Flow } from '../wire/ip/flow.js';

/** A packet met a PROTECT entry that has no association for it: key management should make one (RFC 4301 §5.1, 3b). */
export interface Acquire {
  readonly entryId: string;
  readonly tunnelId: string;
  /**
   * What the association is asked to carry: the entry's selectors, populated from the packet where its PFP flags say so; of an entry that
   * names no tunnel, with those of its remote addresses that this one carries.
   */
  readonly selectors: readonly TrafficSelector[];
  /** The packet that asked; IKEv2 puts it first into its traffic selectors (RFC 7296 section 2.9). */
  readonly packet: PacketSelectors;
  /** Of that packet, 0 to 63: of associations that are set aside for DSCP values, the one that is missing. */
  readonly dscp: number;
  /** Milliseconds of the data plane's clock. */
  readonly at: number;
}

/** What a packet without association does to the queue. */
export type AcquireOutcome = 'reported' | 'held' | 'overflow';

/**
 * Acquires that wait to be taken, and those that were: while one is pending, packets that ask for the same association
 * add nothing. If they still come when its time is over, it is reported again. No more than MAXIMUM_PENDING are pending;
 * packets beyond are counted in `overflow` and ask again when there is room. Only a packet that reports allocates.
 */
export class AcquireQueue {
  readonly #buckets = new Map<number, Pending[]>();
  #size = 0;
  /** Before then none of those pending is over. */
  #roomAt = Number.POSITIVE_INFINITY;
  #reported: Pending[] = [];
  overflow = 0;

  /**
   * For an outbound packet that the entry at `index` protects, and no association of its tunnel carries, which stands at `place`
   * (`SecurityPolicyDatabase.placeOf`): one entry may have packets for many.
   */
  want(
    database: SecurityPolicyDatabase,
    tunnelId: string,
    index: number,
    place: number,
    flow: Flow,
    dscp: number,
    now: number,
  ): AcquireOutcome {
    const fields = database.populated[index] ?? 0;
    const known = this.#find(index, place, flow, fields);
    if (known !== undefined && !isOver(known, now)) return 'held';
    if (known === undefined && !this.#makeRoom(now)) {
      this.overflow++;
      return 'overflow';
    }
    const acquire = acquireOf(database, tunnelId, index, place, flow, dscp, now);
    const pending = known ?? this.#add({ index, place, fields, flow: copyFlow(flow), acquire, taken: true });
    if (pending.taken) this.#reported.push(pending);
    pending.acquire = acquire;
    pending.taken = false;
    return 'reported';
  }

  /** What `want` would do. */
  foresee(index: number, place: number, fields: number, flow: Flow, now: number): AcquireOutcome {
    const known = this.#find(index, place, flow, fields);
    if (known !== undefined) return isOver(known, now) ? 'reported' : 'held';
    const all = [...this.#buckets.values()].flat();
    return all.length < MAXIMUM_PENDING || all.some((pending) => isOver(pending, now)) ? 'reported' : 'overflow';
  }

  /** Whether there are reported ones to take. */
  get waits(): boolean {
    return this.#reported.length > 0;
  }

  /** Those reported since the last call. */
  take(): readonly Acquire[] {
    const taken = this.#reported;
    this.#reported = [];
    for (const pending of taken) pending.taken = true;
    return taken.map(({ acquire }) => acquire);
  }

  /** Forgets those of a tunnel that now have an association. */
  settle(tunnelId: string, has: (flow: Flow, dscp: number, fields: number) => boolean): void {
    this.#forget(({ acquire, flow, fields }) => acquire.tunnelId === tunnelId && has(flow, acquire.dscp, fields));
  }

  /** All were asked for under a policy that is no more; packets that still come ask again. */
  clear(): void {
    this.#forget(() => true);
  }

  #makeRoom(now: number): boolean {
    if (this.#size < MAXIMUM_PENDING) return true;
    if (now < this.#roomAt) return false;
    this.#forget((pending) => isOver(pending, now));
    return this.#size < MAXIMUM_PENDING;
  }

  #find(index: number, place: number, flow: Flow, fields: number): Pending | undefined {
    const bucket = this.#buckets.get(hashOf(index, place, flow, fields));
    for (let i = 0; bucket !== undefined && i < bucket.length; i++) {
      const pending = bucket[i];
      if (pending?.index !== index || pending.place !== place) continue;
      if (sameFields(pending.flow, flow, fields)) return pending;
    }
    return undefined;
  }

  #add(pending: Pending): Pending {
    const hash = hashOf(pending.index, pending.place, pending.flow, pending.fields);
    this.#buckets.set(hash, [...(this.#buckets.get(hash) ?? []), pending]);
    this.#size++;
    this.#roomAt = Math.min(this.#roomAt, pending.acquire.at + HOLD_MILLISECONDS);
    return pending;
  }

  #forget(isForgotten: (pending: Pending) => boolean): void {
    this.#reported = this.#reported.filter((pending) => !isForgotten(pending));
    this.#size = 0;
    this.#roomAt = Number.POSITIVE_INFINITY;
    for (const [hash, bucket] of this.#buckets) {
      const kept = bucket.filter((pending) => !isForgotten(pending));
      if (kept.length === 0) this.#buckets.delete(hash);
      else this.#buckets.set(hash, kept);
      this.#size += kept.length;
      for (const { acquire } of kept) this.#roomAt = Math.min(this.#roomAt, acquire.at + HOLD_MILLISECONDS);
    }
  }
}

interface Pending {
  readonly index: number;
  readonly place: number;
  /** Bits of SELECTOR_FIELD: in which fields a packet must agree to ask for the same. */
  readonly fields: number;
  readonly flow: Flow;
  /** The last one reported. */
  acquire: Acquire;
  taken: boolean;
}

function acquireOf(
  database: SecurityPolicyDatabase,
  tunnelId: string,
  index: number,
  place: number,
  flow: Flow,
  dscp: number,
  at: number,
): Acquire {
  const packet = packetSelectors(flow);
  const entryId = database.entries[index]?.entryId ?? '';
  return { entryId, tunnelId, selectors: database.selectorsFor(index, place, packet), packet, dscp, at };
}

function isOver({ acquire }: Pending, now: number): boolean {
  return now - acquire.at >= HOLD_MILLISECONDS;
}

function hashOf(index: number, place: number, flow: Flow, fields: number): number {
  return (hashFlow(flow, fields) ^ Math.imul(index, 0x9e3779b1) ^ Math.imul(place, 0x85ebca6b)) & 0x3fffffff;
}

export const MAXIMUM_PENDING = 1024;
/** How long key management has before it is asked again. */
export const HOLD_MILLISECONDS = 30_000;
