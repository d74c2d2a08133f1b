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
  /** Something in front of an address that rewrites what it sends. Another one, and nothing is left of its mappings. */
  readonly nat: SimulatedNat | undefined;
  /** Lets UDP through and no ESP of its own, as a NAT does in any case. */
  readonly dropsProtocol50: boolean;
  /** Addresses whose provider drops everything, in both directions; nobody is told. */
  readonly silent: readonly Uint8Array[];
}

/** A NAT: ports inside become `outside.port` and those that follow it, in the order in which they are first used. */
export interface SimulatedNat {
  readonly inside: Uint8Array;
  readonly outside: Endpoint;
}

export interface Delivery {
  readonly at: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly load: Load;
}

/** An IKE message, or a packet under a Child SA: of that, the SPI, the key it was sealed with, whether it is in UDP. */
export type Load =
  | { readonly kind: 'ike'; readonly octets: Uint8Array }
  | { readonly kind: 'esp'; readonly spi: number; readonly key: string; readonly encapsulated: boolean };

export const PERFECT: NetworkConditions = {
  loss: 0,
  duplication: 0,
  minimumDelay: 10,
  maximumDelay: 10,
  maximumPayload: 65_507,
  nat: undefined,
  dropsProtocol50: false,
  silent: [],
};

/** Datagrams on their way, in virtual time. The spread of delays is what reorders them. */
export class SimulatedNetwork {
  conditions: NetworkConditions;
  readonly #random: SeededRandom;
  readonly #inFlight: Delivery[] = [];
  /** Ports inside, in the order of their ports outside, of the NAT that they were made at. */
  #mappings: { readonly nat: SimulatedNat | undefined; readonly ports: number[] } = { nat: undefined, ports: [] };
  /** What a NAT or the path drops: sent from outside to no mapping, or ESP that is not in UDP. */
  unmapped = 0;
  /** Protected packets that a provider dropped without a word. */
  silenced = 0;

  constructor(random: SeededRandom, conditions: NetworkConditions = PERFECT) {
    this.#random = random;
    this.conditions = conditions;
  }

  send(from: Endpoint, to: Endpoint, load: Load, now: number): void {
    const { loss, duplication, maximumPayload, silent } = this.conditions;
    if (silent.some((address) => equal(address, from.address) || equal(address, to.address))) {
      if (load.kind === 'esp') this.silenced++;
      return;
    }
    const tooLarge = load.kind === 'ike' && load.octets.length > maximumPayload;
    if (load.kind === 'esp' && !load.encapsulated && this.#stopsEsp(from, to)) {
      this.unmapped++;
      return;
    }
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
    const { minimumDelay, maximumDelay } = this.conditions;
    const at = now + minimumDelay + this.#random.next() * (maximumDelay - minimumDelay);
    const copy: Load = load.kind === 'ike' ? { kind: 'ike', octets: load.octets.slice() } : load;
    const inward = this.#inward(to);
    if (inward === undefined) {
      this.unmapped++;
      return;
    }
    const delivery = { at, from: this.#outward(from), to: inward, load: copy };
    const place = this.#inFlight.findIndex((other) => other.at > at);
    if (place === -1) this.#inFlight.push(delivery);
    else this.#inFlight.splice(place, 0, delivery);
  }

  #stopsEsp(from: Endpoint, to: Endpoint): boolean {
    const { nat, dropsProtocol50 } = this.conditions;
    return (
      dropsProtocol50 ||
      (nat !== undefined && (equal(nat.inside, from.address) || equal(nat.outside.address, to.address)))
    );
  }

  #outward(from: Endpoint): Endpoint {
    const { nat } = this.conditions;
    if (nat === undefined || !equal(nat.inside, from.address)) return from;
    const ports = this.#portsOf(nat);
    if (!ports.includes(from.port)) ports.push(from.port);
    return { ...nat.outside, port: nat.outside.port + ports.indexOf(from.port) };
  }

  #inward(to: Endpoint): Endpoint | undefined {
    const { nat } = this.conditions;
    if (nat === undefined || !equal(nat.outside.address, to.address)) return to;
    const port = this.#portsOf(nat)[to.port - nat.outside.port];
    return port === undefined ? undefined : { address: nat.inside, port };
  }

  #portsOf(nat: SimulatedNat): number[] {
    const known = this.#mappings.nat;
    if (known === undefined || !equal(known.inside, nat.inside) || !same(known.outside, nat.outside)) {
      this.#mappings = { nat, ports: [] };
    }
    return this.#mappings.ports;
  }
}

function same(left: Endpoint, right: Endpoint): boolean {
  return left.port === right.port && equal(left.address, right.address);
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}
