import { toHex } from '../bytes/hex.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import { type ProofRequests, proofRequests, requestKey } from './authentication-requests.js';
import {
  admitsFrom,
  type Connection,
  calledAt,
  canInitiate,
  type Endpoint,
  type Ppk,
  type PpkMixing,
} from './connection.js';
import { encodeId, mixingsOf } from './ppk-choice.js';

/** What a peer that has not said who it is may be, in the order in which it is believed. */
export interface Tiers<Member> {
  /** Of those that we call at its address. */
  readonly there: readonly Member[];
  /** Of those that may come from anywhere. */
  readonly anywhere: readonly Member[];
}

/**
 * The configured connections, by what one looks for. Where several meet, the order of configuration decides. What a peer
 * gets before it has proved who it is, is made ready when connections are configured: anybody can ask for it, from
 * anywhere, and there may be thousands of them.
 */
export class Connections {
  /** Grows with each `replace`. */
  generation = 0;
  #byName: ReadonlyMap<string, Connection> = new Map();
  #byAddress: ReadonlyMap<string, readonly Connection[]> = new Map();
  #byIdentity: ReadonlyMap<string, readonly Connection[]> = new Map();
  #byPpkId: ReadonlyMap<string, readonly Connection[]> = new Map();
  #anywhere: readonly Connection[] = [];
  readonly #suites = new Map<string, readonly Connection[]>();
  #suitesAnywhere: readonly Connection[] = [];
  readonly #mixings = new Map<string, ReadonlySet<PpkMixing>>();
  #mixingsAnywhere: ReadonlySet<PpkMixing> = new Set();
  /** By address, and of those that may come from anywhere: the first of each that asks its peer for something else. */
  readonly #asking = new Map<string, readonly Connection[]>();
  #askingAnywhere: readonly Connection[] = [];
  /** Made when the first peer from there comes, of a few. */
  readonly #proofRequests = new Map<string, ProofRequests>();

  constructor(all: readonly Connection[]) {
    this.replace(all);
  }

  /**
   * Throws RangeError when two have one name, or two children of one do, selectors are of addresses that nobody assigns,
   * transport mode is to move, or a PPK is none.
   */
  replace(all: readonly Connection[]): void {
    const byName = new Map<string, Connection>();
    for (const connection of all) {
      if (byName.has(connection.name)) throw new RangeError(`Two connections are called ${connection.name}.`);
      const children = new Set(connection.children.map(({ name }) => name));
      if (children.size < connection.children.length) {
        throw new RangeError(`Two children of ${connection.name} have one name.`);
      }
      requireAssignment(connection);
      requireTunnels(connection);
      requireStrongPpks(connection);
      byName.set(connection.name, connection);
    }
    this.generation++;
    this.#byName = byName;
    this.#proofRequests.clear();
    this.#byAddress = group(all.filter(canInitiate), ({ remote }) =>
      calledAt(remote).map(({ address }) => toHex(address)),
    );
    this.#byIdentity = group(all, ({ remoteIdentity }) => [identityKey(remoteIdentity)]);
    this.#byPpkId = group(all, ({ ppk }) => (ppk?.keys ?? []).map((key) => toHex(encodeId(key))));
    this.#anywhere = all.filter(({ remote }) => remote.kind !== 'fixed');
    this.#mixingsAnywhere = mixingsOf(this.#anywhere);
    this.#suites.clear();
    this.#asking.clear();
    this.#mixings.clear();
    for (const [key, members] of this.#byAddress) {
      this.#suites.set(key, withDifferentProposals(members));
      this.#asking.set(key, firstOfEach(members, requestKey));
      this.#mixings.set(key, new Set([...mixingsOf(members), ...this.#mixingsAnywhere]));
    }
    this.#suitesAnywhere = withDifferentProposals(this.#anywhere);
    this.#askingAnywhere = firstOfEach(this.#anywhere, requestKey);
  }

  named(name: string): Connection | undefined {
    return this.#byName.get(name);
  }

  /** Whether we call some peer there: no proof of anything, but less of a stranger than others. */
  calls({ address }: Endpoint): boolean {
    return this.#byAddress.has(toHex(address));
  }

  /** Each once. */
  admitting(remote: Endpoint): readonly Connection[] {
    const there = this.#there(remote);
    return [...there, ...this.#anywhere.filter((connection) => !there.includes(connection))];
  }

  /** What a peer from there may negotiate an IKE SA with: of all that admit it, those whose proposals differ. */
  suitesFor({ address }: Endpoint): Tiers<Connection> {
    return { there: this.#suites.get(toHex(address)) ?? [], anywhere: this.#suitesAnywhere };
  }

  /** How a PPK may be mixed in with a peer from there. */
  ppkMixings({ address }: Endpoint): ReadonlySet<PpkMixing> {
    return this.#mixings.get(toHex(address)) ?? this.#mixingsAnywhere;
  }

  /** The PPKs of that PPK_ID that peers from there may have. */
  ppksOf(id: Uint8Array, { address }: Endpoint): readonly Ppk[] {
    const key = toHex(id);
    const admitting = (this.#byPpkId.get(key) ?? []).filter((connection) => admitsFrom(connection, address));
    return admitting
      .slice(0, MAXIMUM_PPKS_OF_ONE_ID)
      .flatMap(({ ppk }) => (ppk?.keys ?? []).filter((candidate) => toHex(encodeId(candidate)) === key));
  }

  /** How a peer from there is asked to prove itself, before it has said who it is. */
  proofRequests(remote: Endpoint): ProofRequests {
    const address = toHex(remote.address);
    const there = this.#asking.get(address) ?? [];
    const key = there.length > 0 ? address : 'anywhere';
    const known = this.#proofRequests.get(key) ?? proofRequests([...there, ...this.#askingAnywhere]);
    this.#proofRequests.set(key, known);
    return known;
  }

  of(peer: Identity): readonly Connection[] {
    return this.#byIdentity.get(identityKey(peer)) ?? [];
  }

  #there({ address }: Endpoint): readonly Connection[] {
    return this.#byAddress.get(toHex(address)) ?? [];
  }
}

function requireAssignment({ name, children, configuration }: Connection): void {
  for (const [side, kind] of [['local', 'client'] as const, ['remote', 'server'] as const]) {
    if (configuration?.kind === kind || children.every((child) => child[side] !== 'virtual')) continue;
    throw new RangeError(`${name} has 'virtual' selectors at the ${side} end and is no configuration ${kind}.`);
  }
}

/** RFC 4555 section 1.2: in transport mode the addresses are part of what is protected. */
function requireTunnels({ name, children, mobike }: Connection): void {
  if (mobike === undefined || children.every(({ mode }) => mode === 'tunnel')) return;
  throw new RangeError(`${name} has MOBIKE and a child in transport mode, which cannot move.`);
}

function requireStrongPpks({ name, ppk }: Connection): void {
  if (ppk === undefined) return;
  if (ppk.keys.length === 0) throw new RangeError(`${name} uses PPKs and has none.`);
  for (const { id, key } of ppk.keys) {
    const { length } = id.data;
    if (length < 1 || length > LONGEST_PPK_ID)
      throw new RangeError(`A PPK_ID of ${name} has ${length} octets, not 1 to 255.`);
    if (key.length < SHORTEST_PPK) throw new RangeError(`A PPK of ${name} has fewer than ${SHORTEST_PPK} octets.`);
  }
}

/**
 * One for each list of proposals: the first that has it, with that alone of NAT traversal which all of them say. Where they
 * differ, a NAT is looked for, and what the connection of the peer says counts when it has said who it is.
 */
function withDifferentProposals(connections: readonly Connection[]): readonly Connection[] {
  if (connections.length < 2) return connections;
  const groups = group(connections, ({ proposals }) => [JSON.stringify(proposals)]);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const agreed = members.every(({ natTraversal }) => natTraversal === first.natTraversal);
    return agreed ? [first] : [{ ...first, natTraversal: 'detected' as const }];
  });
}

function firstOfEach(
  connections: readonly Connection[],
  keyOf: (connection: Connection) => string,
): readonly Connection[] {
  const groups = group(connections, (connection) => [keyOf(connection)]);
  return [...groups.values()].flatMap((members) => members.slice(0, 1));
}

function group<Member extends Connection>(
  all: readonly Member[],
  keysOf: (connection: Member) => readonly string[],
): ReadonlyMap<string, readonly Member[]> {
  const groups = new Map<string, Member[]>();
  for (const connection of all) {
    for (const key of new Set(keysOf(connection))) {
      const members = groups.get(key);
      if (members === undefined) groups.set(key, [connection]);
      else members.push(connection);
    }
  }
  return groups;
}

function identityKey({ type, data }: Identity): string {
  return `${type}:${toHex(data)}`;
}

const LONGEST_PPK_ID = 255;
/** RFC 8784 section 6. */
const SHORTEST_PPK = 32;
/** A peer that names one costs no more than this, however many connections share it. */
const MAXIMUM_PPKS_OF_ONE_ID = 16;
