import fc from 'fast-check';
import type { FabricIntent, IntentExternalPeer, IntentRemoteHost, Rule, Selector } from '../src/intent.js';
import { DEFAULT_IKE, DEFAULT_PROFILE } from '../src/profile.js';
import { arbitraryFabric } from './arbitrary-fabric.js';
import { arbitraryRule, siteId } from './small-universe.js';

/** The small universe with two address pools, three remote hosts and a gateway that is not ours, and rules about them. */
export function arbitraryPeers(): fc.Arbitrary<FabricIntent> {
  return fc
    .record({
      fabric: arbitraryFabric(),
      rules: fc.array(arbitraryPeerRule(), { minLength: 1, maxLength: 4 }),
      hostsAt: fc.nat(3),
      gatewayAt: fc.nat(3),
      first: fc.boolean(),
    })
    .map(({ fabric, rules, hostsAt, gatewayAt, first }) => {
      // An external peer has a tunnel with one edge, and its site no other.
      const single = [siteId(hostsAt), siteId(gatewayAt)];
      const edges = fabric.edges.filter(({ id, siteId: site }) => !(id.startsWith('a-') && single.includes(site)));
      return { ...withRules({ ...fabric, edges }, rules, first), ...peersAt(siteId(hostsAt), siteId(gatewayAt)) };
    });
}

/** Addresses of peers, and two of pools that nobody is assigned. */
export const PEER_ADDRESSES = [
  '10.200.0.1',
  '10.200.0.2',
  '10.200.0.5',
  'fd77::1',
  'fd77::3',
  'fd77::6',
  '10.99.0.0',
  '10.99.0.1',
  'fd99:1::1',
];

export function peersAt(
  hosts: string,
  gateway: string,
): Required<Pick<FabricIntent, 'addressPools' | 'externalPeers'>> {
  const assigned = {
    alice: ['pool-4 10.200.0.1', 'pool-6 fd77::1'],
    bob: ['pool-4 10.200.0.2'],
    carol: ['pool-6 fd77::3'],
  };
  return {
    addressPools: [
      {
        id: 'pool-4',
        siteId: hosts,
        name: 'hosts',
        prefix: '10.200.0.0/29',
        nameServers: ['10.0.0.1'],
        domains: ['corp.example'],
      },
      { id: 'pool-6', siteId: hosts, name: 'hosts 6', prefix: 'fd77::/125' },
    ],
    externalPeers: [
      ...Object.entries(assigned).map(([name, addresses]) => remoteHost(name, hosts, addresses)),
      { ...common('partner', gateway), address: '203.0.113.99', port: 500, prefixes: ['10.99.0.0/31', 'fd99:1::/127'] },
    ],
  };
}

function remoteHost(name: string, site: string, addresses: readonly string[]): IntentRemoteHost {
  return {
    ...common(name, site),
    kind: 'remote_host',
    assigned: addresses.map((text) => {
      const [addressPoolId = '', address = ''] = text.split(' ');
      return { addressPoolId, address };
    }),
  };
}

function common(
  name: string,
  site: string,
): Omit<IntentExternalPeer, 'kind' | 'address' | 'port' | 'prefixes' | 'assigned'> {
  const ikeProposals = DEFAULT_IKE.proposals.map((proposal) => ({ ...proposal, encryption: 'aes-gcm-16' as const }));
  const { keyBits, extendedSequenceNumbers } = DEFAULT_PROFILE;
  const keyExchange = DEFAULT_IKE.childKeyExchange;
  return {
    id: name,
    name,
    identity: `${name}.example`,
    localIdentity: 'weft.example',
    authentication: { kind: 'pre_shared_key', commitment: '5a'.repeat(32) },
    admits: [],
    ikeProposals,
    espProposals: [{ encryption: 'aes-gcm-16', keyBits, extendedSequenceNumbers, keyExchange }],
    gatewaySiteIds: [site],
    offer: { esp: DEFAULT_PROFILE, ike: DEFAULT_IKE },
  };
}

function arbitraryPeerRule(): fc.Arbitrary<Rule> {
  const peer = fc.constantFrom<Selector>(
    { kind: 'address_pool', addressPoolId: 'pool-4' },
    { kind: 'address_pool', addressPoolId: 'pool-6' },
    ...['alice', 'bob', 'carol', 'partner'].map(
      (externalPeerId): Selector => ({ kind: 'external_peer', externalPeerId }),
    ),
  );
  return fc
    .tuple(
      arbitraryRule(),
      fc.array(peer, { minLength: 1, maxLength: 2 }),
      fc.array(peer, { maxLength: 2 }),
      fc.boolean(),
    )
    .map(([rule, here, there, turned]) => {
      const [sources, destinations] = [here, [...rule.destinations, ...there]];
      const sides = turned ? { sources: destinations, destinations: sources } : { sources, destinations };
      const { profileId: _, ...plain } = rule;
      return { ...plain, ...sides };
    });
}

function withRules(intent: FabricIntent, rules: readonly Rule[], first: boolean): FabricIntent {
  const named = rules.map((rule, index) => ({ ...rule, id: `peer-rule-${index}`, name: `peer rule ${index}` }));
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: first ? [...named, ...policy.rules] : [...policy.rules, ...named],
    })),
  };
}
