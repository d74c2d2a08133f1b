import { describe, expect, it } from 'vitest';
import type { AddressPool, ExternalPeer } from '../../api/index.js';
import { describeSelector, describeService, selectorKey } from './describe.js';

const PARTNER: ExternalPeer = {
  id: 'p',
  siteId: 's',
  name: 'Partner',
  description: '',
  address: '203.0.113.99',
  port: 4500,
  identity: 'gw.partner.example',
  localIdentity: 'amsterdam.example',
  prefixes: ['10.9.0.0/16'],
  ikeProposals: [],
  espProposal: { keyBits: 256, extendedSequenceNumbers: false, keyExchange: [] },
  preSharedKey: 'set',
  version: 1,
  createdAt: '',
  updatedAt: '',
};
const POOL: AddressPool = {
  id: 'a',
  siteId: 's',
  name: 'Notebooks',
  description: '',
  prefix: '10.99.0.0/24',
  nameServers: [],
  domains: [],
  version: 1,
  createdAt: '',
  updatedAt: '',
};
const names = {
  sites: [{ id: 's', name: 'Amsterdam', description: '', labels: {}, version: 1, createdAt: '', updatedAt: '' }],
  networks: [{ id: 'n', siteId: 's', name: 'LAN', prefix: '10.1.0.0/16', labels: {}, version: 1, createdAt: '' }],
  addressPools: [POOL],
  externalPeers: [PARTNER],
  groups: [{ id: 'g', name: 'Branches', description: '', members: [], version: 1, createdAt: '', updatedAt: '' }],
  services: [],
};

describe('describeSelector', () => {
  it.each([
    [{ kind: 'any' }, 'any'],
    [{ kind: 'site', siteId: 's' }, 'Amsterdam'],
    [{ kind: 'site', siteId: 'x' }, 'deleted site'],
    [{ kind: 'network', networkId: 'n' }, 'LAN 10.1.0.0/16'],
    [{ kind: 'network', networkId: 'x' }, 'deleted network'],
    [{ kind: 'prefix', prefix: '2001:db8::/32' }, '2001:db8::/32'],
    [{ kind: 'external_peer', externalPeerId: 'p' }, 'Partner'],
    [{ kind: 'external_peer', externalPeerId: 'x' }, 'deleted external peer'],
    [{ kind: 'address_pool', addressPoolId: 'a' }, 'Notebooks 10.99.0.0/24'],
    [{ kind: 'address_pool', addressPoolId: 'x' }, 'deleted address pool'],
    [{ kind: 'group', groupId: 'g' }, 'Branches'],
    [{ kind: 'group', groupId: 'x' }, 'deleted group'],
  ] as const)('%o reads %s', (selector, text) => {
    expect(describeSelector(selector, names)).toBe(text);
  });
});

describe('describeService', () => {
  it.each([
    ['any', [], 'any'],
    ['tcp', [], 'TCP all ports'],
    [
      'tcp',
      [
        { first: 80, last: 80 },
        { first: 8000, last: 8100 },
      ],
      'TCP 80, 8000-8100',
    ],
    ['icmpv6', [], 'ICMPv6'],
  ] as const)('%s %o reads %s', (protocol, ports, text) => {
    expect(describeService({ protocol, ports: [...ports] })).toBe(text);
  });
});

it('tells selectors of different kinds apart even when their identifiers are equal', () => {
  expect(selectorKey({ kind: 'site', siteId: 'a' })).not.toBe(selectorKey({ kind: 'network', networkId: 'a' }));
});
