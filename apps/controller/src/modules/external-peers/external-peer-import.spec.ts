import { type FabricIntent, swanctlSnippet } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../platform/http/domain-error.js';
import { CreateExternalPeer } from './external-peer.dto.js';
import { importedExternalPeers } from './external-peer-import.js';
import { intendedExternalPeer, writtenExternalPeer } from './stored-external-peer.js';

const KEY = 'correct horse battery staple';
const DESCRIBED = CreateExternalPeer.parse({
  name: 'partner',
  siteId: '8a0c1d3e-5b7f-4c2a-9e60-1f2b3c4d5e6f',
  address: '203.0.113.99',
  port: 4500,
  identity: 'gw.partner.example',
  localIdentity: 'berlin.example',
  prefixes: ['10.8.0.0/24', '10.9.0.0/16'],
  preSharedKey: KEY,
});
const { siteId } = DESCRIBED;
const GATEWAY = { address: '203.0.113.99', port: 4500, prefixes: ['10.8.0.0/24', '10.9.0.0/16'] };
const PEER = intendedExternalPeer(writtenExternalPeer('peer', DESCRIBED, GATEWAY, '5a'.repeat(32)));
const INTENT: FabricIntent = {
  tenantId: 'tenant',
  keyingMode: 'ikev2',
  sites: [{ id: siteId, name: 'berlin' }],
  networks: [{ id: 'n', siteId, name: 'lan', prefix: '10.1.0.0/16' }],
  edges: [{ id: 'e', siteId, name: 'berlin-1', underlayAddress: '203.0.113.1', underlayPort: 4500 }],
  policies: [],
  externalPeers: [PEER],
};
const TEXT = configured();

describe('what the operator of a gateway has configured', () => {
  it('is what would have been described here, by its name there', () => {
    const { peers, leftAtGateway } = importedExternalPeers({ text: TEXT, siteId, certificates: [] }, INTENT);
    expect(peers).toEqual([{ ...DESCRIBED, name: 'weft-partner' }]);
    const keys = ['mobike', 'unique', 'rekey_time', 'rekey_time', 'start_action'];
    expect(leftAtGateway.map(({ key }) => key.split('.').at(-1))).toEqual(keys);
  });

  it('is refused with the place of everything that external peers cannot have', () => {
    const text = TEXT.replace('mobike = no', 'vips = 0.0.0.0')
      .replace('version = 2', 'version = 1')
      .replace(KEY, 'hunter2');
    const { code, entries } = refused(text);
    expect(code).toBe('not_importable');
    expect(entries.map(({ pointer, rule, detail }) => [pointer, rule, detail.split(':')[0]])).toEqual([
      ['/text', 'unmapped_value', 'Line 37, column 5, secrets.ike-weft-partner.secret'],
      ['/text', 'not_offered', 'Line 5, column 5, connections.weft-partner.version'],
      ['/text', 'not_offered', 'Line 11, column 5, connections.weft-partner.vips'],
    ]);
    expect(JSON.stringify(entries)).not.toContain('hunter2');
  });

  it.each<[what: string, from: string, to: string, rule: string]>([
    ['an address of no single host', '203.0.113.99', '224.0.0.1', 'address_not_unicast'],
    ['a name too long', 'weft-partner {', `${'a'.repeat(101)} {`, 'too_big'],
  ])('is refused with %s, as everywhere', (_, from, to, rule) => {
    expect(refused(TEXT.replaceAll(from, to)).entries).toMatchObject([{ pointer: '/text', rule }]);
  });

  it('is refused when an external peer has the name', () => {
    const again = { ...INTENT, externalPeers: [{ ...PEER, name: 'weft-partner' }] };
    expect(refused(TEXT, again)).toMatchObject({ code: 'name_taken', kind: 'conflict' });
  });
});

function configured(): string {
  const made = swanctlSnippet(INTENT, 'peer');
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.snippet.text.replace(`"${made.snippet.secretPlaceholder}"`, `"${KEY}"`);
}

function refused(text: string, intent = INTENT): DomainError {
  try {
    importedExternalPeers({ text, siteId, certificates: [] }, intent);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('it was imported');
}
