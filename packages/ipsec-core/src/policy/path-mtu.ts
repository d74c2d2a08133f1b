import { SecurityAssociationError } from '../errors.js';
import { type Underlay, underlayHeaderLength } from '../wire/esp.js';
import type { Family } from '../wire/ip/address.js';
import { AssociationMemory } from './association-memory.js';

/** How an association learns what the path to its peer carries (RFC 4301 section 8.2). Lengths are whole IP packets. */
export interface PathMtuParameters {
  /** MTU of the first hop: where the path MTU starts, and what it never exceeds. 576 (IPv4) or 1280 (IPv6) to 65535. */
  readonly mtu: number;
  /** What a socket of the caller puts around the packet; needed exactly in tunnel mode without `outer`. */
  readonly underlay?: Underlay;
  /**
   * What unauthenticated messages cannot push the path MTU below. IPv6: 1280 (RFC 8201 section 4). IPv4: 576 by default;
   * RFC 1191 section 3 only forbids values below 68, but no path of today has less than 576, which every host must take
   * (RFC 791), and everything between the two would only help whoever forges such messages (RFC 4301 section 6.1.1: "to
   * prevent receipt of an unauthenticated ICMP from setting the PMTU to a trivial size").
   */
  readonly minimum?: number;
  /**
   * Milliseconds after the last reduction when the path MTU goes back up: ten minutes by default (RFC 1191 section 6.3,
   * RFC 8201 section 4), at least five ("MUST NOT be set to less than five minutes").
   */
  readonly agingMilliseconds?: number;
  /** What happens to what is too large and may be fragmented: IP packets of their own before, or the result after. */
  readonly fragmentation?: 'before' | 'after';
  /** Whether SYN packets are clamped to what fits, in both directions; true by default. */
  readonly clampMaximumSegmentSize?: boolean;
}

/** Who said so: the association's maker, an ICMP message of some router, or the peer's answer to a probe. */
export type PathMtuSource = 'configured' | 'icmp' | 'probe';

/** What a report did. */
export type PathMtuChange = 'lowered' | 'raised' | 'unchanged';

/**
 * Path MTU and aging variables of one association (RFC 4301 section 4.4.2.1). It is lowered by unauthenticated messages
 * within bounds and goes back up by age, until a probe has been answered: what that found (RFC 8899) is authentic, both
 * lowers and raises, and stays until the next answer: when to look for more is the search's to decide (PathMtuSearch).
 *
 * What is known is in the memory of the association, so that each engine that has it knows it, whichever of them was told:
 * the operating system brings what ICMP says to any of several sockets. When two are told at one moment, one of the two
 * messages counts; the next packet that is too large brings the other again.
 */
export class PathMtu {
  readonly maximum: number;
  readonly minimum: number;
  /** Octets that the caller's socket puts around a packet of this association. */
  readonly surroundings: number;
  readonly fragmentation: 'before' | 'after';
  readonly clampsMaximumSegmentSize: boolean;
  readonly family: Family | undefined;
  readonly #agingMilliseconds: number;
  readonly #memory: Pick<AssociationMemory, 'pathMtu' | 'pathMtuUntil'>;

  /** `family` of the outer header, when the association or its underlay tells. Throws SecurityAssociationError. */
  constructor(
    parameters: PathMtuParameters,
    family: Family | undefined,
    memory: Pick<AssociationMemory, 'pathMtu' | 'pathMtuUntil'> = new AssociationMemory(),
  ) {
    const { mtu, underlay, agingMilliseconds = DEFAULT_AGING } = parameters;
    const minimum = parameters.minimum ?? (family === 6 ? IPV6_MINIMUM_MTU : IPV4_MINIMUM_MTU);
    const lowest = family === 6 ? IPV6_MINIMUM_MTU : IPV4_LEAST_MTU;
    if (!isMtu(minimum) || minimum < lowest || !isMtu(mtu) || mtu < minimum) {
      throw new SecurityAssociationError(
        'PATH_MTU',
        `pathMtu.mtu is ${minimum} to 65535, minimum is ${lowest} to mtu.`,
      );
    }
    if (!(agingMilliseconds >= LEAST_AGING)) {
      throw new SecurityAssociationError('PATH_MTU', `pathMtu.agingMilliseconds is at least ${LEAST_AGING}.`);
    }
    this.maximum = mtu;
    this.minimum = minimum;
    this.surroundings = underlay === undefined ? 0 : underlayHeaderLength(underlay);
    this.fragmentation = parameters.fragmentation ?? 'before';
    this.clampsMaximumSegmentSize = parameters.clampMaximumSegmentSize ?? true;
    this.family = family;
    this.#agingMilliseconds = agingMilliseconds;
    this.#memory = memory;
  }

  /** Octets of the largest packet that the path is believed to carry. */
  current(now: number): number {
    return now < this.#until ? (this.#memory.pathMtu[LOWERED] ?? 0) : this.#confirmed || this.maximum;
  }

  /** Octets that the association's result may have: the current path MTU without what a socket puts around it. */
  room(now: number): number {
    return this.current(now) - this.surroundings;
  }

  source(now: number): PathMtuSource {
    if (now < this.#until) return 'icmp';
    return this.#confirmed === 0 ? 'configured' : 'probe';
  }

  /** When the path MTU goes back up by age; undefined when nothing has lowered it. */
  raiseAt(now: number): number | undefined {
    return now < this.#until ? this.#until : undefined;
  }

  /** What a probe has found; undefined: none has, and unauthenticated messages count. */
  get confirmed(): number | undefined {
    return this.#confirmed === 0 ? undefined : this.#confirmed;
  }

  /**
   * An unauthenticated message that was found plausible. It never raises, what is below the minimum counts as it, and
   * against what a probe has found it does not count at all.
   */
  reduce(mtu: number, now: number): PathMtuChange {
    if (this.#confirmed !== 0) return 'unchanged';
    const reduced = Math.max(mtu, this.minimum);
    if (!(reduced < this.current(now))) return 'unchanged';
    // In this order: whoever reads in between takes what held before.
    this.#memory.pathMtu[LOWERED] = reduced;
    this.#memory.pathMtuUntil[0] = now + this.#agingMilliseconds;
    return 'lowered';
  }

  /** An authentic answer says that packets of `mtu` octets arrive. Held to IPv6's 1280 and IPv4's 68, and the maximum. */
  confirm(mtu: number, now: number): PathMtuChange {
    const lowest = this.family === 6 ? IPV6_MINIMUM_MTU : IPV4_LEAST_MTU;
    if (!Number.isFinite(mtu)) return 'unchanged';
    const confirmed = Math.min(Math.max(Math.trunc(mtu), lowest), this.maximum);
    const before = this.current(now);
    this.#set(0, confirmed, 0);
    if (confirmed === before) return 'unchanged';
    return confirmed < before ? 'lowered' : 'raised';
  }

  /** The peer is reached another way: nothing is known of that path. */
  forget(): void {
    this.#set(0, 0, 0);
  }

  /** A successor on the same path goes on with what is known of it; of a different path nothing is. */
  inherit(predecessor: PathMtu | undefined): void {
    if (predecessor?.maximum !== this.maximum || predecessor.surroundings !== this.surroundings) return;
    const { pathMtu, pathMtuUntil } = predecessor.#memory;
    const [lowered = 0, confirmed = 0] = pathMtu;
    const [until = 0] = pathMtuUntil;
    if (predecessor.family !== this.family || (until > 0 && lowered < this.minimum)) return;
    if (confirmed > 0 && confirmed < this.minimum) return;
    this.#set(lowered, confirmed, until);
  }

  get #until(): number {
    return this.#memory.pathMtuUntil[0] ?? 0;
  }

  get #confirmed(): number {
    return this.#memory.pathMtu[CONFIRMED] ?? 0;
  }

  #set(lowered: number, confirmed: number, until: number): void {
    if (until === 0) this.#memory.pathMtuUntil[0] = 0;
    this.#memory.pathMtu[CONFIRMED] = confirmed;
    this.#memory.pathMtu[LOWERED] = lowered;
    this.#memory.pathMtuUntil[0] = until;
  }
}

/** Within the memory's two. */
const LOWERED = 0;
const CONFIRMED = 1;

function isMtu(octets: number): boolean {
  return Number.isInteger(octets) && octets <= 65_535;
}

/** RFC 8200 section 5: every link that carries IPv6 has at least this. */
export const IPV6_MINIMUM_MTU = 1280;
/** RFC 791: "Every internet module must be able to forward a datagram of 68 octets without further fragmentation." */
export const IPV4_LEAST_MTU = 68;
/** RFC 791: "All hosts must be prepared to accept datagrams of up to 576 octets". */
const IPV4_MINIMUM_MTU = 576;
const DEFAULT_AGING = 600_000;
const LEAST_AGING = 300_000;
