import { describe, expect, it } from 'vitest';
import type { AddressPool, ExternalPeer } from '../../api/index.js';
import { atFields, atSite, peerBody, peerValues } from './peer-form.js';

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
const { address: _address, port: _port, prefixes: _prefixes, ...anywhere } = WITH_KEY;
const HOST: ExternalPeer = {
  ...anywhere,
  assigned: [
    { addressPoolId: 'v6', address: '2001:db8::7' },
    { addressPoolId: 'v4', address: '10.99.0.7' },
  ],
};
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

  it('gives back a remote host, with nothing of a gateway, and an address only where one is typed', () => {
    const values = peerValues(HOST, '');
    expect(peerBody(values)).toEqual({ ...described(HOST), assigned: [...(HOST.assigned ?? [])].reverse() });
    expect(peerBody({ ...values, pool4: '', address6: ' ' }).assigned).toEqual([{ addressPoolId: 'v6' }]);
    expect(peerBody({ ...values, kind: 'gateway', address: '203.0.113.9' })).not.toHaveProperty('assigned');
  });

  it('has a remote host choose of the pools of its site', () => {
    const pool = (id: string, siteId: string, prefix: string) => ({ id, siteId, prefix }) as AddressPool;
    const pools = [pool('a', 's', '10.98.0.0/24'), pool('b', 't', '10.99.0.0/24'), pool('c', 't', '2001:db8::/64')];
    const nothing = { kind: 'remote_host', pool4: '', address4: '', pool6: '', address6: '' };
    expect(atSite('t', pools)).toEqual({ ...nothing, siteId: 't', pool4: 'b', pool6: 'c' });
    expect(atSite('s', pools)).toEqual({ ...nothing, siteId: 's', pool4: 'a' });
  });

  it('has what is wrong with an assigned address at its field', () => {
    const values = peerValues(HOST, '');
    const at = (pointer: string, of = values) => {
      const entry = { pointer, rule: '', detail: '', fix: '' };
      const failure = { title: '', detail: '', status: 422, requestId: null, errors: [entry] };
      return atFields(failure, of).errors.map((placed) => placed.pointer);
    };
    expect(at('/assigned/0/address')).toEqual(['/address4']);
    expect(at('/assigned/1/addressPoolId')).toEqual(['/pool6']);
    expect(at('/assigned/0/address', { ...values, pool4: '' })).toEqual(['/address6']);
    expect(at('/assigned', { ...values, pool4: '', pool6: '' })).toEqual(['/pool4']);
    expect(at('/identity')).toEqual(['/identity']);
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
