// biome-ignore-all lint/complexity/noExcessiveCognitiveComplexity: one table of made-up states reads better whole.
// biome-ignore-all lint/suspicious/useIterableCallbackReturn: short made-up answers.
/**
 * A controller that is not there: answers the REST API from memory with a fabric in every state that a real one rarely
 * shows at once. For working on the console only: `node dev/fixture-server.mjs [port]`, then open the port. It serves
 * dist/ with a strict content security policy, exactly as the controller does. Log in with anything but an empty name: as
 * `viewer`, `operator` or `approver` with that role, otherwise as admin.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const port = Number(process.argv[2] ?? 8080);
const dist = join(fileURLToPath(import.meta.url), '..', '..', 'dist');
const started = Date.now();
const tenantId = randomUUID();
const iso = (offset = 0) => new Date(Date.now() + offset).toISOString();
const HOUR = 3_600_000;

const sites = [];
const networks = [];
const addressPools = [];
const externalPeers = [];
const edges = [];
const policies = [];
const revisions = [];
/** Of the draft, until it is published. */
const approvals = [];
let draftChanged = false;
let role = 'admin';

const settings = {
  keyingMode: 'ikev2',
  encapsulation: 'udp',
  securityProtocol: 'esp',
  mode: 'tunnel',
  tunnelStart: { kind: 'start' },
  defaultProfileId: null,
};
const topology = { topology: { kind: 'full_mesh' }, version: 1 };
/** As the newest revision has them. */
let published = { ...settings };

function site(name, description, prefixes, edge) {
  const id = randomUUID();
  sites.push({ id, name, description, labels: {}, version: 1, createdAt: iso(-50 * HOUR), updatedAt: iso(-50 * HOUR) });
  for (const [label, prefix] of prefixes) {
    networks.push({
      id: randomUUID(),
      siteId: id,
      name: label,
      prefix,
      labels: {},
      version: 1,
      createdAt: iso(-50 * HOUR),
    });
  }
  if (edge) edges.push({ ...newEdge(id, edge.name, edge.address, 4500, edge.others), live: edge.live });
  return id;
}

function newEdge(siteId, name, underlayAddress, underlayPort, otherUnderlayAddresses = []) {
  const live = {
    connected: false,
    connectedSince: null,
    agentVersion: null,
    enrolledAt: null,
    certificateNotAfter: null,
    desired: null,
    applied: null,
    inSync: false,
    lastRejection: null,
    drops: [],
  };
  const place = {
    siteId,
    name,
    underlayAddress,
    otherUnderlayAddresses,
    underlayPort,
    preference: 1,
    version: 1,
    revocation: null,
  };
  return { id: randomUUID(), ...place, createdAt: iso(), updatedAt: iso(), live };
}

const bundle = (revision) => ({
  revision,
  generation: revision + 3,
  hash: createHash('sha256').update(`${revision}`).digest('hex'),
});

function live(change = {}) {
  return {
    connected: true,
    connectedSince: iso(-3.2 * HOUR),
    agentVersion: '0.1.0',
    enrolledAt: iso(-49 * HOUR),
    certificateNotAfter: iso(27.5 * 24 * HOUR),
    desired: bundle(7),
    applied: bundle(7),
    inSync: true,
    lastRejection: null,
    drops: [
      { reason: 'no_policy', packets: 1284 },
      { reason: 'replayed', packets: 3 },
    ],
    ...change,
  };
}

const rejection = {
  path: 'security_policies[12].selector.remote_addresses[0]',
  rule: 'mixed_family',
  reason: 'The first address is IPv4 and the last is IPv6.',
};
site(
  'Amsterdam',
  'Data centre, west hall',
  [
    ['Servers', '10.1.0.0/16'],
    ['Servers v6', '2001:db8:1::/48'],
  ],
  { name: 'ams-edge-1', address: '203.0.113.10', others: ['198.51.100.7', '2001:db8:7::8'], live: live() },
);
site(
  'Berlin',
  'Head office',
  [
    ['Office', '10.2.0.0/16'],
    ['Voice', '10.102.0.0/24'],
    ['Guests', '10.202.0.0/22'],
  ],
  { name: 'ber-edge-1', address: '198.51.100.20', live: live() },
);
site('Chicago', '', [['LAN', '10.3.0.0/16']], {
  name: 'chi-edge-1',
  address: '192.0.2.30',
  live: live({ connectedSince: iso(-40_000), inSync: false, applied: bundle(6), lastRejection: rejection }),
});
site('Delhi', 'Support centre', [['LAN', '10.4.0.0/16']], {
  name: 'del-edge-1',
  address: '2001:db8:ffff::4',
  live: live({ connected: false, connectedSince: null, inSync: false, certificateNotAfter: iso(2 * 24 * HOUR) }),
});
site('Eindhoven', 'Lab', [['Bench', '10.5.0.0/20']], undefined);

function addressPool(name, description, siteName, prefix, nameServers = [], domains = []) {
  const siteId = sites.find((each) => each.name === siteName).id;
  const known = { version: 1, createdAt: iso(-30 * HOUR), updatedAt: iso(-3 * HOUR) };
  addressPools.push({ id: randomUUID(), name, description, siteId, prefix, nameServers, domains, ...known });
  return addressPools.at(-1);
}
const notebooks = addressPool(
  'notebooks',
  'Of whoever travels',
  'Amsterdam',
  '10.99.0.0/24',
  ['10.1.0.53', '2001:db8:1::53'],
  ['corp.example', 'lab.corp.example'],
);
const notebooks6 = addressPool('notebooks, IPv6', '', 'Amsterdam', '2001:db8:99::/64', ['2001:db8:1::53']);
const cashiers = addressPool('cash registers', 'In shops without an edge', 'Berlin', '10.98.0.0/28');
addressPool('contractors', '', 'Delhi', '10.97.0.0/24');

function peer(name, description, siteName, address, identity, prefixes, proof) {
  return describedPeer(name, description, siteName, identity, proof, { address, port: 4500, prefixes });
}
function host(name, description, siteName, identity, proof, ...addresses) {
  const assigned = addresses.map(([pool, address]) => ({ addressPoolId: pool.id, address }));
  return describedPeer(name, description, siteName, identity, proof, { assigned });
}
function describedPeer(name, description, siteName, identity, proof, form) {
  const made = {
    id: randomUUID(),
    name,
    description,
    siteId: sites.find((each) => each.name === siteName).id,
    identity,
    ...proof,
    ...form,
    ikeProposals: [
      { keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
      { keyBits: 256, prf: 'hmac-sha2-256', keyExchange: ['ECP-256'] },
    ],
    espProposal: { keyBits: 256, extendedSequenceNumbers: false, keyExchange: ['X25519'] },
    version: 1,
    createdAt: iso(-30 * HOUR),
    updatedAt: iso(-3 * HOUR),
  };
  externalPeers.push(made);
  return made;
}
const PEM = `-----BEGIN CERTIFICATE-----\n${'MIIBszCCAVmgAwIBAgIUWd9vX2p0cnVzdGVkZm9ydGhlZml4dHVyZTAKBggqhkjO\n'.repeat(8)}-----END CERTIFICATE-----\n`;
const withKey = (localIdentity) => ({ localIdentity, preSharedKey: 'set' });
const partner = peer(
  'Partner AG',
  'Their data centre in Zurich',
  'Amsterdam',
  '203.0.113.99',
  'gw.partner.example',
  ['172.20.0.0/16', '172.21.8.0/24'],
  withKey('ams.weft.example'),
);
const cloud = peer('Cloud VPN', '', 'Berlin', '192.0.2.200', 'vpn.cloud.example', ['172.30.0.0/16'], {
  certificates: [PEM, PEM.replace('W', 'X')],
});
peer(
  'New supplier',
  'Not published yet',
  'Berlin',
  '192.0.2.77',
  'keyid:supplier-7',
  ['172.31.0.0/24'],
  withKey('keyid:weft'),
);

const ada = host(
  'notebook of Ada',
  'Travels',
  'Amsterdam',
  'ada@corp.example',
  withKey('ams.weft.example'),
  [notebooks, '10.99.0.1'],
  [notebooks6, '2001:db8:99::1'],
);
const grace = host('notebook of Grace', '', 'Amsterdam', 'grace@corp.example', { certificates: [PEM] }, [
  notebooks,
  '10.99.0.2',
]);
const registers = Array.from({ length: 11 }, (_, index) =>
  host(`register ${index + 1}`, '', 'Berlin', `keyid:register-${index + 1}`, withKey('ber.weft.example'), [
    cashiers,
    `10.98.0.${index + 1}`,
  ]),
);

const anything = [{ kind: 'any' }];
const namedServices = [];
function namedService(name, description, services) {
  return { id: randomUUID(), name, description, services, version: 1, createdAt: iso(), updatedAt: iso() };
}
const profiles = [];
function profile(name, description, esp, ike, childKeyExchange) {
  profiles.push({
    id: randomUUID(),
    name,
    description,
    esp: { replayWindow: 1024, ...esp },
    ike,
    childKeyExchange,
    ikeLifetimeSeconds: 14_400,
    childLifetimeSeconds: 3600,
    version: 1,
    createdAt: iso(),
    updatedAt: iso(),
  });
  return profiles.at(-1).id;
}
const chachaId = profile(
  'chacha',
  'For branches whose machines have no AES in hardware',
  { encryption: 'chacha20-poly1305', keyBits: 256 },
  { encryption: 'chacha20-poly1305', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
  ['X25519', 'ML-KEM-768'],
);
profile(
  'suite B',
  '',
  { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 64 },
  { encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['ECP-384'] },
  [],
);
const rule = (name, action, sources, destinations, services, enabled = true, serviceIds = []) => ({
  id: randomUUID(),
  name,
  action,
  sources,
  destinations,
  services,
  serviceIds,
  tunnelStart: name === 'Ping' ? { kind: 'trap', idleSeconds: 600 } : null,
  profileId: null,
  enabled,
});
const at = (name) => ({ kind: 'site', siteId: sites.find((each) => each.name === name).id });
const net = (prefix) => ({ kind: 'network', networkId: networks.find((each) => each.prefix === prefix).id });
const tcp = (...ports) => ({ protocol: 'tcp', ports: ports.map(([first, last]) => ({ first, last })) });
namedServices.push(
  namedService('https', 'The web', [tcp([443, 443])]),
  namedService('dns', 'Questions and answers', [tcp([53, 53]), { protocol: 'udp', ports: [{ first: 53, last: 53 }] }]),
  namedService('monitoring', '', [tcp([9100, 9100], [9273, 9280]), { protocol: 'icmp', ports: [] }]),
);
const serviceNamed = (name) => namedServices.find((each) => each.name === name).id;
function policy(name, description, rules, enabled = true) {
  const position = policies.length;
  policies.push({
    id: randomUUID(),
    name,
    description,
    enabled,
    position,
    rules,
    version: 1,
    createdAt: iso(),
    updatedAt: iso(),
  });
}
for (const each of sites) each.labels = { role: each.name === 'Amsterdam' ? 'hub' : 'branch', region: 'emea' };
function group(name, description, members) {
  return { id: randomUUID(), name, description, members, version: 1, createdAt: iso(), updatedAt: iso() };
}
function refusePrefix({ prefix }) {
  if (!/^[0-9a-f.:]+\/\d+$/i.test(prefix))
    throw invalid('/prefix', `"${prefix}" is no prefix`, 'Write an address and a length, for example 10.1.0.0/16.');
}
function refuseDomains({ nameServers = [], domains = [] }) {
  if (domains.length > 0 && nameServers.length === 0)
    throw invalid(
      '/domains',
      'Nobody is there to be asked about the domains',
      'Give a name server, or leave them out.',
    );
}
/** Hosts keep the address that they have, or get one that nobody else has; in this controller not the lowest. */
function withAddresses({ assigned, ...body }, held = []) {
  if (assigned === undefined) return body;
  if (assigned.length === 0) throw invalid('/assigned', 'Below 1', 'Give at least 1.');
  const free = (poolId) => findIn(addressPools, poolId).prefix.replace(/(\d*)\/\d+$/, () => 20 + externalPeers.length);
  return {
    ...body,
    assigned: assigned.map(({ addressPoolId, address }) => ({
      addressPoolId,
      address: address ?? held.find((each) => each.addressPoolId === addressPoolId)?.address ?? free(addressPoolId),
    })),
  };
}
function refuseMapping(prefix, { mappedPrefix }) {
  if (mappedPrefix && mappedPrefix.split('/')[1] !== prefix.split('/')[1])
    throw invalid(
      '/mappedPrefix',
      `${mappedPrefix} has not as many addresses as ${prefix}`,
      `Give a prefix of length ${prefix.split('/')[1]}.`,
    );
}
function refuseProfile({ ike }) {
  if (ike.keyExchange.length === 0) throw invalid('/ike/keyExchange', 'Below 1', 'Give at least 1.');
  if (ike.keyExchange[0].startsWith('ML-KEM'))
    throw invalid(
      '/ike/keyExchange/0',
      'ML-KEM is added to a method, and does not come first',
      'Put X25519, X448 or one of ECP before it.',
    );
}
function refuseMembers({ members }) {
  members.forEach((member, place) => {
    if (member.kind === 'prefix' && !/^[0-9a-f.:]+\/\d+$/i.test(member.prefix))
      throw invalid(
        `/members/${place}/prefix`,
        `"${member.prefix}" is no prefix`,
        'Write an address and a length, for example 10.1.0.0/16.',
      );
  });
}
const groups = [
  group('branches', 'Whatever is no data centre', [{ kind: 'site_labels', labels: { role: 'branch' } }]),
  group('servers', 'Where the applications are', [
    net('10.1.0.0/16'),
    { kind: 'prefix', prefix: '10.66.0.0/24' },
    { kind: 'network_labels', labels: { use: 'servers' } },
  ]),
  group('partners', '', [{ kind: 'external_peer', externalPeerId: partner.id }, at('Delhi')]),
  group('to come', 'Until the first site in Asia opens', []),
];
const inGroup = (name) => ({ kind: 'group', groupId: groups.find((each) => each.name === name).id });
policy('Partners', '', [
  rule(
    'Their data',
    'PROTECT',
    [at('Amsterdam')],
    [{ kind: 'external_peer', externalPeerId: partner.id }],
    [tcp([443, 443])],
  ),
  rule(
    'Who travels',
    'PROTECT',
    [{ kind: 'address_pool', addressPoolId: notebooks.id }],
    [at('Amsterdam')],
    [{ protocol: 'any', ports: [] }],
  ),
]);
policy('Guests stay outside', 'Before everything else', [
  rule('No guests', 'DISCARD', [net('10.202.0.0/22')], anything, [{ protocol: 'any', ports: [] }]),
]);
policy('Branches to the data centre', '', [
  rule('Web', 'PROTECT', [inGroup('branches')], [inGroup('servers')], [tcp([8000, 8100])], true, [
    serviceNamed('https'),
    serviceNamed('monitoring'),
  ]),
  rule(
    'DNS',
    'PROTECT',
    [at('Berlin'), at('Chicago')],
    [{ kind: 'prefix', prefix: '10.1.0.53/32' }],
    [{ protocol: 'udp', ports: [{ first: 53, last: 53 }] }],
  ),
  rule('Ping', 'PROTECT', anything, anything, [
    { protocol: 'icmp', ports: [] },
    { protocol: 'icmpv6', ports: [] },
  ]),
  rule('Telnet', 'DISCARD', anything, anything, [tcp([23, 23])], false),
]);
policy(
  'Everything else',
  'Full mesh',
  [rule('Mesh', 'PROTECT', anything, anything, [{ protocol: 'any', ports: [] }])],
  false,
);
policies.flatMap(({ rules }) => rules).find(({ name }) => name === 'DNS').profileId = chachaId;
networks.find(({ prefix }) => prefix === '10.202.0.0/22').mappedPrefix = '172.20.200.0/22';
for (const [number, comment] of [
  [7, 'Open HTTPS from the branches to the data centre'],
  [6, 'Chicago joins'],
  [5, ''],
  [4, 'Guests stay outside'],
]) {
  revisions.push({
    number,
    author: 'admin',
    comment,
    publishedAt: iso(-(8 - number) * 5 * HOUR),
    overrideReason: null,
    restoredFrom: null,
    approvedBy: number === 7 ? 'mara' : null,
    approvedAt: number === 7 ? iso(-5.2 * HOUR) : null,
    approvalWaived: null,
  });
}

function pathOf() {
  const ah = published.securityProtocol === 'ah';
  const direct = ah || published.mode === 'transport' || published.encapsulation === 'none';
  const [outerIpHeader, udpHeader, espOverhead] = [20, direct ? 0 : 8, ah ? 28 : 34];
  const largestPacket = 1500 - outerIpHeader - udpHeader - espOverhead;
  return {
    pathMtu: 1500,
    source: ah ? 'icmp' : 'probe',
    outerIpHeader,
    udpHeader,
    espOverhead,
    unused: 0,
    largestPacket,
    maximumSegmentSize4: largestPacket - 40,
    maximumSegmentSize6: largestPacket - 60,
    roundTripMilliseconds: ah ? null : 11.4,
    roundTripProbes: ah ? 0 : 240,
    roundTripAnswers: ah ? 0 : 240,
  };
}

const tunnelIds = new Map();
function tunnels() {
  const seconds = (Date.now() - started) / 1000;
  const result = [];
  for (const [index, one] of edges.entries()) {
    for (const other of edges.slice(index + 1)) {
      if (one.live.enrolledAt === null || other.live.enrolledAt === null) continue;
      const key = `${one.id} ${other.id}`;
      if (!tunnelIds.has(key))
        tunnelIds.set(key, { id: randomUUID(), spis: [0, 0].map(() => randomBytes(4).readUInt32BE()) });
      const { id, spis } = tunnelIds.get(key);
      const down = !one.live.connected || !other.live.connected;
      const establishing = !down && other.name.startsWith('chi') && one.name.startsWith('ber');
      const waits = establishing && published.tunnelStart.kind === 'trap';
      const state = down ? 'down' : waits ? 'waiting' : establishing ? 'establishing' : 'up';
      const rate = (phase) =>
        state === 'up'
          ? 1e6 * (index + 1) * (3 + 2 * Math.sin(seconds / 9 + phase) + Math.sin(seconds / 2.3 + phase))
          : 0;
      const traffic = (phase) => ({
        packets: Math.round(4e6 + seconds * 800),
        bytes: Math.round(5e9 + seconds * 1e6),
        packetsPerSecond: rate(phase) / 1200,
        bytesPerSecond: rate(phase),
      });
      const end = (edge, out, into, inboundSpi, outboundSpi) => ({
        edgeId: edge.id,
        edgeName: edge.name,
        siteId: edge.siteId,
        siteName: sites.find(({ id: siteId }) => siteId === edge.siteId).name,
        inboundSpi: state === 'up' ? inboundSpi : null,
        outboundSpi: state === 'up' ? outboundSpi : null,
        inbound: traffic(into),
        outbound: traffic(out),
        lastReceivedAt: state === 'up' ? iso(-300) : down ? iso(-12 * 60_000) : null,
        path: state === 'up' ? pathOf() : null,
        observedPeer: state === 'up' ? { address: '198.51.100.7', port: 40_001 } : null,
        behindNat: state === 'up' ? true : null,
      });
      const reason = down
        ? `Edge "${(one.live.connected ? other : one).name}" is not connected.`
        : waits
          ? 'It is negotiated when there is traffic for it, and there is none.'
          : establishing
            ? 'Waiting for both edges to install inbound associations.'
            : null;
      result.push({
        id,
        state,
        reason,
        keyingMode: published.keyingMode,
        securityProtocol: published.securityProtocol,
        mode: published.mode,
        keyExchange:
          state === 'up' && published.keyingMode === 'ikev2'
            ? !other.name.startsWith('chi')
              ? { methods: ['X25519', 'ML-KEM-768'], ppk: false, postQuantum: true }
              : { methods: ['ECP-384'], ppk: false, postQuantum: false }
            : null,
        rekeys: state === 'up' ? 3 : 0,
        externalPeer: null,
        edges: [end(one, 0, 2, spis[0], spis[1]), end(other, 2, 0, spis[1], spis[0])],
      });
    }
  }
  return result;
}

/** Of one peer that is up, of one that refuses the Child SA, and of hosts of which some are there. */
function externalTunnels() {
  const seconds = (Date.now() - started) / 1000;
  const traffic = (on, phase) => ({
    packets: on ? Math.round(9e5 + seconds * 90) : 0,
    bytes: on ? Math.round(7e8 + seconds * 1e5) : 0,
    packetsPerSecond: on ? 90 + 20 * Math.sin(seconds / 5 + phase) : 0,
    bytesPerSecond: on ? 1e5 * (2 + Math.sin(seconds / 5 + phase)) : 0,
  });
  return [partner, cloud, ada, grace, ...registers].map((each, index) => {
    const { id, name, address = null, port: udp = null, siteId, assigned } = each;
    const up = index === 0 || each === ada || (registers.includes(each) && index % 3 === 0);
    const edge = edges.find((each) => each.siteId === siteId);
    return {
      id: `00000000-0000-4000-8000-0000000000${10 + index}`,
      state: up ? 'up' : assigned === undefined ? 'down' : 'waiting',
      reason: up
        ? null
        : assigned === undefined
          ? 'The edge reports: the peer refused the Child SA: TS_UNACCEPTABLE.'
          : 'The host is away: it begins the tunnel, wherever it is.',
      keyingMode: 'ikev2',
      securityProtocol: 'esp',
      mode: 'tunnel',
      keyExchange:
        up || assigned === undefined
          ? { methods: up ? ['X25519', 'ML-KEM-768'] : ['ECP-256'], ppk: false, postQuantum: up }
          : null,
      rekeys: up ? 12 : 0,
      externalPeer: { id, name, address, port: udp },
      edges: [
        {
          edgeId: edge.id,
          edgeName: edge.name,
          siteId,
          siteName: sites.find((each) => each.id === siteId).name,
          inboundSpi: up ? 0xc0ffee01 : null,
          outboundSpi: up ? 0x1badd00d : null,
          inbound: traffic(up, 0),
          outbound: traffic(up, 2),
          lastReceivedAt: up ? iso(-400) : null,
          path: null,
          observedPeer: up ? { address: address ?? `198.51.100.${20 + index}`, port: udp ?? 4500 } : null,
          behindNat: up ? false : null,
        },
      ],
    };
  });
}

const SNIPPETS = {
  swanctl: (each) => ({
    format: 'swanctl',
    fileName: `weft-${each.name.toLowerCase().replaceAll(' ', '-')}.conf`,
    text: `connections {\n  weft {\n    version = 2\n    ${each.assigned ? 'vips = 0.0.0.0' : `local_addrs = ${each.address}`}\n    remote_addrs = 203.0.113.10\n    proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768\n    mobike = ${each.assigned ? 'yes' : 'no'}\n  }\n}\n`,
    ...(each.certificates === undefined
      ? { secretPlaceholder: 'REPLACE_WITH_THE_PRE_SHARED_KEY' }
      : { certificates: [{ fileName: 'weft-1.pem', text: PEM }] }),
  }),
  libreswan: () => {
    throw new Refusal(409, 'No snippet', 'Libreswan has no words for X25519 with ML-KEM-768 in a Child SA.', [
      { pointer: '', rule: 'not_sayable', detail: 'Libreswan has no additional key exchanges.', fix: 'Choose one.' },
    ]);
  },
};

const affected = () =>
  edges
    .filter(({ live: { enrolledAt } }) => enrolledAt !== null)
    .map(({ id, name }) => ({ edgeId: id, edgeName: name, change: 'changed' }));
/** As the compiler says it of AH and of transport mode. */
function settingProblems() {
  const { keyingMode, securityProtocol, mode, tunnelStart } = settings;
  const negotiated = keyingMode === 'ikev2';
  const entry = (pointer, rule, detail, fix) => ({ pointer, rule, detail, fix });
  return [
    ...(securityProtocol === 'ah' && !negotiated
      ? [
          entry(
            '/keyingMode',
            'ah_without_negotiation',
            'AH passes no NAT, and where edges do not negotiate nobody looks for one.',
            'Let the edges negotiate (ikev2), or choose esp.',
          ),
        ]
      : []),
    ...(tunnelStart.kind === 'trap' && !negotiated
      ? [
          entry(
            '/tunnelStart',
            'trap_without_negotiation',
            `The tenant has tunnels negotiated when there is traffic for them, and the tenant's edges do not negotiate: its keying mode is ${keyingMode}.`,
            'Let the edges negotiate (ikev2), or have tunnels start at once.',
          ),
        ]
      : []),
    ...(mode === 'transport' && !negotiated
      ? [
          entry(
            '/keyingMode',
            'transport_without_negotiation',
            'Transport mode passes no NAT, and where edges do not negotiate nobody looks for one.',
            'Let the edges negotiate (ikev2), or choose tunnel mode.',
          ),
        ]
      : []),
    ...(mode === 'transport'
      ? externalPeers.map(({ name }, index) =>
          entry(
            `/externalPeers/${index}`,
            'transport_to_external_peer',
            `The external peer "${name}" is a gateway for networks behind it, and transport mode is between hosts of ours.`,
            'Remove the external peer, or choose tunnel mode.',
          ),
        )
      : []),
  ];
}

function problems() {
  const found = settingProblems();
  policies.forEach(
    (each, p) =>
      each.enabled &&
      each.rules.forEach((r, n) => {
        if (!r.enabled || !r.destinations.some((d) => d.kind === 'prefix' && d.prefix.startsWith('192.168.'))) return;
        found.push({
          pointer: `/policies/${p}/rules/${n}/destinations/0/prefix`,
          rule: 'matches_no_network',
          detail: `No network of any site holds an address of ${r.destinations[0].prefix}.`,
          fix: 'Add the network to a site, or name another prefix.',
        });
      }),
  );
  return found;
}

const settingChanges = () =>
  Object.keys(settings)
    .filter((field) => settings[field] !== published[field])
    .map((field) => ({ field, before: said(field, published), after: said(field, settings) }));
/** As the intent has it, where ESP and tunnel mode go without saying. */
const said = (field, { [field]: value }) =>
  ['esp', 'tunnel', null].includes(value) || value.kind === 'start' ? null : value;
const draftVersion = () => createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 32);
function radius() {
  const made = settingChanges().length > 0 ? tunnels().length : 0;
  return {
    edges: made > 0 ? affected().length : 0,
    tunnelsAdded: 0,
    tunnelsRemoved: 0,
    tunnelsChanged: made,
    tunnelsNotEncrypted: settings.securityProtocol === 'ah' ? tunnels().length : 0,
    sitePairsAllowed: 0,
    sitePairsDenied: 0,
    sitePairsOtherProfile: 0,
    complete: true,
  };
}

class Refusal extends Error {
  constructor(status, title, detail, errors = []) {
    super(detail);
    this.body = { type: 'about:blank', title, status, detail, instance: '', requestId: randomUUID(), errors };
  }
}
const invalid = (pointer, detail, fix) =>
  new Refusal(422, 'A field breaks a rule', 'The request was understood, but a field in it is not allowed.', [
    { pointer, rule: 'r', detail, fix },
  ]);
const named = (body) => {
  if (!body.name?.trim()) throw invalid('/name', 'The name is empty.', 'Give it a name.');
};
const findIn = (list, id) =>
  list.find((each) => each.id === id) ??
  (() => {
    throw new Refusal(404, 'No such resource', `Nothing has the identifier ${id}.`);
  })();
const drop = (list, id) => {
  list.splice(list.indexOf(findIn(list, id)), 1);
  draftChanged = true;
};
const withIds = (body) => ({
  ...body,
  rules: body.rules.map((each) => ({ enabled: true, ...each, id: each.id ?? randomUUID() })),
});

function publish({ comment = '' }) {
  if (problems().length > 0) throw new Refusal(422, 'The draft cannot be published', 'Nothing was stored.', problems());
  const revision = { number: revisions[0].number + 1, author: 'admin', comment, publishedAt: iso() };
  revisions.unshift(revision);
  draftChanged = false;
  published = { ...settings };
  approvals.length = 0;
  const affectedEdges = affected();
  for (const edge of edges) {
    if (edge.live.enrolledAt === null) continue;
    edge.live = { ...edge.live, desired: bundle(revision.number), inSync: false, lastRejection: null };
    if (edge.live.connected)
      setTimeout(
        () => {
          edge.live = { ...edge.live, applied: edge.live.desired, inSync: true };
        },
        1500 + 1000 * Math.random(),
      );
  }
  return { dryRun: false, revision, affectedEdges };
}

function enroll(edge) {
  setTimeout(() => {
    edge.live = { ...edge.live, enrolledAt: iso(), certificateNotAfter: iso(30 * 24 * HOUR) };
  }, 4000);
  setTimeout(() => {
    edge.live = { ...edge.live, connected: true, connectedSince: iso(), agentVersion: '0.1.0' };
  }, 8000);
  const token = `weft1.${randomBytes(32).toString('base64url')}.${randomBytes(32).toString('base64url')}`;
  return {
    token,
    expiresAt: iso(HOUR),
    command: `weft-edge enroll --controller fabric.example.net:8444 --token ${token}`,
  };
}

function detail(number) {
  const revision = revisions.find((each) => each.number === number);
  if (!revision) throw new Refusal(404, 'No such resource', `There is no revision ${number}.`);
  const newest = revisions[0].number === number;
  const state = ({ live: l }) =>
    !newest
      ? 'superseded'
      : !l.connected
        ? 'offline'
        : l.lastRejection && !l.inSync
          ? 'rejected'
          : l.inSync
            ? 'applied'
            : 'pending';
  return {
    ...revision,
    edges: edges
      .filter(({ live: l }) => l.enrolledAt)
      .map((edge) => ({
        edgeId: edge.id,
        edgeName: edge.name,
        state: state(edge),
        rejection: state(edge) === 'rejected' ? edge.live.lastRejection : null,
      })),
  };
}

/** What a PATCH makes of something that has versions. */
const _changed = (found, change) => Object.assign(found, change, { version: found.version + 1 });

function create(list, item) {
  list.push(item);
  draftChanged = true;
  return item;
}

const users = [
  {
    id: randomUUID(),
    name: 'ada',
    role: 'approver',
    providerRole: null,
    oidc: null,
    totp: true,
    version: 1,
    createdAt: iso(-300 * HOUR),
  },
  {
    id: randomUUID(),
    name: 'grace',
    role: 'operator',
    providerRole: null,
    oidc: { issuer: 'https://id.example', subject: '248289761001' },
    totp: false,
    version: 1,
    createdAt: iso(-20 * HOUR),
  },
  {
    id: randomUUID(),
    name: 'admin',
    role: 'admin',
    providerRole: 'admin',
    oidc: null,
    totp: false,
    version: 1,
    createdAt: iso(-900 * HOUR),
  },
];
const token = (name, role, made, left, lastUsedAt) => ({
  id: randomUUID(),
  name,
  role,
  userName: 'admin',
  createdAt: iso(-made * 24 * HOUR),
  expiresAt: iso(left * 24 * HOUR),
  lastUsedAt,
});
const apiTokens = [
  token('nightly export', 'viewer', 20, 70, iso(-HOUR)),
  token('deployment', 'approver', 85, 5, iso(-60_000)),
  token('trial', 'viewer', 92, -2, null),
];
const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const sessions = [true, false].map((current) => ({
  id: randomUUID(),
  createdAt: iso(current ? -60_000 : -3 * HOUR),
  expiresAt: iso((current ? 12 : 9) * HOUR),
  address: current ? '192.0.2.14' : '198.51.100.7',
  userAgent: current ? browser : null,
  current,
}));
let totp = { confirmedAt: null, recoveryCodesLeft: 0 };

const DAY = 24 * HOUR;
const trusted = (kind, from, to, change = {}) => ({
  kind,
  fingerprint: createHash('sha256').update(kind).digest('hex'),
  notBefore: from === null ? null : iso(from * DAY),
  notAfter: to === null ? null : iso(to * DAY),
  daysLeft: to === null ? null : Math.floor(to),
  alarmFrom: to === null ? null : iso((to - 90) * DAY),
  condition: 'valid',
  raisedAt: null,
  dependents: edges
    .filter(({ live: l }) => l.enrolledAt)
    .map(({ id, name }) => ({ edgeId: id, edgeName: name, reason: 'certificate' })),
  dependentCount: edges.filter(({ live: l }) => l.enrolledAt).length,
  remedy: null,
  ...change,
});
const told = { condition: 'expiring', raisedAt: iso(-38 * DAY), remedy: 'Run --rotate-certificate-authority.' };

const DEEDS = [
  ['admin', 'edge_revoked', { edgeId: edges[0].id, reason: 'lost' }],
  ['mara', 'draft_approved', { version: '6-0f343b0931126a20', comment: 'as agreed', failedProof: false }],
  ['admin', 'user_created', { userName: 'grace', role: 'operator' }],
  ['grace', 'oidc_login', {}],
  ['mara', 'revision_published', { revision: 7, comment: 'Open HTTPS from the branches to the data centre' }],
  ['admin', 'webhook_created', { webhook: 'inventory' }],
];
const auditEntries = Array.from({ length: 230 }, (_, index) => {
  const [actor, action, details] = DEEDS[index % DEEDS.length];
  const hash = createHash('sha256').update(`entry ${index}`).digest('hex');
  return { sequence: index + 1, at: iso((index - 230) * 5 * HOUR), actor, action, details, hash };
});
function revisionsPage(query) {
  const older = revisions.filter(({ number }) => number < Number(query.get('before') ?? Number.POSITIVE_INFINITY));
  const items = older.slice(0, Number(query.get('limit') ?? 50));
  return { items, next: older.length > items.length ? items.at(-1).number : null };
}

function auditLog(query) {
  const is = (name, value) => !query.has(name) || query.get(name) === value;
  const about = ({ details }) =>
    !query.has('object') || Object.values(details).map(String).includes(query.get('object'));
  const found = auditEntries
    .filter((entry) => is('actor', entry.actor) && is('action', entry.action) && about(entry))
    .filter(({ at }) => at >= (query.get('since') ?? '') && at < (query.get('until') ?? '9'))
    .filter(({ sequence }) => sequence < Number(query.get('before') ?? Number.POSITIVE_INFINITY))
    .toReversed();
  const limit = Number(query.get('limit') ?? 50);
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? items.at(-1).sequence : null, brokenAt: null };
}

const members = users.map(({ id, name, role, oidc, createdAt }) => ({
  userId: id,
  userName: name,
  role,
  oidc: oidc !== null,
  version: 1,
  joinedAt: createdAt,
}));
const memberOf = (id) => members.find(({ userId }) => userId === id);
const invitations = [
  {
    id: randomUUID(),
    userName: 'katherine',
    role: 'approver',
    invitedBy: 'admin',
    createdAt: iso(-DAY),
    expiresAt: iso(6 * DAY),
  },
];
const tenants = ['default', 'north'].map((name, index) => ({
  id: index === 0 ? tenantId : randomUUID(),
  name,
  approvalRequired: true,
  version: 1,
  createdAt: iso(-900 * HOUR),
}));
const tenantOf = (id) => findIn(tenants, id);
const ownInvitations = [
  {
    id: randomUUID(),
    tenantId: randomUUID(),
    tenantName: 'south',
    role: 'viewer',
    invitedBy: 'sofia',
    createdAt: iso(-HOUR),
    expiresAt: iso(5 * DAY),
  },
];

const hook = (name, url, change = {}) => ({
  id: randomUUID(),
  name,
  url,
  types: [],
  enabled: true,
  disabledCause: null,
  previousSecretUntil: null,
  pending: 0,
  version: 1,
  createdAt: iso(-40 * DAY),
  updatedAt: iso(-3 * DAY),
  ...change,
});
const webhooks = [
  hook('chat of the operators', 'https://chat.example/hooks/T02AB/B7K/kJ3mZpQ', {
    types: ['edge.tunnel_down', 'edge.bundle_refused', 'revision.published', 'authority.expiring'],
    previousSecretUntil: iso(17 * HOUR),
  }),
  hook('inventory', 'https://inventory.weft.example/events?site=all&format=standard-webhooks-1.0&tenant=default', {
    pending: 1204,
  }),
  hook('old ticket system', 'https://tickets.example/weft', {
    types: ['edge.tunnel_down'],
    enabled: false,
    disabledCause: 'gone',
    pending: 3,
  }),
  hook('trial', 'https://hooks.example/trial', { enabled: false }),
];
const delivery = (type, minutes, change = {}) => ({
  id: randomUUID(),
  type,
  createdAt: iso(-minutes * 60_000),
  status: 'delivered',
  attempts: 1,
  nextAttemptAt: null,
  lastAttemptAt: iso(-minutes * 60_000 + 900),
  responseStatus: 204,
  failure: null,
  ...change,
});
const deliveries = [
  delivery('edge.tunnel_down', 0.2, {
    status: 'pending',
    attempts: 2,
    responseStatus: 503,
    failure: 'status',
    nextAttemptAt: iso(9000),
  }),
  delivery('webhook.test', 4),
  delivery('revision.published', 300),
  delivery('edge.bundle_refused', 301, {
    status: 'failed',
    attempts: 12,
    responseStatus: null,
    failure: 'plain_http_refused',
  }),
  delivery('authority.expiring', 900, { attempts: 3 }),
];
function changed(found, body) {
  if (body.name !== undefined) named(body);
  return Object.assign(found, body, { version: found.version + 1, updatedAt: iso() });
}
function tested() {
  const made = delivery('webhook.test', 0, {
    status: 'pending',
    attempts: 0,
    responseStatus: null,
    lastAttemptAt: null,
  });
  deliveries.unshift(made);
  setTimeout(() => Object.assign(made, delivery('webhook.test', 0), { id: made.id }), 1500);
  return made;
}
const withSecret = (webhook) => ({ ...webhook, secret: `whsec_${randomBytes(32).toString('base64')}` });

const routes = {
  'GET webhooks': () => ({ items: webhooks }),
  'POST webhooks': (body) => {
    named(body);
    webhooks.push(hook(body.name, body.url, { types: body.types, createdAt: iso(), updatedAt: iso() }));
    return withSecret(webhooks.at(-1));
  },
  'PUT webhooks/:id': (body, id) => changed(findIn(webhooks, id), { ...body, disabledCause: null }),
  'DELETE webhooks/:id': (_, id) => void webhooks.splice(webhooks.indexOf(findIn(webhooks, id)), 1),
  'POST webhooks/:id/secret': (_, id, query) => {
    const hours = Number(query.get('overlapHours'));
    return withSecret(
      Object.assign(findIn(webhooks, id), { previousSecretUntil: hours === 0 ? null : iso(hours * HOUR) }),
    );
  },
  'POST webhooks/:id/test': tested,
  'GET webhooks/:id/deliveries': (_, id) => ({ items: findIn(webhooks, id).name === 'trial' ? [] : deliveries }),
  'GET trust': () => ({
    items: [
      trusted('root', -3600, 52, told),
      trusted('intermediate', -900, 926),
      trusted('server', -10, 80),
      trusted('revocation_list', 0, 1, { fingerprint: null, alarmFrom: null, dependents: [], dependentCount: 0 }),
      trusted('signing_key', null, null),
    ],
  }),
  'GET events': (_, __, query) => ({ items: query.get('kind') === 'path_changed' ? moves(query.get('edgeId')) : [] }),
  'GET audit-entries': (_, __, query) => auditLog(query),
  'GET members': () => ({ items: members }),
  'PATCH members/:id': (body, id) => changed(memberOf(id), body),
  'DELETE members/:id': (_, id) => void members.splice(members.indexOf(memberOf(id)), 1),
  'GET invitations': () => ({ items: invitations }),
  'POST invitations': ({ userName, role, lifetimeDays }) => {
    const made = { userName, role, invitedBy: 'admin', createdAt: iso(), expiresAt: iso(lifetimeDays * DAY) };
    invitations.push({ id: randomUUID(), ...made });
    return invitations.at(-1);
  },
  'DELETE invitations/:id': (_, id) => void invitations.splice(invitations.indexOf(findIn(invitations, id)), 1),
  'GET users': () => ({ items: users }),
  'POST users': ({ password: _, ...body }) => {
    named(body);
    const user = {
      id: randomUUID(),
      providerRole: null,
      oidc: null,
      totp: false,
      version: 1,
      createdAt: iso(),
      ...body,
    };
    users.push(user);
    return user;
  },
  'PATCH users/:id': ({ password: _, ...body }, id) => changed(findIn(users, id), body),
  'DELETE users/:id': (_, id) => void users.splice(users.indexOf(findIn(users, id)), 1),
  'DELETE users/:id/totp': (_, id) => void Object.assign(findIn(users, id), { totp: false }),
  'GET api-tokens': () => ({ items: apiTokens }),
  'POST api-tokens': ({ name, role, lifetimeDays = 90 }) => {
    named({ name });
    const made = token(name, role, 0, lifetimeDays, null);
    apiTokens.push(made);
    return { ...made, token: `weft_${randomBytes(36).toString('hex')}` };
  },
  'DELETE api-tokens/:id': (_, id) => void apiTokens.splice(apiTokens.indexOf(findIn(apiTokens, id)), 1),
  'GET sites': () => ({ items: sites }),
  'POST sites': (body) => {
    named(body);
    return create(sites, {
      id: randomUUID(),
      description: '',
      labels: {},
      version: 1,
      ...body,
      createdAt: iso(),
      updatedAt: iso(),
    });
  },
  'PATCH sites/:id': (body, id) => {
    named({ ...findIn(sites, id), ...body });
    return changed(findIn(sites, id), body);
  },
  'DELETE sites/:id': (_, id) => {
    if (edges.some((e) => e.siteId === id) || networks.some((n) => n.siteId === id))
      throw new Refusal(409, 'The site is in use', 'An edge or a network still belongs to it.', [
        { pointer: '', rule: 'in_use', detail: 'The site still has networks.', fix: 'Delete them first.' },
      ]);
    drop(sites, id);
  },
  'GET topology': () => topology,
  'PUT topology': (body) => {
    draftChanged = true;
    return Object.assign(topology, { topology: body, version: topology.version + 1 });
  },
  'GET groups': () => ({ items: groups }),
  'POST groups': (body) => {
    named(body);
    refuseMembers(body);
    return create(groups, group(body.name, body.description ?? '', body.members));
  },
  'PUT groups/:id': (body, id) => {
    named(body);
    refuseMembers(body);
    const found = findIn(groups, id);
    draftChanged = true;
    return Object.assign(found, body, { version: found.version + 1, updatedAt: iso() });
  },
  'DELETE groups/:id': (_, id) => {
    const naming = policies.flatMap(({ name, rules }) =>
      rules
        .filter(({ sources, destinations }) => [...sources, ...destinations].some(({ groupId }) => groupId === id))
        .map((each) => `the rule "${each.name}" of the policy "${name}"`),
    );
    if (naming.length > 0)
      throw new Refusal(409, 'The request conflicts with what exists', 'errors names both.', [
        {
          pointer: '',
          rule: 'group_in_use',
          detail: `The group is used by ${naming.join(', ')}`,
          fix: 'Remove or change what uses it first.',
        },
      ]);
    drop(groups, id);
  },
  'GET profiles': () => ({ items: profiles }),
  'POST profiles': (body) => {
    named(body);
    refuseProfile(body);
    const known = { id: randomUUID(), version: 1, createdAt: iso(), updatedAt: iso() };
    return create(profiles, { ...body, ...known });
  },
  'PUT profiles/:id': (body, id) => {
    named(body);
    refuseProfile(body);
    const found = findIn(profiles, id);
    draftChanged = true;
    return Object.assign(found, body, { version: found.version + 1, updatedAt: iso() });
  },
  'DELETE profiles/:id': (_, id) => {
    const naming = [
      ...policies.flatMap(({ name, rules }) =>
        rules
          .filter(({ profileId }) => profileId === id)
          .map((each) => `the rule "${each.name}" of the policy "${name}"`),
      ),
      ...(settings.defaultProfileId === id ? ['the tenant, as its default'] : []),
    ];
    if (naming.length > 0)
      throw new Refusal(409, 'The request conflicts with what exists', 'errors names both.', [
        {
          pointer: '',
          rule: 'profile_in_use',
          detail: `The profile is used by ${naming.join(', ')}`,
          fix: 'Remove or change what uses it first.',
        },
      ]);
    drop(profiles, id);
  },
  'GET services': () => ({ items: namedServices }),
  'POST services': (body) => {
    named(body);
    return create(namedServices, namedService(body.name, body.description ?? '', body.services));
  },
  'PUT services/:id': (body, id) => {
    named(body);
    const found = findIn(namedServices, id);
    draftChanged = true;
    return Object.assign(found, body, { version: found.version + 1, updatedAt: iso() });
  },
  'DELETE services/:id': (_, id) => {
    const naming = policies.flatMap(({ name, rules }) =>
      rules
        .filter(({ serviceIds }) => serviceIds.includes(id))
        .map((each) => `the rule "${each.name}" of the policy "${name}"`),
    );
    if (naming.length > 0)
      throw new Refusal(409, 'The request conflicts with what exists', 'errors names both.', [
        {
          pointer: '',
          rule: 'service_in_use',
          detail: `The service is used by ${naming.join(', ')}`,
          fix: 'Remove or change what uses it first.',
        },
      ]);
    drop(namedServices, id);
  },
  'GET address-pools': () => ({ items: addressPools }),
  'POST address-pools': (body) => {
    named(body);
    refusePrefix(body);
    refuseDomains(body);
    const known = { id: randomUUID(), version: 1, createdAt: iso(), updatedAt: iso() };
    return create(addressPools, { description: '', nameServers: [], domains: [], ...body, ...known });
  },
  'PUT address-pools/:id': (body, id) => {
    named(body);
    refusePrefix(body);
    refuseDomains(body);
    draftChanged = true;
    return changed(findIn(addressPools, id), body);
  },
  'DELETE address-pools/:id': (_, id) => {
    const having = externalPeers.filter(({ assigned = [] }) => assigned.some((each) => each.addressPoolId === id));
    if (having.length > 0)
      throw new Refusal(409, 'The request conflicts with what exists', 'errors names both.', [
        {
          pointer: '',
          rule: 'address_pool_in_use',
          detail: `The address pool is used by ${having.map(({ name }) => `the external peer "${name}"`).join(', ')}`,
          fix: 'Remove or change what uses it first.',
        },
      ]);
    drop(addressPools, id);
  },
  'GET external-peers': () => ({ items: externalPeers }),
  'POST external-peers': ({ preSharedKey, ...body }) => {
    named(body);
    const known = { id: randomUUID(), version: 1, createdAt: iso(), updatedAt: iso() };
    return create(externalPeers, {
      ...withAddresses(body),
      ...(preSharedKey ? { preSharedKey: 'set' } : {}),
      ...known,
    });
  },
  'POST external-peers/:id': ({ siteId, text }) => {
    if (!text.includes('connections'))
      throw new Refusal(422, 'Not importable', '2 things in the text cannot be imported; see errors.', [
        {
          pointer: '/text',
          rule: 'not_offered',
          detail: 'Line 5, column 5, connections.berlin.version: version 1 is IKEv1',
          fix: 'Change the gateway to IKEv2.',
        },
        {
          pointer: '/text',
          rule: 'unmapped_value',
          detail: 'Line 37, column 5, secrets.ike.secret: the key has 7 characters, and 16 are the least',
          fix: 'Give both ends a longer key.',
        },
      ]);
    const { siteId: _, ...rest } = partner;
    return {
      items: [{ ...rest, siteId, id: randomUUID(), name: 'berlin' }],
      leftAtGateway: [
        { key: 'connections.berlin.mobike', line: 9 },
        { key: 'connections.berlin.rekey_time', line: 10 },
      ],
    };
  },
  'GET external-peers/:id/snippet': (_, id, query) =>
    SNIPPETS[query.get('format') ?? 'swanctl'](findIn(externalPeers, id)),
  'PUT external-peers/:id': ({ preSharedKey, ...body }, id) => {
    named(body);
    const found = findIn(externalPeers, id);
    draftChanged = true;
    return Object.assign(found, withAddresses(body, found.assigned), { version: found.version + 1, updatedAt: iso() });
  },
  'DELETE external-peers/:id': (_, id) => drop(externalPeers, id),
  'GET networks': () => ({ items: networks }),
  'POST networks': (body) => {
    named(body);
    refusePrefix(body);
    return create(networks, { id: randomUUID(), labels: {}, version: 1, ...body, createdAt: iso() });
  },
  'PATCH networks/:id': (body, id) => {
    named({ ...findIn(networks, id), ...body });
    refuseMapping(findIn(networks, id).prefix, body);
    draftChanged = true;
    const found = changed(findIn(networks, id), body);
    if (found.mappedPrefix === null) delete found.mappedPrefix;
    return found;
  },
  'DELETE networks/:id': (_, id) => drop(networks, id),
  'GET edges': () => ({ items: edges }),
  'POST edges': (body) => {
    named(body);
    const { siteId, name, underlayAddress, underlayPort = 4500, otherUnderlayAddresses } = body;
    return create(edges, newEdge(siteId, name, underlayAddress, underlayPort, otherUnderlayAddresses));
  },
  'PATCH edges/:id': (body, id) => changed(findIn(edges, id), body),
  'DELETE edges/:id': (_, id) => drop(edges, id),
  'POST edges/:id/enrollment-tokens': (_, id) => enroll(findIn(edges, id)),
  'GET policies': () => ({ items: policies }),
  'GET policies/:id': (_, id) =>
    id === 'order' ? { policyIds: policies.map((policy) => policy.id), version: 1 } : findIn(policies, id),
  'POST policies': (body) => {
    named(body);
    return create(policies, {
      ...withIds(body),
      id: randomUUID(),
      position: policies.length,
      version: 1,
      createdAt: iso(),
      updatedAt: iso(),
    });
  },
  'PUT policies/:id': (body, id) => {
    if (id === 'order') {
      policies.sort((a, b) => body.policyIds.indexOf(a.id) - body.policyIds.indexOf(b.id));
      draftChanged = true;
      return { items: policies };
    }
    named(body);
    const found = findIn(policies, id);
    draftChanged = true;
    return Object.assign(found, withIds(body), { version: found.version + 1 });
  },
  'DELETE policies/:id': (_, id) => drop(policies, id),
  'GET revisions': (_, __, query) => revisionsPage(query),
  'POST revisions': (body) => publish(body),
  'GET revisions/:id': (_, id) =>
    id === 'draft'
      ? {
          changed: draftChanged,
          version: `${revisions[0].number}-${draftVersion()}`,
          baseRevision: revisions[0].number,
          problems: draftChanged ? problems() : [],
          findings: [],
          approvalRequired: true,
          changedBy: ['mara'],
          approvals,
          affectedEdges: draftChanged ? affected() : [],
          blastRadius: problems().length > 0 ? null : radius(),
        }
      : detail(Number(id)),
  'GET revisions/:id/diff': (_, id) => {
    if (id !== 'draft') throw new Refusal(404, 'No such resource', `Nothing is known of what revision ${id} changed.`);
    if (problems().length > 0)
      throw new Refusal(422, 'The draft does not compile', 'It has no consequences.', problems());
    const fields = settingChanges();
    if (topology.version > 1)
      fields.push({ field: 'topology', before: { kind: 'full_mesh' }, after: topology.topology });
    return {
      from: revisions[0].number,
      to: null,
      intent: fields.length === 0 ? [] : [{ change: 'changed', noun: 'tenant', id: tenantId, name: 'tenant', fields }],
      names: [...sites, ...addressPools, ...profiles].map(({ id, name }) => ({ id, name })),
      blastRadius: radius(),
      affectedEdges: affected(),
      tunnels: [],
      flows: [],
    };
  },
  'POST revisions/:id/approvals': (body) => {
    const approval = {
      id: randomUUID(),
      approver: 'admin',
      approvedAt: iso(),
      comment: '',
      restoredFrom: null,
      ...body,
    };
    approvals.push(approval);
    return approval;
  },
  'DELETE revisions/:id/approvals/:approval': (_, __, ___, approvalId) =>
    void approvals.splice(approvals.indexOf(findIn(approvals, approvalId)), 1),
  'GET tunnels': () => ({ items: [...tunnels(), ...externalTunnels()] }),
};

/** What concerns nobody but who is logged in. */
const ownRoutes = {
  'GET tenants': () => ({ items: tenants }),
  'GET tenants/:id': (_, id) => ({ ...tenantOf(id), ...settings }),
  'PATCH tenants/:id': (body, id) => {
    if (role !== 'admin') throw new Refusal(403, 'Not allowed', `Only an admin may do this, and you are ${role}.`);
    const { approvalRequired, ...change } = body;
    changed(tenantOf(id), approvalRequired === undefined ? {} : { approvalRequired });
    draftChanged ||= Object.keys(change).length > 0;
    return { ...tenantOf(id), ...Object.assign(settings, change) };
  },
  'PUT session/tenant': () => answer('GET', '/api/v1/session', {}, 'weft_session=1'),
  'GET session/invitations': () => ({ items: ownInvitations }),
  'GET sessions': () => ({ items: sessions }),
  'DELETE sessions/:id': (_, id) => void sessions.splice(sessions.indexOf(findIn(sessions, id)), 1),
  'PUT session/password': () => undefined,
  'GET session/totp': () => totp,
  'POST session/totp': () => ({
    secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    uri: 'otpauth://totp/Weft:admin?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Weft&algorithm=SHA1&digits=6&period=30',
  }),
  'POST session/totp/confirmation': () => {
    totp = { confirmedAt: iso(), recoveryCodesLeft: 10 };
    return { recoveryCodes: Array.from({ length: 10 }, (_, n) => `abcd-efgh-ijkl-mno${'234567abcd'[n]}`) };
  },
  'GET session/methods': () => ({ oidc: { displayName: 'Example ID' } }),
  'POST session/totp/removal': () => {
    totp = { confirmedAt: null, recoveryCodesLeft: 0 };
  },
};

function answer(method, path, query, body, cookie) {
  const own = path.split('/').slice(3);
  const ownPattern = ['sessions', 'tenants'].includes(own[0]) && own.length === 2 ? `${own[0]}/:id` : own.join('/');
  const ownHandler = ownRoutes[`${method} ${ownPattern}`];
  if (ownHandler !== undefined) return ownHandler(body, own[1]);
  if (path === '/api/v1/session') {
    if (method === 'POST' && body.password === 'wrong')
      throw new Refusal(401, 'Not logged in', 'The user name or the password is wrong.');
    if (method === 'GET' && !cookie.includes('weft_session=1'))
      throw new Refusal(401, 'Not logged in', 'Nobody is logged in.');
    if (method === 'POST') role = ['viewer', 'operator', 'approver'].find((each) => each === body.userName) ?? 'admin';
    return method === 'DELETE'
      ? undefined
      : { userName: role, tenantId, role, providerRole: role, oidc: false, breakGlass: false };
  }
  const parts = path.split('/').slice(5);
  const pattern = parts.map((part, index) => (index === 1 ? ':id' : index === 3 ? ':approval' : part)).join('/');
  const handler = routes[`${method} ${pattern}`];
  if (handler === undefined) throw new Refusal(404, 'No such resource', `Nothing answers ${method} ${path}.`);
  return handler(body, parts[1], query, parts[3]);
}

/** The first edge has left its preferred uplink twice. */
function moves(edgeId) {
  const [edge] = edges;
  const [tunnel] = tunnels();
  if (edge?.id !== edgeId || tunnel === undefined) return [];
  const move = (id, cause, from, minutes) => ({
    id,
    edgeId,
    edgeName: edge.name,
    kind: 'path_changed',
    occurredAt: iso((-minutes * HOUR) / 60),
    receivedAt: iso((-minutes * HOUR) / 60),
    tunnelId: tunnel.id,
    cause,
    detail: `it goes from ${from} to 203.0.113.20`,
    count: 1,
  });
  return [
    move('3', 'path_silent', '198.51.100.7', 3),
    move('2', 'preferred_answers', edge.underlayAddress, 44),
    move('1', 'path_silent', '198.51.100.7', 52),
  ];
}

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' };
async function file(path, response) {
  const wanted = normalize(path).replace(/^\/+/, '');
  const name = extname(wanted) === '' ? 'index.html' : wanted;
  const nonce = randomBytes(16).toString('base64');
  const content = await readFile(join(dist, name));
  response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
  if (name !== 'index.html') return response.end(content);
  response.setHeader(
    'content-security-policy',
    `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  );
  return response.end(content.toString().replaceAll('__CSP_NONCE__', nonce));
}

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://fixture');
  try {
    if (!pathname.startsWith('/api/')) return await file(pathname, response);
    const chunks = await request.toArray();
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    const result = answer(request.method, pathname, searchParams, body, request.headers.cookie ?? '');
    if (pathname === '/api/v1/session' && request.method !== 'GET')
      response.setHeader(
        'set-cookie',
        `weft_session=${request.method === 'POST' ? 1 : 0}; Path=/; HttpOnly; SameSite=Strict`,
      );
    response.setHeader('content-type', 'application/json');
    response.statusCode = result === undefined ? 204 : 200;
    // Every list fits one page.
    const page = Array.isArray(result?.items) ? { next: null, ...result } : result;
    return response.end(page === undefined ? undefined : JSON.stringify(page));
  } catch (error) {
    const problem =
      error instanceof Refusal
        ? error.body
        : new Refusal(error.code === 'ENOENT' ? 404 : 500, 'Failed', String(error)).body;
    response.statusCode = problem.status;
    response.setHeader('content-type', 'application/problem+json');
    return response.end(JSON.stringify({ ...problem, instance: pathname }));
  }
}).listen(port, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${port}\n`));
