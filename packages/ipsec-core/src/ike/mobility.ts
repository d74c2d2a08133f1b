import { toHex } from '../bytes/hex.js';
import { sameAddress } from './connection.js';
import { type Path, pairOf } from './path.js';
import { PathTrials } from './path-trials.js';

/**
 * What RFC 4555 has one end remember about the addresses of both, for a lineage: nothing of it is used before both have
 * sent MOBIKE_SUPPORTED.
 */
export class Mobility {
  /** Both ends sent MOBIKE_SUPPORTED. */
  inUse = false;
  /** The peer's: the one its latest list came from, then those of the list (section 3.6). Empty: it sent none. */
  peer: readonly Uint8Array[] = [];
  /** Grows whenever the path changes: what was sent before says nothing about the path of now (section 3.7). */
  generation = 0;
  /** NAT_DETECTION_DESTINATION_IP of the peer's latest answer that has one: how it sees us (section 3.8). */
  seenAs: Uint8Array | undefined;
  /** Our own address went away while the peer decides about the path: it may have to be looked for (section 3.6). */
  displaced = false;
  /** Answers UNEXPECTED_NAT_DETECTED in a row. */
  natEncounters = 0;
  /** How paths that are preferred to the one in use answer. */
  readonly trials = new PathTrials();
  readonly #ownAddresses: () => readonly Uint8Array[];
  readonly #preferredPeers: () => readonly Uint8Array[];
  readonly #verified = new Set<string>();
  readonly #refused = new Set<string>();

  /** `preferredPeers`: addresses of the peer in our order of preference; it may have others, which come after these. */
  constructor(ownAddresses: () => readonly Uint8Array[], preferredPeers: () => readonly Uint8Array[]) {
    this.#ownAddresses = ownAddresses;
    this.#preferredPeers = preferredPeers;
  }

  /** Our underlay addresses, the preferred one first. Empty: nobody has told us of any but that of the path. */
  get own(): readonly Uint8Array[] {
    return this.#ownAddresses();
  }

  /** The peer has shown that it receives there. */
  verify({ remote: { address, port } }: Path): void {
    if (this.#verified.size >= MAXIMUM_REMEMBERED) this.#verified.clear();
    this.#verified.add(`${toHex(address)} ${port}`);
  }

  isVerified({ remote: { address, port } }: Path): boolean {
    return this.#verified.has(`${toHex(address)} ${port}`);
  }

  /** The peer does not take this pair of addresses: not to be tried again until one end has others. */
  refuse(path: Path): void {
    if (this.#refused.size >= MAXIMUM_REMEMBERED) this.#refused.clear();
    this.#refused.add(pairOf(path));
  }

  forgetRefusals(): void {
    this.#refused.clear();
    this.trials.forget();
    this.natEncounters = 0;
  }

  /**
   * Every pair of addresses of one family that the two ends have told, in our order of preference, but for the one that is
   * in use and those that were refused. The ports are those in use.
   */
  alternatives(path: Path): readonly Path[] {
    const current = pairOf(path);
    return this.#pairs(path)
      .filter((other) => pairOf(other) !== current && !this.#refused.has(pairOf(other)))
      .slice(0, MAXIMUM_ALTERNATIVES);
  }

  /** Of the alternatives those that are preferred to the path in use. */
  preferred(path: Path): readonly Path[] {
    const pairs = this.#pairs(path);
    const place = pairs.findIndex((pair) => pairOf(pair) === pairOf(path));
    return pairs
      .slice(0, Math.max(place, 0))
      .filter((pair) => !this.#refused.has(pairOf(pair)))
      .slice(0, MAXIMUM_ALTERNATIVES);
  }

  owns(address: Uint8Array): boolean {
    const { own } = this;
    return own.length === 0 || own.some((other) => sameAddress(other, address));
  }

  /** Whether the peer still has the address, as far as it has told. */
  peerHas(address: Uint8Array): boolean {
    return this.peer.length === 0 || this.peer.some((known) => sameAddress(known, address));
  }

  /** Our addresses decide first, then the peer's. */
  #pairs(path: Path): readonly Path[] {
    const own = this.own.length === 0 ? [path.local.address] : this.own;
    const told = this.peer.length === 0 ? [path.remote.address] : this.peer;
    const known = this.#preferredPeers().filter((address) => told.some((other) => sameAddress(other, address)));
    const peer = [...known, ...told.filter((address) => !known.some((other) => sameAddress(other, address)))];
    return own.flatMap((local) =>
      peer
        .filter((remote) => remote.length === local.length)
        .map((remote) => ({
          local: { address: local, port: path.local.port },
          remote: { address: remote, port: path.remote.port },
        })),
    );
  }
}

/** Peers that wander without end do not make us remember where they were. */
const MAXIMUM_REMEMBERED = 64;
/** Paths that are tried at once: a list of addresses does not make us a source of traffic. */
const MAXIMUM_ALTERNATIVES = 16;
