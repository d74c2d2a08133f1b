import { createHash, timingSafeEqual } from 'node:crypto';
import type {
  AddressRange,
  ExternalPeer as ExternalPeerMessage,
  IkeIdentity,
  PreSharedKey,
} from '@weft/contracts/southbound';
import { Secret } from '@weft/ipsec-core';
import type { WireSelector } from '@weft/ipsec-core/ike';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, required } from './field.js';
import type { ExternalPeer } from './verified-bundle.js';

/** The keys that came with a bundle, each to be taken by the peers whose commitments it opens. */
export class PreSharedKeys {
  readonly #keys: ReadonlyMap<string, Secret>;
  readonly #taken = new Set<string>();

  /** Throws RejectionError. */
  constructor(messages: readonly PreSharedKey[]) {
    const keys = new Map<string, Secret>();
    for (const [index, { salt, key }] of limited('bundle.pre_shared_keys', messages, MAX_KEYS).entries()) {
      const path = `bundle.pre_shared_keys[${index}]`;
      integerWithin(`${path}.salt`, salt.length, SALT_OCTETS, SALT_OCTETS);
      integerWithin(`${path}.key`, key.length, 1, MAX_KEY_OCTETS);
      const commitment = commitmentTo(salt, key).toString('hex');
      if (keys.has(commitment)) throw new RejectionError(path, 'duplicate', 'the key occurs twice');
      keys.set(commitment, new Secret(Uint8Array.from(key)));
    }
    this.#keys = keys;
  }

  /** The key that opens a commitment. Throws RejectionError. */
  opening(path: string, commitment: Uint8Array): Secret {
    integerWithin(path, commitment.length, COMMITMENT_OCTETS, COMMITMENT_OCTETS);
    const name = Buffer.from(commitment).toString('hex');
    const key = this.#keys.get(name);
    if (key === undefined)
      throw new RejectionError(path, 'missing_secret', 'no key came with the bundle that opens it');
    this.#taken.add(name);
    return key;
  }

  /** A key that the content does not name was not meant to be here. Throws RejectionError. */
  expectAllTaken(): void {
    if (this.#taken.size === this.#keys.size) return;
    throw new RejectionError('bundle.pre_shared_keys', 'unexpected_value', 'the content does not name all of the keys');
  }
}

/** What an edge must know of a gateway that is no edge. Throws RejectionError. */
export function parseExternalPeer(path: string, message: ExternalPeerMessage, keys: PreSharedKeys): ExternalPeer {
  const { localIdentity, remoteIdentity, authentication, localAddresses, remoteAddresses } = message;
  const proof = required(`${path}.authentication`, authentication);
  return {
    localIdentity: parseIdentity(`${path}.local_identity`, required(`${path}.local_identity`, localIdentity)),
    remoteIdentity: parseIdentity(`${path}.remote_identity`, required(`${path}.remote_identity`, remoteIdentity)),
    authentication: {
      kind: 'pre_shared_key',
      key: keys.opening(`${path}.pre_shared_key_commitment`, proof.value),
    },
    local: parseSelectors(`${path}.local_addresses`, localAddresses),
    remote: parseSelectors(`${path}.remote_addresses`, remoteAddresses),
  };
}

/** Whether two name the same peer with the same proof: otherwise what there is with the one is nothing of the other. */
export function sameExternalPeer(left: ExternalPeer | undefined, right: ExternalPeer | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    sameOctets(left.localIdentity.data, right.localIdentity.data) &&
    left.localIdentity.type === right.localIdentity.type &&
    sameOctets(left.remoteIdentity.data, right.remoteIdentity.data) &&
    left.remoteIdentity.type === right.remoteIdentity.type &&
    sameSelectors(left.local, right.local) &&
    sameSelectors(left.remote, right.remote) &&
    left.authentication.key.reveal((one) => right.authentication.key.reveal((other) => sameKey(one, other)))
  );
}

function commitmentTo(salt: Uint8Array, key: Uint8Array): Buffer {
  return createHash('sha256').update(COMMITMENT_CONTEXT).update(salt).update(key).digest();
}

function parseIdentity(path: string, { type, data }: IkeIdentity): ExternalPeer['localIdentity'] {
  const bounds = IDENTITY_OCTETS.get(type);
  if (bounds === undefined) {
    throw new RejectionError(`${path}.type`, 'unsupported_value', `identification type ${type} is unknown here`);
  }
  integerWithin(`${path}.data`, data.length, ...bounds);
  return { type, data: Uint8Array.from(data) };
}

/** In ascending order and disjoint, IPv4 first: what is negotiated has one form. */
function parseSelectors(path: string, ranges: readonly AddressRange[]): readonly WireSelector[] {
  if (ranges.length === 0) throw new RejectionError(path, 'missing_field', 'there is no address');
  let before: Buffer | undefined;
  return limited(path, ranges, MAX_SELECTORS).map(({ first, last }, index) => {
    const at = `${path}[${index}]`;
    if (first.length !== 4 && first.length !== 16) {
      throw new RejectionError(`${at}.first`, 'bad_address', 'it has neither 4 octets nor 16');
    }
    if (first.length !== last.length) throw new RejectionError(at, 'mixed_families', 'its ends are of two families');
    if (Buffer.compare(first, last) > 0)
      throw new RejectionError(at, 'reversed_range', 'its first address is the higher');
    const follows =
      before === undefined ||
      before.length < first.length ||
      (before.length === first.length && Buffer.compare(before, first) < 0);
    if (!follows) throw new RejectionError(at, 'not_canonical', 'it does not follow the range in front of it');
    before = last;
    return { type: 'range', ...EVERY_PACKET, first: Uint8Array.from(first), last: Uint8Array.from(last) };
  });
}

function sameSelectors(left: readonly WireSelector[], right: readonly WireSelector[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((one, index) => {
    const other = right[index];
    return (
      one.type === 'range' &&
      other?.type === 'range' &&
      sameOctets(one.first, other.first) &&
      sameOctets(one.last, other.last)
    );
  });
}

function sameOctets(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function sameKey(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

const COMMITMENT_CONTEXT = Buffer.from('weft pre-shared key v1\0', 'ascii');
const SALT_OCTETS = 32;
const COMMITMENT_OCTETS = 32;
const MAX_KEY_OCTETS = 256;
const MAX_KEYS = 4096;
/** Each of one end with each of the other: an association takes 1024 pairs. */
const MAX_SELECTORS = 32;
const EVERY_PACKET = { protocol: 0, startPort: 0, endPort: 0xffff } as const;
/** By IANA identification type. */
const IDENTITY_OCTETS: ReadonlyMap<number, readonly [lowest: number, highest: number]> = new Map([
  [1, [4, 4]],
  [2, [1, 255]],
  [3, [1, 255]],
  [5, [16, 16]],
  [11, [1, 255]],
]);
