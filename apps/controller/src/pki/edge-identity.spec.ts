import { createPublicKey, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CONTROLLER_SERVER_NAME,
  createEdgeCertificate,
  createRoot,
  createServerIdentity,
} from './certificate-factory.js';
import { edgeIdentityFromCertificate } from './edge-identity.js';
import type { KeyAndCertificate } from './identity-file.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const DAY = 86_400_000;
const LIFETIME = 14 * DAY;
let root: KeyAndCertificate;

beforeAll(async () => {
  root = await createRoot(NOW);
});

describe('certificates', () => {
  it('an edge certificate names exactly the edge, for as long as it is told, and reads back', async () => {
    const identity = { tenantId: randomUUID(), edgeId: randomUUID() };
    const certificate = await createEdgeCertificate(root, createPublicKey(root.privateKey), identity, NOW, LIFETIME);
    expect(edgeIdentityFromCertificate(certificate.raw)).toEqual({
      ...identity,
      serial: certificate.serialNumber.toLowerCase(),
      notAfter: new Date(NOW.getTime() + LIFETIME),
    });
    expect(certificate.serialNumber).toMatch(/^[0-9A-F]{32}$/);
    expect(certificate.checkIssued(root.certificate)).toBe(true);
    expect(certificate.verify(root.certificate.publicKey)).toBe(true);
  });

  it('nothing outlives the root', async () => {
    const late = new Date(Date.parse(root.certificate.validTo) - DAY);
    const identity = { tenantId: randomUUID(), edgeId: randomUUID() };
    const certificate = await createEdgeCertificate(root, createPublicKey(root.privateKey), identity, late, LIFETIME);
    expect(certificate.validTo).toBe(root.certificate.validTo);
  });

  it('a server certificate and a root speak for no edge', async () => {
    const server = await createServerIdentity(root, NOW);
    expect(server.certificate.subjectAltName).toBe(`DNS:${CONTROLLER_SERVER_NAME}`);
    expect(server.certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    for (const { certificate } of [server, root]) {
      expect(() => edgeIdentityFromCertificate(certificate.raw)).toThrow('names no edge');
    }
  });

  it.each(['urn:uuid:x', 'ABCDEF01-0000-0000-0000-000000000000', `${randomUUID()}/x`, `${randomUUID()}, DNS:x`])(
    'an edge id %j is none',
    async (edgeId) => {
      const identity = { tenantId: randomUUID(), edgeId };
      const certificate = await createEdgeCertificate(root, createPublicKey(root.privateKey), identity, NOW, LIFETIME);
      expect(() => edgeIdentityFromCertificate(certificate.raw)).toThrow('names no edge');
    },
  );

  it('octets that are no certificate are refused as such', () => {
    expect(() => edgeIdentityFromCertificate(Buffer.from('x'))).toThrow(
      expect.objectContaining({ code: 'no_edge_identity', message: 'the certificate cannot be parsed' }),
    );
  });
});
