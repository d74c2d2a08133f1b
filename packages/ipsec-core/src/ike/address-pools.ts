import { toHex } from '../bytes/hex.js';
import { fromBigint, toBigint } from '../crypto/ike/key-exchange/modp.js';
import type { AddressRange } from './connection.js';

/**
 * Which peer has which address of which pool (RFC 7296 section 3.15.1, INTERNAL_IP4_ADDRESS and INTERNAL_IP6_ADDRESS). A
 * peer that comes back gets the address that it had, as long as no other needed it; each takes a constant time.
 */
export class AddressPools {
  readonly #pools = new Map<string, Pool>();

  /** The same owner has one address of a range, however many leases: each ends with `release`. Undefined: none is left. */
  lease(range: AddressRange, owner: string, wanted?: Uint8Array): Uint8Array | undefined {
    const value = this.#poolOf(range).lease(owner, wanted === undefined ? undefined : toBigint(wanted));
    return value === undefined ? undefined : fromBigint(value, range.first.length);
  }

  release(range: AddressRange, owner: string): void {
    this.#poolOf(range).release(owner);
  }

  #poolOf({ first, last }: AddressRange): Pool {
    const key = `${toHex(first)}-${toHex(last)}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(toBigint(first), toBigint(last));
    this.#pools.set(key, pool);
    return pool;
  }
}

class Pool {
  readonly #first: bigint;
  readonly #last: bigint;
  /** Nobody ever had this one and what follows, except where a peer asked for one. */
  #fresh: bigint;
  readonly #leases = new Map<string, Lease>();
  /** Owner of each address, also of those whose leases have ended; of these the one that ended first comes first. */
  readonly #owners = new Map<bigint, string>();
  readonly #ended = new Map<string, bigint>();

  constructor(first: bigint, last: bigint) {
    this.#first = first;
    this.#last = last;
    this.#fresh = first;
  }

  lease(owner: string, wanted: bigint | undefined): bigint | undefined {
    const current = this.#leases.get(owner);
    if (current !== undefined) {
      current.count++;
      return current.address;
    }
    const address = this.#ended.get(owner) ?? this.#asWanted(wanted) ?? this.#unused() ?? this.#oldest();
    if (address === undefined) return undefined;
    const before = this.#owners.get(address);
    if (before !== undefined) this.#ended.delete(before);
    this.#owners.set(address, owner);
    this.#leases.set(owner, { address, count: 1 });
    return address;
  }

  release(owner: string): void {
    const lease = this.#leases.get(owner);
    if (lease === undefined || --lease.count > 0) return;
    this.#leases.delete(owner);
    this.#ended.set(owner, lease.address);
  }

  #asWanted(wanted: bigint | undefined): bigint | undefined {
    if (wanted === undefined || wanted < this.#first || wanted > this.#last) return undefined;
    const owner = this.#owners.get(wanted);
    return owner === undefined || this.#ended.has(owner) ? wanted : undefined;
  }

  #unused(): bigint | undefined {
    while (this.#fresh <= this.#last) {
      const address = this.#fresh++;
      if (!this.#owners.has(address)) return address;
    }
    return undefined;
  }

  #oldest(): bigint | undefined {
    const [address] = this.#ended.values();
    return address;
  }
}

interface Lease {
  readonly address: bigint;
  count: number;
}
