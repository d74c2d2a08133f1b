import { describe, expect, it } from 'vitest';
import type { ExternalPeer } from '../../api/index.js';
import { peerBody, peerValues } from './peer-form.js';

const PEM = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const WITH_KEY: ExternalPeer = {
  id: 'p',
  name: 'partner',
  description: 'theirs',
  siteId: 's',
  address: '203.0.113.99',
  port: 500,
  identity: 'gw.example',
  localIdentity: 'edge.example',
  preSharedKey: 'set',
  prefixes: ['10.8.0.0/24', '2001:db8::/48'],
  ikeProposals: [
    { keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
    { keyBits: 128, prf: 'hmac-sha2-256', keyExchange: ['ECP-256'] },
  ],
  espProposal: { keyBits: 128, extendedSequenceNumbers: true, keyExchange: [] },
  version: 3,
  createdAt: '',
  updatedAt: '',
};
const { localIdentity: _, preSharedKey: __, ...unproven } = WITH_KEY;
const PINNED: ExternalPeer = { ...unproven, certificates: [PEM('AA'), PEM('BB')] };

/** What a change may say of it. */
function described({ id, version, createdAt, updatedAt, preSharedKey, ...rest }: ExternalPeer) {
  return rest;
}

describe('the form of an external peer', () => {
  it('gives back what it was made of, and leaves the key as it is', () => {
    expect(peerBody(peerValues(WITH_KEY, ''))).toEqual(described(WITH_KEY));
    const { certificates = [] } = PINNED;
    expect(peerBody(peerValues(PINNED, ''))).toEqual({
      ...described(PINNED),
      certificates: certificates.map((pem) => pem.trim()),
    });
  });

  it('has what nobody chose for a new one, at the site that it is opened for', () => {
    expect(peerBody(peerValues(undefined, 's'))).toMatchObject({
      siteId: 's',
      port: 4500,
      prefixes: [],
      ikeProposals: [{ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] }],
    });
    expect(peerBody({ ...peerValues(undefined, 's'), port: '' })).toMatchObject({ port: 4500 });
  });

  it('sends the proof that is chosen, and nothing of the other', () => {
    const values = { ...peerValues(WITH_KEY, ''), preSharedKey: ' with spaces ', certificates: PEM('AA') };
    expect(peerBody(values)).toMatchObject({ preSharedKey: ' with spaces ', localIdentity: 'edge.example' });
    expect(peerBody(values)).not.toHaveProperty('certificates');
    const pinned = peerBody({ ...values, proof: 'certificates' });
    expect(pinned).toMatchObject({ certificates: [PEM('AA').trim()] });
    expect(pinned).not.toHaveProperty('preSharedKey');
    expect(pinned).not.toHaveProperty('localIdentity');
  });

  it('takes prefixes however they are parted, and leaves what is no certificate to the controller', () => {
    const values = { ...peerValues(PINNED, ''), prefixes: ' 10.8.0.0/24,10.9.0.0/16\n\n', certificates: 'no PEM' };
    expect(peerBody(values)).toMatchObject({ prefixes: ['10.8.0.0/24', '10.9.0.0/16'], certificates: ['no PEM'] });
  });
});
