import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { type ChainLink, chainLink, leadsToOneOf } from './certificate-chain.js';
import { type ControllerAddress, parseControllerAddress } from './controller-address.js';

/** Who this edge is, whom it believes, and where its controller is. */
export interface Identity {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly edgeName: string;
  /** PKCS #8 PEM. */
  readonly privateKeyPem: string;
  /** PEM, edge certificate first. */
  readonly certificateChain: readonly string[];
  /** PEM, roots to accept a controller and other edges by. */
  readonly trustBundle: readonly string[];
  /** Version of the trust bundle that the controller last gave; 0: they are those of the enrollment. */
  readonly trustVersion: number;
  /** Whether the certificate is under the root that issues now: if not, that wants to be renewed, for its root will go. */
  readonly underIssuingRoot: boolean;
  /** Keys that may sign bundles, by key id. */
  readonly bundleSigningKeys: ReadonlyMap<string, KeyObject>;
  /** Keys that were followed by those: of bundles that were stored before, and of no others. */
  readonly retiredSigningKeys: ReadonlyMap<string, KeyObject>;
  readonly session: ControllerAddress;
  /** Of the edge certificate, lower-case hex. */
  readonly serialNumber: string;
  /** Life of the edge certificate. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** An identity that does not hold together: which field, and why. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code = 'identity_invalid';
  readonly field: string;

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.field = field;
  }
}

const StoredSigningKey = z.strictObject({ keyId: z.string(), publicKey: z.base64() });

/** The identity as it is stored: one file, so that a key can never meet a foreign certificate. */
export const StoredIdentity = z.strictObject({
  version: z.literal(1),
  tenantId: z.uuid(),
  edgeId: z.uuid(),
  edgeName: z.string().min(1).max(255),
  privateKeyPem: z.string(),
  certificateChain: z.array(z.string()).min(1).max(8),
  trustBundle: z.array(z.string()).min(1).max(16),
  trustVersion: z.int().min(1).optional(),
  bundleSigningKeys: z.array(StoredSigningKey).min(1).max(16),
  retiredSigningKeys: z.array(StoredSigningKey).max(16).optional(),
  sessionAddress: z.string(),
});
export type StoredIdentity = z.infer<typeof StoredIdentity>;

/**
 * Checks that key, certificate, names, roots and signing keys belong together. Throws IdentityError.
 * Expiry is not checked here: an expired certificate is a matter of the session, not of the store.
 */
export function parseIdentity(stored: StoredIdentity): Identity {
  const chain = stored.certificateChain.map((pem, index) => link(`certificate_chain[${index}]`, pem));
  const roots = stored.trustBundle.map((pem, index) => link(`trust_bundle[${index}]`, pem));
  const leaf = chain[0]?.certificate;
  if (leaf === undefined) throw new IdentityError('certificate_chain', 'is empty');
  if (!leaf.checkPrivateKey(privateKey(stored.privateKeyPem))) {
    throw new IdentityError('certificate_chain[0]', 'certifies another key than the one made here');
  }
  const expected = `URI:spiffe://weft.internal/tenant/${stored.tenantId}/edge/${stored.edgeId}`;
  if (!(leaf.subjectAltName ?? '').split(', ').includes(expected)) {
    throw new IdentityError('certificate_chain[0]', `does not carry ${expected}`);
  }
  if (!leadsToOneOf(roots, chain)) {
    throw new IdentityError('trust_bundle', 'holds no root that issued the edge certificate');
  }
  const session = parseControllerAddress(stored.sessionAddress);
  if (session === undefined) throw new IdentityError('session_address', 'is not of the form host:port');
  return {
    tenantId: stored.tenantId,
    edgeId: stored.edgeId,
    edgeName: stored.edgeName,
    privateKeyPem: stored.privateKeyPem,
    certificateChain: stored.certificateChain,
    trustBundle: stored.trustBundle,
    trustVersion: stored.trustVersion ?? 0,
    // Of the roots of an enrollment it is not said which one issues.
    underIssuingRoot: stored.trustVersion === undefined || leadsToOneOf(roots.slice(0, 1), chain),
    bundleSigningKeys: new Map(stored.bundleSigningKeys.map(signingKey('bundle_signing_keys'))),
    retiredSigningKeys: new Map((stored.retiredSigningKeys ?? []).map(signingKey('retired_signing_keys'))),
    session,
    serialNumber: leaf.serialNumber.toLowerCase(),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
  };
}

function link(field: string, pem: string): ChainLink {
  try {
    return chainLink(pem);
  } catch {
    throw new IdentityError(field, 'is not an X.509 certificate');
  }
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new IdentityError('private_key', 'is not a PKCS #8 key');
  }
}

function signingKey(list: string) {
  return (stored: { keyId: string; publicKey: string }, index: number): [string, KeyObject] => {
    const field = `${list}[${index}]`;
    const der = Buffer.from(stored.publicKey, 'base64');
    if (createHash('sha256').update(der).digest('hex') !== stored.keyId) {
      throw new IdentityError(`${field}.key_id`, 'is not the SHA-256 of the public key');
    }
    const key = spki(`${field}.public_key`, der);
    if (key.asymmetricKeyType !== 'ed25519') throw new IdentityError(`${field}.public_key`, 'is not an Ed25519 key');
    return [stored.keyId, key];
  };
}

function spki(field: string, der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    throw new IdentityError(field, 'is not a SubjectPublicKeyInfo');
  }
}
