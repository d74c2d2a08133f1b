import { PolicyError } from '../errors.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import type { AddressRange } from '../wire/ip/address.js';
import { intersectRanges } from './address-ranges.js';
import { checkPeerIdentifier, matchesIdentity, type PeerIdentifier } from './peer-identity.js';
import { checkRanges } from './selector.js';

/** How a peer proves its identity (RFC 4301 section 4.4.3.2). Secrets and anchors are named; the key store has them. */
export type PeerAuthentication =
  | {
      readonly method: 'certificate';
      /** Names of the trust anchors, one of which the peer's certificate must lead to. */
      readonly trustAnchors: readonly string[];
      /**
       * Whether the asserted identity must stand in the certificate: a distinguished name as its subject, the others as
       * subject alternative names. Without that, any certificate of the anchors speaks for every identity of the entry.
       */
      readonly identityInCertificate: 'required' | 'not-required';
      /** Where to ask whether the certificate was revoked; what the certificate itself names is asked anyway. */
      readonly revocation?: { readonly ocspResponders: readonly string[]; readonly crlRepositories: readonly string[] };
    }
  | { readonly method: 'pre-shared-secret'; readonly secret: string }
  /** RFC 7670: the DER of a SubjectPublicKeyInfo. */
  | { readonly method: 'raw-public-key'; readonly subjectPublicKeyInfo: Uint8Array };

/** What the peer may claim when Child SAs are made (section 4.4.3.3). */
export type ChildAuthorization =
  /** Its IKE ID is the name by which SPD entries are looked up (SecurityPolicy.names). */
  | { readonly lookup: 'by-name' }
  /** Its traffic selectors are, and these are the addresses that it may represent; of either family, or both. */
  | { readonly lookup: 'by-traffic-selectors'; readonly addresses: readonly AddressRange[] };

/** One ordered entry of the PAD: a peer or a group of peers. */
export interface PeerAuthorization {
  readonly entryId: string;
  readonly peer: PeerIdentifier;
  readonly authentication: PeerAuthentication;
  readonly children: ChildAuthorization;
}

/** Makes an immutable snapshot. Earlier entries win. Throws PolicyError. */
export function createPeerAuthorizationDatabase(entries: readonly PeerAuthorization[]): PeerAuthorizationDatabase {
  const seen = new Set<string>();
  for (const [i, entry] of entries.entries()) {
    const { entryId } = entry;
    if (seen.has(entryId)) throw new PolicyError('DUPLICATE_ENTRY', `[${i}].entryId`, `"${entryId}" occurs twice.`);
    seen.add(entryId);
    checkEntry(entry, `[${i}]`);
  }
  return new PeerAuthorizationDatabase(entries);
}

/** The PAD (RFC 4301 section 4.4.3): who may be a peer, how it proves that, and what it may ask for. */
export class PeerAuthorizationDatabase {
  readonly entries: readonly PeerAuthorization[];

  constructor(entries: readonly PeerAuthorization[]) {
    this.entries = entries;
  }

  /** The first entry that stands for an identity; undefined: nobody with this identity is a peer. */
  lookup(identity: Identity): PeerAuthorization | undefined {
    return this.entries.find(({ peer }) => matchesIdentity(peer, identity));
  }
}

/**
 * What is left of a peer's traffic selectors of its own side: "the PAD will be consulted to determine if the peer in
 * question is authorized to represent X" (section 4.4.3.4). Empty: nothing it claimed is its own. By name, the SPD entry
 * of that name decides instead, and everything is left.
 */
export function authorizedSelectors(
  { children }: PeerAuthorization,
  claimed: readonly WireSelector[],
): readonly WireSelector[] {
  if (children.lookup === 'by-name') return claimed;
  const { addresses } = children;
  return claimed.flatMap((part): readonly WireSelector[] => {
    if (part.type !== 'range') return [];
    return addresses.flatMap((allowed) => {
      const range = intersectRanges(allowed, part);
      return range === undefined ? [] : [{ ...part, ...range }];
    });
  });
}

function checkEntry({ peer, authentication, children }: PeerAuthorization, path: string): void {
  checkPeerIdentifier(peer, `${path}.peer`);
  checkAuthentication(peer, authentication, `${path}.authentication`);
  if (children.lookup === 'by-traffic-selectors') {
    if (children.addresses.length === 0) {
      const what = 'a peer that may represent no address can have no Child SA: name the ranges behind it.';
      throw new PolicyError('NO_AUTHORIZATION', `${path}.children.addresses`, what);
    }
    checkRanges(children.addresses, `${path}.children.addresses`);
  } else if (peer.kind === 'address') {
    const what = 'an address is no name of SPD entries: authorize its traffic selectors.';
    throw new PolicyError('NO_AUTHORIZATION', `${path}.children.lookup`, what);
  }
}

function checkAuthentication(peer: PeerIdentifier, authentication: PeerAuthentication, path: string): void {
  switch (authentication.method) {
    case 'certificate':
      if (authentication.trustAnchors.length === 0 || authentication.trustAnchors.includes('')) {
        throw new PolicyError('NO_CREDENTIAL', `${path}.trustAnchors`, 'name at least one trust anchor.');
      }
      if (peer.kind === 'key-id' && authentication.identityInCertificate === 'required') {
        const what = 'a certificate has no field for a Key ID: use another identifier or a pre-shared secret.';
        throw new PolicyError('MALFORMED_IDENTITY', `${path}.identityInCertificate`, what);
      }
      return;
    case 'pre-shared-secret':
      if (authentication.secret !== '') return;
      throw new PolicyError('NO_CREDENTIAL', `${path}.secret`, 'name the secret in the key store.');
    case 'raw-public-key':
      if (authentication.subjectPublicKeyInfo[0] === SEQUENCE) return;
      throw new PolicyError(
        'NO_CREDENTIAL',
        `${path}.subjectPublicKeyInfo`,
        'it is the DER of a SubjectPublicKeyInfo.',
      );
  }
}

const SEQUENCE = 0x30;
