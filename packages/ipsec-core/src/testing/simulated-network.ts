import type { Endpoint } from '../ike/connection.js';
import type { SeededRandom } from './seeded-random.js';

/** What the network does to datagrams. Probabilities are 0 to 1, delays milliseconds of virtual time. */
export interface NetworkConditions {
  readonly loss: number;
  readonly duplication: number;
  readonly minimumDelay: number;
  readonly maximumDelay: number;
  /** UDP payloads above it vanish: a path that drops IP fragments. */
  readonly maximumPayload: number;
  /** Rewrites the source of what this address sends: a NAT in front of it. */
  readonly nat: { readonly inside: Uint8Array; readonly outside: Endpoint } | undefined;
}

export interface Delivery {
  readonly at: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly load: Load;
}

/** An IKE message, or a packet under a Child SA: of that, the SPI and the key it was sealed with. */
export type Load =
  | { readonly kind: 'ike'; readonly octets: Uint8Array }
  | { readonly kind: 'esp'; readonly spi: number; readonly key: string };

export const PERFECT: NetworkConditions = {
  loss: 0,
  duplication: 0,
  minimumDelay: 10,
  maximumDelay: 10,
  maximumPayload: 65_507,
  nat: undefined,
};

/** Datagrams on their way, in virtual time. The spread of delays is what reorders them. */
export class SimulatedNetwork {
  conditions: NetworkConditions;
  readonly #random: SeededRandom;
  readonly #inFlight: Delivery[] = [];

  constructor(random: SeededRandom, conditions: NetworkConditions = PERFECT) {
    this.#random = random;
    this.conditions = conditions;
  }

  send(from: Endpoint, to: Endpoint, load: Load, now: number): void {
    const { loss, duplication, maximumPayload } = this.conditions;
    const tooLarge = load.kind === 'ike' && load.octets.length > maximumPayload;
    if (tooLarge || this.#random.next() < loss) return;
    const copies = this.#random.next() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#schedule(from, to, load, now);
  }

  next(): number | undefined {
    return this.#inFlight[0]?.at;
  }

  /** The next datagram that has arrived by `now`. */
  take(now: number): Delivery | undefined {
    const first = this.#inFlight[0];
    return first !== undefined && first.at <= now ? this.#inFlight.shift() : undefined;
  }

  #schedule(from: Endpoint, to: Endpoint, load: Load, now: number): void {
    const { minimumDelay, maximumDelay, nat } = this.conditions;
    const at = now + minimumDelay + this.#random.next() * (maximumDelay - minimumDelay);
    const outward = nat !== undefined && equal(nat.inside, from.address) ? nat.outside : from;
    const inward = nat !== undefined && equal(nat.outside.address, to.address) ? { ...to, address: nat.inside } : to;
    const copy: Load = load.kind === 'ike' ? { kind: 'ike', octets: load.octets.slice() } : load;
    const delivery = { at, from: outward, to: inward, load: copy };
    const place = this.#inFlight.findIndex((other) => other.at > at);
    if (place === -1) this.#inFlight.push(delivery);
    else this.#inFlight.splice(place, 0, delivery);
  }
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}
