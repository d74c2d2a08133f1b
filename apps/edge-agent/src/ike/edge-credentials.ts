import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import type { Identity } from '../identity/identity.js';
import { authoritiesAbove, authorityHash } from './credentials/authority.js';
import { type Certificate, parseCertificate } from './credentials/certificate.js';
import { algorithmsOf } from './credentials/signature.js';
import type { EdgeCredentials } from './fabric-connections.js';

/** What an edge proves itself with, and whom it believes, taken from its identity. */
export interface OwnCredentials {
  readonly shown: EdgeCredentials;
  readonly key: KeyObject;
  readonly anchors: readonly Certificate[];
}

/** The name of the credential is that of its certificate: a renewed one never meets the key of the one before. */
export function ownCredentials(identity: Identity): OwnCredentials {
  const key = createPrivateKey(identity.privateKeyPem);
  const anchors = identity.trustBundle.map((pem) => parseCertificate(derOf(pem)));
  const certificates = identity.certificateChain.map(derOf);
  const [own] = certificates;
  if (own === undefined) throw new Error('an identity has a certificate');
  const shown = {
    tenantId: identity.tenantId,
    edgeId: identity.edgeId,
    credential: {
      name: createHash('sha256').update(own).digest('hex'),
      algorithms: algorithmsOf(key),
      certificates,
      authorities: authoritiesAbove(certificates, anchors),
    },
    subject: parseCertificate(own).subject,
    authorities: anchors.map(authorityHash),
  };
  return { shown, key, anchors };
}

function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}
