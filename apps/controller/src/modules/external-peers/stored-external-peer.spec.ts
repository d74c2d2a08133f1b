import { describe, expect, it } from 'vitest';
import { CreateExternalPeer } from './external-peer.dto.js';
import {
  gatewayOf,
  intendedExternalPeer,
  shownExternalPeer,
  storableExternalPeer,
  type WrittenExternalPeer,
  writtenExternalPeer,
} from './stored-external-peer.js';

const { address, prefixes, ...COMMON } = {
  name: 'partner',
  siteId: '8a0c1d3e-5b7f-4c2a-9e60-1f2b3c4d5e6f',
  address: '203.0.113.99',
  identity: 'gw.partner.example',
  localIdentity: 'berlin.example',
  prefixes: ['10.8.0.0/24'],
  ikeProposals: [
    { keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
    { keyBits: 128, prf: 'hmac-sha2-256', keyExchange: ['ECP-256'] },
  ],
  espProposal: { keyBits: 128, extendedSequenceNumbers: true, keyExchange: [] },
  preSharedKey: 'correct horse battery staple',
};
const ID = '1f2b3c4d-5e6f-4c2a-9e60-8a0c1d3e5b7f';
const GATEWAY = CreateExternalPeer.parse({ ...COMMON, address, prefixes });
const assigned = [{ addressPoolId: '0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6', address: '10.99.0.7' }];
const HOST = CreateExternalPeer.parse({ ...COMMON, assigned });
const FORMS = [
  { what: 'a gateway', input: GATEWAY, shown: { ...GATEWAY, port: 4500 } },
  { what: 'a remote host', input: HOST, shown: HOST },
] as const;
const writtenOf = (input: typeof GATEWAY) =>
  writtenExternalPeer(ID, input, gatewayOf(input) ?? { assigned }, '5a'.repeat(32));

describe.each(FORMS)('$what', ({ input, shown }) => {
  const written = writtenOf(input);

  it('is shown as it was described, with a constant for its key', () => {
    const [createdAt, updatedAt] = [new Date(0), new Date(1)];
    const { preSharedKey: _, ...described } = shown;
    expect(shownExternalPeer({ ...written, version: 3, createdAt, updatedAt })).toEqual({
      ...described,
      id: ID,
      version: 3,
      preSharedKey: 'set',
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
    });
  });

  it('is offered what it accepts, and nothing of it is the key', () => {
    const intended = intendedExternalPeer(intendedFields(written));
    expect(intended.offer?.ike.proposals).toEqual(intended.ikeProposals);
    expect(intended.ikeProposals.map(({ keyExchange }) => keyExchange)).toEqual([
      { method: 31, additionalMethods: [36] },
      { method: 19, additionalMethods: [] },
    ]);
    expect(intended.offer?.esp).toMatchObject({ keyBits: 128, extendedSequenceNumbers: true });
    expect(JSON.stringify([written, intended])).not.toContain('correct');
  });

  it('comes back from a revision as it went in', () => {
    const stored = JSON.parse(JSON.stringify(intendedExternalPeer(intendedFields(written))));
    expect(storableExternalPeer(stored)).toEqual(JSON.parse(JSON.stringify(intendedFields(written))));
  });
});

it('says in an intent that it is a remote host, and of a gateway nothing that revisions from before do not', () => {
  expect(intendedExternalPeer(intendedFields(writtenOf(HOST)))).toMatchObject({ kind: 'remote_host', assigned });
  expect(intendedExternalPeer(intendedFields(writtenOf(GATEWAY)))).not.toHaveProperty('kind');
});

it.each<[what: string, change: object, pointer: string, rule: string]>([
  ['neither form', {}, 'address', 'required'],
  ['an address alone', { address }, 'prefixes', 'required'],
  ['both forms', { address, prefixes, assigned }, 'address', 'two_forms'],
  ['a host with a port', { assigned, port: 4500 }, 'port', 'two_forms'],
])('is refused with %s', (_, change, path, rule) => {
  const { error } = CreateExternalPeer.safeParse({ ...COMMON, ...change });
  expect(error?.issues[0]).toMatchObject({ path: [path], params: { rule } });
});

function intendedFields({ description: _, ...fields }: WrittenExternalPeer) {
  return fields;
}
