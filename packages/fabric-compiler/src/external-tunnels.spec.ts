import { describe, expect, it } from 'vitest';
import { AUTHORITY, GATEWAY } from '../test/certificates.js';
import { compileFabric, namedEntries } from '../test/compile-fabric.js';
import type { EdgeBundle } from './bundle.js';
import { parseIkeIdentity } from './external-identity.js';
import { compileShared } from './fabric/compile-shared.js';
import { peersOf } from './fabric/shared-bundle.js';
import { externalTunnelIdOf } from './identifiers.js';
import type { FabricIntent, IntentGateway, Rule } from './intent.js';
import { DEFAULT_IKE, DEFAULT_PROFILE } from './profile.js';
import { proveDelivered } from './proof/prove-delivered.js';
import { proveFabric } from './proof/prove-fabric.js';
import { swanctlSnippet } from './snippet/swanctl-snippet.js';

describe('a tunnel with an external peer', () => {
  it('is in the bundle of the edge that has it, with both networks behind the peer in one Child SA', () => {
    const bundle = compiled(intent()).get('edge-berlin');
    expect(bundle?.tunnels).toEqual([
      {
        tunnelId: externalTunnelIdOf('edge-berlin', 'partner'),
        peerEdgeId: 'partner',
        peerName: 'partner',
        remote: { address: '203.0.113.99', port: 4500 },
        keying: { mode: 'ikev2', ike: OFFER.ike },
        profile: OFFER.esp,
        external: {
          remoteIdentity: { type: 1, data: Uint8Array.of(203, 0, 113, 99) },
          authentication: {
            kind: 'pre_shared_key',
            localIdentity: { type: 2, data: octets('berlin.example') },
            commitment: COMMITMENT,
          },
          localAddresses: [range([10, 1, 0, 0], [10, 1, 0, 255])],
          remoteAddresses: [range([10, 8, 0, 0], [10, 8, 0, 255]), range([10, 9, 0, 0], [10, 9, 255, 255])],
        },
        carries: [[range([10, 8, 0, 0], [10, 8, 0, 255]), range([10, 9, 0, 0], [10, 9, 255, 255])]],
      },
    ]);
  });

  it('carries what the rules say, in the direction in which they say it', () => {
    const berlin = compiled(intent()).get('edge-berlin');
    const [opened, answered] = berlin === undefined ? [] : namedEntries(berlin);
    const tunnelId = externalTunnelIdOf('edge-berlin', 'partner');
    expect(opened).toMatchObject({
      ruleId: 'to-partner',
      action: 'PROTECT',
      tunnelId,
      selector: { protocol: 6, localPorts: [], remotePorts: [{ first: 443, last: 443 }] },
    });
    expect(answered).toMatchObject({
      ruleId: 'from-partner',
      action: 'PROTECT',
      tunnelId,
      selector: { protocol: 1, localAddresses: [range([10, 1, 0, 0], [10, 1, 0, 255])] },
    });
  });

  it.each([
    {},
    { keyingMode: 'ike-less' },
    { keyingMode: 'controller-blind', encapsulation: 'none' },
    { encapsulation: 'none' },
    { securityProtocol: 'ah' },
  ] satisfies Partial<FabricIntent>[])(
    'is delivered as it was proven, whatever edges do among themselves: %j',
    (choice) => {
      const { offer: _, ...withoutOffer } = PARTNER;
      for (const peer of [PARTNER, withoutOffer]) {
        const chosen = { ...intent(), ...choice, externalPeers: [peer] };
        const shared = compileShared(chosen);
        if (!shared.ok) throw new Error(JSON.stringify(shared.problems));
        const delivered = new Map(compiled(chosen));
        expect([...proveDelivered(delivered, shared.fabric).values()].flat()).toEqual([]);
        const berlin = delivered.get('edge-berlin');
        if (berlin === undefined) throw new Error('berlin has an edge');
        delivered.set('edge-berlin', {
          ...berlin,
          tunnels: berlin.tunnels.flatMap((tunnel) =>
            tunnel.remote === undefined ? [] : [{ ...tunnel, remote: OTHER }],
          ),
        });
        expect(proveDelivered(delivered, shared.fabric).get('edge-berlin')?.[0]?.detail).toContain('with other peers');
      }
    },
  );

  it('keeps its networks out of the clear at every edge', () => {
    for (const { routes } of compiled(intent()).values()) {
      expect(routes).toEqual(expect.arrayContaining(['10.8.0.0/24', '10.9.0.0/16']));
    }
    expect(compiled(intent()).get('edge-paris')?.tunnels).toEqual([]);
  });

  it('is in no bundle without a rule that protects traffic with it', () => {
    const withoutRules = { ...intent(), policies: [] };
    expect(compiled(withoutRules).get('edge-berlin')?.tunnels).toEqual([]);
  });

  it('is proven when what is offered is what the peer accepts, and a peer that accepts something else is found out', () => {
    expect(findings(intent())).toEqual([]);
    const other = { ...intent().externalPeers?.[0], espProposals: [] } as IntentGateway;
    expect(findings({ ...intent(), externalPeers: [other] })).toEqual(['no_proposal_chosen']);
  });

  it('is in no bundle while the site that should have it has no edge: an edge that is revoked takes nobody else along', () => {
    const without = { ...intent(), edges: intent().edges.filter(({ siteId }) => siteId !== 'berlin') };
    expect([...compiled(without)].map(([edgeId, { tunnels }]) => [edgeId, tunnels])).toEqual([['edge-paris', []]]);
  });

  it('travels in what the tenant has ESP travel in, in the bundle and in the proof', () => {
    const bare: FabricIntent = { ...intent(), encapsulation: 'none' };
    expect(compiled(bare).get('edge-berlin')?.tunnels[0]?.profile).toMatchObject({ encapsulation: 'none' });
    const result = compileShared(bare);
    const peers = result.ok ? result.fabric.bundles.flatMap((bundle) => peersOf(bundle)) : [];
    expect(peers.map(({ peerId, profiles }) => [peerId, profiles[0]?.esp])).toMatchObject([
      ['partner', { encapsulation: 'none' }],
    ]);
    expect(findings(bare)).toEqual([]);
  });

  it('is offered ESP, and the device leaves room for it, where AH protects what goes between edges', () => {
    const ah: FabricIntent = { ...intent(), securityProtocol: 'ah' };
    const [with_, without] = [compiled(ah), compiled(intent())].map((bundles) => bundles.get('edge-berlin'));
    expect(with_).toEqual(without);
    expect(findings(ah)).toEqual([]);
    // What goes to it is encrypted, whatever else is not.
    const confidential = ah.policies.map((policy) => ({ ...policy, confidential: true }));
    expect(compiled({ ...ah, policies: confidential }).get('edge-berlin')).toEqual(without);
    expect(findings({ ...ah, policies: confidential })).toEqual([]);
  });

  it.each<[text: string, type: number, data: readonly number[]]>([
    ['keyid:Branch-7', 11, [...Buffer.from('Branch-7')]],
    ['keyid:#00ff22', 11, [0, 0xff, 0x22]],
    ['KEYID:a', 11, [0x61]],
    ['ops@partner.example', 3, [...Buffer.from('ops@partner.example')]],
    ['2001:db8::1', 5, [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]],
  ])('may be called %s', (identity, type, data) => {
    const [peer] = intent().externalPeers ?? [];
    const called = { ...intent(), externalPeers: [{ ...(peer as IntentGateway), identity }] };
    const { external } = compiled(called).get('edge-berlin')?.tunnels[0] ?? {};
    expect(external?.remoteIdentity).toEqual({ type, data: Uint8Array.from(data) });
  });

  it('may prove itself with a certificate that is pinned, and is shown the one of our edge', () => {
    const { external } = compiled(certified(AUTHORITY)).get('edge-berlin')?.tunnels[0] ?? {};
    expect(external?.authentication).toEqual({ kind: 'pinned_certificates', certificates: [AUTHORITY] });
    expect(findings(certified(AUTHORITY))).toEqual([]);
  });

  it.each<[identity: string, kinds: readonly string[]]>([
    ['gw.PARTNER.example', []],
    ['203.0.113.99', []],
    ['ops@partner.example', []],
    ['gw2.partner.example', ['authentication_failed']],
    ['203.0.113.98', ['authentication_failed']],
    ['GW.partner.example.org', ['authentication_failed']],
  ])('has to be named by the only certificate that is pinned: %s', (identity, kinds) => {
    expect(findings(certified(GATEWAY, { identity }))).toEqual(kinds);
    // What an authority issues nobody knows yet.
    expect(findings(certified(AUTHORITY, { identity }))).toEqual([]);
  });

  it.each<[what: string, certificate: string, change: Partial<IntentGateway>, pointer: string, rule: string]>([
    ['no certificate at all', '3000', {}, 'authentication', 'invalid_certificate'],
    ['an identity of ours', AUTHORITY, { localIdentity: 'berlin.example' }, 'localIdentity', 'invalid_identity'],
    ['a key ID', AUTHORITY, { identity: 'keyid:gateway' }, 'identity', 'invalid_identity'],
  ])('with a certificate is refused with %s', (_, certificate, change, pointer, rule) => {
    const result = compileFabric(certified(certificate, change));
    expect(result.ok ? [] : result.problems).toEqual([
      expect.objectContaining({ pointer: `/externalPeers/0/${pointer}`, rule }),
    ]);
  });

  it('with a certificate is configured with the authority of our edges, by the subject of their certificates', () => {
    const result = swanctlSnippet(certified(AUTHORITY, { identity: 'gw.partner.example' }), 'partner', [
      'one',
      'other',
    ]);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { text, ...snippet } = result.snippet;
    expect(snippet).toEqual({
      format: 'swanctl',
      fileName: 'weft-partner.conf',
      certificates: [
        { fileName: 'weft-partner-1.pem', text: 'one' },
        { fileName: 'weft-partner-2.pem', text: 'other' },
      ],
    });
    const lines = text.split('\n').map((line) => line.trim());
    for (const line of [
      'id = "gw.partner.example"',
      'id = "CN=edge-berlin"',
      'cacerts = weft-partner-1.pem, weft-partner-2.pem',
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines.filter((line) => line === 'auth = pubkey')).toHaveLength(2);
    expect(text).not.toContain('secret');
  });

  it.each(['keyid:', 'keyid:#', 'keyid:#0', 'keyid:#0g', 'keyid:a"b', 'keyid:a b', `keyid:${'a'.repeat(250)}`])(
    'may not be called %s',
    (identity) => {
      expect(parseIkeIdentity(identity)).toBeUndefined();
    },
  );

  it.each<[what: string, change: Partial<IntentGateway>, pointer: string, rule: string]>([
    ['has no key', { authentication: { kind: 'pre_shared_key' } }, 'authentication', 'missing_pre_shared_key'],
    ['is called by no identity', { identity: 'a name' }, 'identity', 'invalid_identity'],
    ['is shown none', { localIdentity: '192.0.2' }, 'localIdentity', 'invalid_identity'],
    ['is of the other IP version', { address: '2001:db8::9' }, 'address', 'underlay_family_mismatch'],
    ['is nowhere', { gatewaySiteIds: [] }, 'gatewaySiteIds', 'not_deliverable'],
    ['admits nothing of the site', { admits: ['172.16.0.0/12'] }, 'admits', 'matches_no_network'],
  ])('is refused when the peer %s', (_, change, pointer, rule) => {
    const [peer] = intent().externalPeers ?? [];
    const result = compileFabric({ ...intent(), externalPeers: [{ ...(peer as IntentGateway), ...change }] });
    expect(result).toMatchObject({ ok: false });
    expect(result.ok ? [] : result.problems).toContainEqual(
      expect.objectContaining({ pointer: `/externalPeers/0/${pointer}`, rule }),
    );
  });

  it('has selectors in the IP versions that both ends have', () => {
    const networks = [...intent().networks, { id: 'b6', siteId: 'berlin', name: 'b6', prefix: '2001:db8:1::/64' }];
    const [tunnel] = compiled({ ...intent(), networks }).get('edge-berlin')?.tunnels ?? [];
    expect(tunnel?.external?.localAddresses).toEqual([range([10, 1, 0, 0], [10, 1, 0, 255])]);
  });

  it('is configured at the peer by a snippet that says the same, and no key', () => {
    const result = swanctlSnippet(intent(), 'partner');
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { snippet } = result;
    expect(snippet).toMatchObject({ format: 'swanctl', fileName: 'weft-partner.conf' });
    const lines = snippet.text.split('\n').map((line) => line.trim());
    for (const line of [
      'weft-partner {',
      'local_addrs = 203.0.113.99',
      'local_port = 4500',
      'remote_addrs = 203.0.113.1',
      'remote_port = 4500',
      'proposals = aes256gcm16-prfsha384-x25519',
      'id = "203.0.113.99"',
      'id = "berlin.example"',
      'local_ts = 10.8.0.0/24, 10.9.0.0/16',
      'remote_ts = 10.1.0.0/24',
      'esp_proposals = aes256gcm16-x25519-noesn',
      `secret = "${snippet.secretPlaceholder}"`,
    ]) {
      expect(lines).toContain(line);
    }
    expect(snippet.text).not.toContain(COMMITMENT);
  });

  it('has no snippet while no edge could have it, or for what is no peer', () => {
    expect(swanctlSnippet({ ...intent(), edges: [] }, 'partner')).toEqual({ ok: false, problems: [] });
    expect(swanctlSnippet(intent(), 'nobody')).toEqual({ ok: false, problems: [] });
  });

  it('has a snippet whose sections are safe whatever the peer is called', () => {
    const called = { ...PARTNER, name: 'Œuvre } secrets { # 1' };
    const result = swanctlSnippet({ ...intent(), externalPeers: [called] }, 'partner');
    expect(result).toMatchObject({ ok: true, snippet: { fileName: 'weft-uvre-secrets-1.conf' } });
    const lines = result.ok ? result.snippet.text.split('\n') : [];
    expect(lines[0]).toBe('# ?uvre } secrets { # 1: the tunnel with the edge at 203.0.113.1.');
  });

  it('is reached from another site through the edge that has the tunnel, whose traffic selectors say so', () => {
    const rule: Rule = { ...toPartner, sources: [{ kind: 'site', siteId: 'paris' }] };
    const from = { ...intent(), policies: [{ id: 'p', name: 'p', enabled: true, rules: [rule] }] };
    const bundles = compiled(from);
    const [berlin, paris] = [bundles.get('edge-berlin'), bundles.get('edge-paris')];
    if (berlin === undefined || paris === undefined) throw new Error('both have an edge');
    const [between] = paris.tunnels;
    const external = berlin.tunnels.find((tunnel) => tunnel.external !== undefined);
    const used = (bundle: EdgeBundle) =>
      namedEntries(bundle).map((entry) => entry.action === 'PROTECT' && entry.tunnelId);
    expect(used(paris)).toEqual([between?.tunnelId]);
    expect(new Set(used(berlin))).toEqual(new Set([between?.tunnelId, external?.tunnelId]));
    const ours = external?.external?.localAddresses.map(({ first }) => first.join('.'));
    expect(ours).toEqual(expect.arrayContaining(compiledNetworks(from, 'paris')));
  });
});

/** First addresses of the IPv4 networks of a site. */
function compiledNetworks({ networks }: FabricIntent, siteId: string): (string | undefined)[] {
  return networks
    .filter((network) => network.siteId === siteId && network.prefix.includes('.'))
    .map(({ prefix }) => prefix.split('/')[0]);
}

function compiled(from: FabricIntent) {
  const result = compileFabric(from);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.bundles;
}

/** The partner with a certificate in place of a key. */
function certified(certificate: string, change: Partial<IntentGateway> = {}): FabricIntent {
  const { localIdentity: _, ...partner } = PARTNER;
  const authentication = { kind: 'pinned_certificates', certificates: [certificate] } as const;
  return { ...intent(), externalPeers: [{ ...partner, authentication, ...change }] };
}

function findings(from: FabricIntent): readonly string[] {
  const result = compileShared(from);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return proveFabric(result.fabric).findings.map(({ kind }) => kind);
}

function intent(): FabricIntent {
  const edge = (site: string, last: number) => ({
    id: `edge-${site}`,
    siteId: site,
    name: site,
    underlayAddress: `203.0.113.${last}`,
    underlayPort: 4500,
  });
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: ['berlin', 'paris', 'rome'].map((id) => ({ id, name: id })),
    networks: [
      { id: 'b', siteId: 'berlin', name: 'b', prefix: '10.1.0.0/24' },
      { id: 'p', siteId: 'paris', name: 'p', prefix: '10.2.0.0/24' },
    ],
    edges: [edge('berlin', 1), edge('paris', 2)],
    externalPeers: [PARTNER],
    policies: [{ id: 'policy', name: 'policy', enabled: true, rules: [toPartner, fromPartner] }],
  };
}

function range(first: readonly number[], last: readonly number[]) {
  return { first: Uint8Array.from(first), last: Uint8Array.from(last) };
}

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const OTHER = { address: '203.0.113.98', port: 4500 };
const COMMITMENT = '5a'.repeat(32);
const KEY_EXCHANGE = { method: 31, additionalMethods: [] } as const;
const PROPOSAL = { encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: KEY_EXCHANGE } as const;
const OFFER = {
  esp: { ...DEFAULT_PROFILE, extendedSequenceNumbers: false },
  ike: { ...DEFAULT_IKE, proposals: [PROPOSAL], childKeyExchange: KEY_EXCHANGE },
} as const;
const PARTNER: IntentGateway = {
  id: 'partner',
  name: 'partner',
  address: '203.0.113.99',
  port: 4500,
  identity: '203.0.113.99',
  localIdentity: 'berlin.example',
  authentication: { kind: 'pre_shared_key', commitment: COMMITMENT },
  prefixes: ['10.9.0.0/16', '10.8.0.0/24'],
  admits: [],
  ikeProposals: [PROPOSAL],
  espProposals: [{ encryption: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers: false, keyExchange: KEY_EXCHANGE }],
  offer: OFFER,
  gatewaySiteIds: ['berlin'],
};
const toPartner: Rule = {
  id: 'to-partner',
  name: 'to partner',
  action: 'PROTECT',
  sources: [{ kind: 'site', siteId: 'berlin' }],
  destinations: [{ kind: 'external_peer', externalPeerId: 'partner' }],
  services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
};
const fromPartner: Rule = {
  ...toPartner,
  id: 'from-partner',
  sources: toPartner.destinations,
  destinations: toPartner.sources,
  services: [{ protocol: 'icmp', ports: [] }],
};
