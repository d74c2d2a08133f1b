import { createHash, timingSafeEqual } from 'node:crypto';
import type {
  AddressRange,
  ExternalPeer as ExternalPeerMessage,
  IkeIdentity,
  PreSharedKey,
  RemoteAccess,
} from '@weft/contracts/southbound';
import { Secret } from '@weft/ipsec-core';
import { type Identity, sameIdentity, type WireSelector } from '@weft/ipsec-core/ike';
import { type Certificate, parseCertificate } from '../../ike/credentials/certificate.js';
import { DerError } from '../../ike/credentials/der.js';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, required } from './field.js';
import { parseRemoteAccess } from './parse-remote-access.js';
import type { ExternalAuthentication, ExternalGateway, ExternalPeer, RemoteHost } from './verified-bundle.js';

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
export function parseGateway(path: string, message: ExternalPeerMessage, keys: PreSharedKeys): ExternalGateway {
  return { ...parseAuthorized(path, message, keys), assignment: undefined };
}

/** The same of a host, and what it is assigned. Throws RejectionError. */
export function parseRemoteHost(
  path: string,
  message: ExternalPeerMessage & { readonly remoteAccess: RemoteAccess },
  keys: PreSharedKeys,
): RemoteHost {
  const peer = parseAuthorized(path, message, keys);
  return { ...peer, assignment: parseRemoteAccess(path, message.remoteAccess, peer) };
}

function parseAuthorized(path: string, message: ExternalPeerMessage, keys: PreSharedKeys) {
  const { remoteIdentity, localAddresses, remoteAddresses } = message;
  return {
    remoteIdentity: parseIdentity(`${path}.remote_identity`, required(`${path}.remote_identity`, remoteIdentity)),
    authentication: parseAuthentication(path, message, keys),
    local: parseSelectors(`${path}.local_addresses`, localAddresses),
    remote: parseSelectors(`${path}.remote_addresses`, remoteAddresses),
  };
}

function parseAuthentication(
  path: string,
  { localIdentity, authentication }: ExternalPeerMessage,
  keys: PreSharedKeys,
): ExternalAuthentication {
  const proof = required(`${path}.authentication`, authentication);
  const ownPath = `${path}.local_identity`;
  if (proof.$case === 'preSharedKeyCommitment') {
    return {
      kind: 'pre_shared_key',
      localIdentity: parseIdentity(ownPath, required(ownPath, localIdentity)),
      key: keys.opening(`${path}.pre_shared_key_commitment`, proof.value),
    };
  }
  if (localIdentity !== undefined) {
    throw new RejectionError(ownPath, 'unexpected_value', 'with a certificate it is the subject of that');
  }
  return { kind: 'certificates', anchors: parseAnchors(`${path}.pinned_certificates`, proof.value.certificates) };
}

function parseAnchors(path: string, certificates: readonly Uint8Array[]): readonly Certificate[] {
  if (certificates.length === 0) throw new RejectionError(path, 'missing_field', 'there is no certificate');
  return limited(path, certificates, MAX_ANCHORS).map((octets, index) => {
    try {
      return parseCertificate(Uint8Array.from(octets));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new RejectionError(`${path}[${index}]`, 'bad_certificate', error.message);
    }
  });
}

/**
 * Whether two name the same peer with the same proof: otherwise what there is with the one is nothing of the other. A host with
 * another address is another peer; of other name servers it hears when it begins anew, and need not end for them.
 */
export function sameExternalPeer(left: ExternalPeer | undefined, right: ExternalPeer | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    sameIdentity(left.remoteIdentity, right.remoteIdentity) &&
    sameSelectors(left.local, right.local) &&
    sameSelectors(left.remote, right.remote) &&
    sameAddresses(left.assignment?.addresses, right.assignment?.addresses) &&
    sameAuthentication(left.authentication, right.authentication)
  );
}

function sameAddresses(left: readonly Uint8Array[] = [], right: readonly Uint8Array[] = []): boolean {
  return left.length === right.length && left.every((one) => right.some((other) => sameOctets(one, other)));
}

function sameAuthentication(left: ExternalAuthentication, right: ExternalAuthentication): boolean {
  if (left.kind === 'certificates') {
    return (
      right.kind === 'certificates' &&
      left.anchors.length === right.anchors.length &&
      left.anchors.every(({ der }, index) => sameOctets(der, right.anchors[index]?.der ?? new Uint8Array()))
    );
  }
  return (
    right.kind === 'pre_shared_key' &&
    sameIdentity(left.localIdentity, right.localIdentity) &&
    left.key.reveal((one) => right.key.reveal((other) => sameKey(one, other)))
  );
}

function commitmentTo(salt: Uint8Array, key: Uint8Array): Buffer {
  return createHash('sha256').update(COMMITMENT_CONTEXT).update(salt).update(key).digest();
}

function parseIdentity(path: string, { type, data }: IkeIdentity): Identity {
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
const MAX_ANCHORS = 8;
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
