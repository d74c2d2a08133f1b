import { type Bundle, KeyingMode, type RemoteAccess, type Tunnel, TunnelStart } from '@weft/contracts/southbound';
import { parseAddress } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { PRE_SHARED_KEY } from '../../../test/support/external-bundle.js';
import { ASSIGNED, hostOf, NAME_SERVERS, remoteHostBundle } from '../../../test/support/remote-host-bundle.js';
import { AH_PROFILE, TRANSPORT_PROFILE, TUNNEL_ID, testBundle } from '../../../test/support/test-bundle.js';
import { parseBundle } from './parse-bundle.js';
import { sameExternalPeer } from './parse-external-peer.js';

const ACCESS = 'tunnels[0].external_peer.remote_access';

/** [what, how to spoil what a host is assigned, path below it, rule] */
const SPOILED: readonly [string, (access: RemoteAccess) => void, string, string][] = [
  ['no address', (access) => (access.addresses = []), '.addresses', 'missing_field'],
  ['an address of 5 octets', (access) => (access.addresses[0] = Buffer.alloc(5)), '.addresses[0]', 'bad_address'],
  ['no machine’s address', (access) => (access.addresses[0] = Buffer.alloc(4)), '.addresses[0]', 'bad_address'],
  ['a group’s address', (access) => (access.addresses[1] = Buffer.alloc(16, 255)), '.addresses[1]', 'bad_address'],
  ['two of a family', (access) => (access.addresses[1] = Buffer.of(10, 2, 0, 8)), '.addresses[1]', 'duplicate'],
  ['three addresses', (access) => access.addresses.push(Buffer.of(10, 2, 0, 8)), '.addresses', 'too_many'],
  [
    'a name server of 3 octets',
    (access) => (access.nameServers[1] = Buffer.alloc(3)),
    '.name_servers[1]',
    'bad_address',
  ],
  [
    'too many name servers',
    (access) => (access.nameServers = repeated(9, Buffer.of(9, 9, 9, 9))),
    '.name_servers',
    'too_many',
  ],
  ['domains that nobody knows', (access) => (access.nameServers = []), '.domains', 'unexpected_value'],
  ['too many domains', (access) => (access.domains = repeated(17, 'corp.example')), '.domains', 'too_many'],
  ...[
    '',
    'corp.example.',
    '.example',
    'a b',
    'a\nb',
    '-corp',
    'corp-.example',
    `${'a'.repeat(64)}.example`,
    longName(),
  ].map((domain): (typeof SPOILED)[number] => [
    `the domain ${JSON.stringify(domain)}`,
    (access) => (access.domains = ['corp.example', domain]),
    '.domains[1]',
    'bad_identifier',
  ]),
];

/** [what, how to spoil the tunnel, path, rule] */
const SPOILED_TUNNELS: readonly [string, (tunnel: Tunnel) => void, string, string][] = [
  ['an address', (t) => (t.remote = testBundle().tunnels[0]!.remote), '.remote', 'unexpected_value'],
  ['further addresses', (t) => (t.otherRemotes = { endpoints: [] }), '.other_remotes', 'unexpected_value'],
  ['AH', (t) => (t.profile = { ...AH_PROFILE }), '.profile.protocol', 'unsupported_value'],
  ['transport mode', (t) => (t.profile = { ...TRANSPORT_PROFILE }), '.profile.mode', 'unsupported_value'],
  [
    'keys of the controller',
    (t) => Object.assign(t, { keyingMode: KeyingMode.KEYING_MODE_IKE_LESS, ike: undefined }),
    '.external_peer',
    'unexpected_value',
  ],
  [
    'traffic that has it called',
    (t) => (t.ike!.start = TunnelStart.TUNNEL_START_TRAP),
    '.ike.start',
    'unexpected_value',
  ],
  [
    'an address that is assigned to nobody',
    (t) => (t.externalPeer!.remoteAddresses[0]!.last = Buffer.of(10, 2, 0, 8)),
    '.external_peer.remote_addresses',
    'unexpected_value',
  ],
  [
    'one address that it has not behind it',
    (t) => t.externalPeer!.remoteAddresses.pop(),
    '.external_peer.remote_addresses',
    'unexpected_value',
  ],
  [
    'another address behind it',
    (t) => t.externalPeer!.remoteAccess!.addresses.splice(0, 1, Buffer.of(10, 2, 0, 8)),
    '.external_peer.remote_addresses',
    'unexpected_value',
  ],
];

describe('a host that comes from anywhere', () => {
  it('is nowhere until it begins, and has what it is assigned', () => {
    const tunnel = parsed(remoteHostBundle());
    expect(tunnel).toMatchObject({
      remote: undefined,
      profile: { protocol: 'esp', mode: 'tunnel' },
      keying: { negotiation: { start: { kind: 'awaited' } } },
      external: {
        assignment: {
          addresses: ASSIGNED.map(parseAddress),
          nameServers: NAME_SERVERS.map(parseAddress),
          domains: ['corp.example'],
        },
      },
    });
  });

  it('may be assigned one address alone, and no name servers', () => {
    const bundle = remoteHostBundle();
    const host = hostOf(bundle);
    host.remoteAddresses.shift();
    host.remoteAccess = { addresses: [Buffer.from(parseAddress(ASSIGNED[1]))], nameServers: [], domains: [] };
    expect(parsed(bundle)?.external?.assignment).toEqual({
      addresses: [parseAddress(ASSIGNED[1])],
      nameServers: [],
      domains: [],
    });
  });

  it('may be assigned an address of a family in which it has nobody here to talk with, and be known by that or not', () => {
    for (const named of [1, 2]) {
      const bundle = remoteHostBundle();
      const host = hostOf(bundle);
      host.localAddresses.pop();
      host.remoteAddresses.length = named;
      expect(parsed(bundle)?.external?.assignment?.addresses).toEqual(ASSIGNED.map(parseAddress));
      const another = Buffer.from(parseAddress('2001:db8:2::8'));
      const moved = structuredClone(bundle);
      hostOf(moved).remoteAccess!.addresses[1] = another;
      if (named === 2) hostOf(moved).remoteAddresses[1] = { first: another, last: another };
      expect(sameExternalPeer(parsed(bundle)?.external, parsed(moved)?.external)).toBe(false);
    }
  });

  it.each(SPOILED)('with %s is refused', (_, spoil, path, rule) => {
    const bundle = remoteHostBundle();
    spoil(hostOf(bundle).remoteAccess!);
    expect(() => parsed(bundle)).toThrow(expect.objectContaining({ path: `${ACCESS}${path}`, rule }));
  });

  it.each(SPOILED_TUNNELS)('in a tunnel with %s is refused', (_, spoil, path, rule) => {
    const bundle = remoteHostBundle();
    spoil(bundle.tunnels[0]!);
    expect(() => parsed(bundle)).toThrow(expect.objectContaining({ path: `tunnels[0]${path}`, rule }));
  });

  it('is no edge of a site that has several', () => {
    const bundle = remoteHostBundle();
    const [tunnel] = bundle.tunnels;
    const other = '77777777-7777-8777-8777-777777777777';
    bundle.tunnels.push({ ...tunnel!, tunnelId: other, peerEdgeId: other });
    bundle.tunnelGroups = [
      {
        groupId: '99999999-9999-8999-8999-999999999999',
        tunnelIds: [TUNNEL_ID, other],
        probeIntervalMilliseconds: 1000,
        missedProbes: 3,
        holdDownSeconds: 5,
        carries: [],
      },
    ];
    expect(() => parsed(bundle)).toThrow(
      expect.objectContaining({ path: 'tunnel_groups[0].tunnel_ids[0]', rule: 'unsupported_value' }),
    );
  });

  it('is another one with another address, and the same with other name servers', () => {
    const one = parsed(remoteHostBundle())?.external;
    const [moved, renamed] = [remoteHostBundle(), remoteHostBundle()];
    const address = Buffer.of(10, 2, 0, 8);
    hostOf(moved).remoteAccess!.addresses[0] = address;
    hostOf(moved).remoteAddresses[0] = { first: address, last: address };
    hostOf(renamed).remoteAccess!.nameServers.pop();
    expect(sameExternalPeer(one, parsed(moved)?.external)).toBe(false);
    expect(sameExternalPeer(one, parsed(renamed)?.external)).toBe(true);
  });
});

function parsed(bundle: Bundle) {
  return parseBundle(bundle, [PRE_SHARED_KEY]).tunnels.get(TUNNEL_ID);
}

function repeated<Item>(times: number, item: Item): Item[] {
  return Array.from({ length: times }, () => item);
}

/** 254 characters of labels that are none too long. */
function longName(): string {
  return `${repeated(4, 'a'.repeat(62)).join('.')}.bc`;
}
