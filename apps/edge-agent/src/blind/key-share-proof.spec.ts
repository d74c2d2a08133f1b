import { beforeAll, describe, expect, it } from 'vitest';
import { EDGE_ID, TestPki } from '../../test/support/test-pki.js';
import { parseIdentity } from '../identity/identity.js';
import { parseCertificate } from '../ike/credentials/certificate.js';
import { serialValue } from '../ike/credentials/serial-number.js';
import { type OwnCredentials, ownCredentials } from '../ike/edge-credentials.js';
import { CertificateProof } from './key-share-proof.js';

const PEER_ID = EDGE_ID.replaceAll('2', '3');
const OCTETS = Buffer.from('a key share');
const nobody = () => new Set<string>();

let own: OwnCredentials;
let peer: OwnCredentials;
let stranger: OwnCredentials;
beforeAll(async () => {
  const [pki, other] = await Promise.all([TestPki.create(), TestPki.create()]);
  const of = async (from: TestPki, edgeId: string) =>
    ownCredentials(parseIdentity(await from.storedIdentity('controller:8443', edgeId)));
  [own, peer, stranger] = await Promise.all([of(pki, EDGE_ID), of(pki, PEER_ID), of(other, PEER_ID)]);
});

const proofOf = (credentials: OwnCredentials, now = Date.now()) =>
  new CertificateProof(
    () => credentials,
    () => now,
  );
const signed = async (by: OwnCredentials) => ({ peer: PEER_ID, octets: OCTETS, ...(await proofOf(by).sign(OCTETS)) });

describe('the proof that a key share is of an edge', () => {
  it('is taken from the peer, and says by which certificate', async () => {
    const [leaf] = peer.shown.credential.certificates;
    const serialNumber = serialValue(parseCertificate(leaf ?? Buffer.alloc(0)).serialNumber);
    expect(await proofOf(own).verify(await signed(peer), nobody)).toEqual({ ok: true, serialNumber });
  });

  it.each([
    ['other octets', async () => ({ ...(await signed(peer)), octets: Buffer.from('another') }), /mismatch/],
    ['another edge of the fabric', () => signed(own), /not one of/],
    ['another authority', () => signed(stranger), /bad_signature/],
    ['no certificate', async () => ({ ...(await signed(peer)), certificates: [] }), /no certificate/],
    ['no known algorithm', async () => ({ ...(await signed(peer)), signature: Buffer.of(1, 2, 3) }), /none of/],
  ])('is not taken with %s', async (_, share, why) => {
    expect(await proofOf(own).verify(await share(), nobody)).toEqual({
      ok: false,
      refusal: expect.stringMatching(why),
    });
  });

  it('is not taken with a certificate that is revoked, also when that became known meanwhile, or that has expired', async () => {
    const share = await signed(peer);
    const verdict = await proofOf(own).verify(share, nobody);
    const serials = new Set(verdict.ok ? [verdict.serialNumber] : []);
    const refusal = expect.stringMatching(/revoked/);
    expect(await proofOf(own).verify(share, () => serials)).toEqual({ ok: false, refusal });
    const late = Date.now() + 10 * 86_400_000;
    expect(await proofOf(own, late).verify(share, nobody)).toMatchObject({ ok: false });
  });
});
