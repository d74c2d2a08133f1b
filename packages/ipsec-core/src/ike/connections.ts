import { toHex } from '../bytes/hex.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import { type ProofRequests, proofRequests } from './authentication-requests.js';
import type { Connection, Endpoint } from './connection.js';

/** The configured connections, by what one looks for. Where several meet, the order of configuration decides. */
export class Connections {
  #byName: ReadonlyMap<string, Connection> = new Map();
  #byAddress: ReadonlyMap<string, readonly Connection[]> = new Map();
  #byIdentity: ReadonlyMap<string, readonly Connection[]> = new Map();
  /** Of those of one address the first with each list of proposals. */
  #suites: ReadonlyMap<string, readonly Connection[]> = new Map();
  /** Made when the first peer from there comes. */
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
    this.#byName = byName;
    this.#proofRequests.clear();
    this.#byAddress = group(all, ({ remote }) => addressKey(remote));
    this.#byIdentity = group(all, ({ remoteIdentity }) => identityKey(remoteIdentity));
    this.#suites = new Map([...this.#byAddress].map(([key, members]) => [key, withDifferentProposals(members)]));
  }

  named(name: string): Connection | undefined {
    return this.#byName.get(name);
  }

  /** Those of this peer address first, then those that admit any. */
  admitting(remote: Endpoint): readonly Connection[] {
    return [...(this.#byAddress.get(addressKey(remote)) ?? []), ...(this.#byAddress.get(addressKey(undefined)) ?? [])];
  }

  /**
   * What a peer from there may negotiate an IKE SA with, before it has said who it is: of all that admit it, those whose
   * proposals differ. Anybody can ask for it, and there may be thousands of connections.
   */
  suitesFor(remote: Endpoint): readonly Connection[] {
    return [...(this.#suites.get(addressKey(remote)) ?? []), ...(this.#suites.get(addressKey(undefined)) ?? [])];
  }

  /** How a peer from there is asked to prove itself, before it has said who it is. */
  proofRequests(remote: Endpoint): ProofRequests {
    const key = this.#byAddress.has(addressKey(remote)) ? addressKey(remote) : addressKey(undefined);
    const known = this.#proofRequests.get(key) ?? proofRequests(this.admitting(remote));
    this.#proofRequests.set(key, known);
    return known;
  }

  of(peer: Identity): readonly Connection[] {
    return this.#byIdentity.get(identityKey(peer)) ?? [];
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

function withDifferentProposals(connections: readonly Connection[]): readonly Connection[] {
  const groups = group(connections, ({ proposals }) => JSON.stringify(proposals));
  return [...groups.values()].flatMap((members) => members.slice(0, 1));
}

function group(
  all: readonly Connection[],
  keyOf: (connection: Connection) => string,
): ReadonlyMap<string, readonly Connection[]> {
  const groups = new Map<string, Connection[]>();
  for (const connection of all) {
    const key = keyOf(connection);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [connection]);
    else members.push(connection);
  }
  return groups;
}

function addressKey(endpoint: Endpoint | undefined): string {
  return endpoint === undefined ? 'any' : toHex(endpoint.address);
}

function identityKey({ type, data }: Identity): string {
  return `${type}:${toHex(data)}`;
}

const LONGEST_PPK_ID = 255;
/** RFC 8784 section 6. */
const SHORTEST_PPK = 32;
