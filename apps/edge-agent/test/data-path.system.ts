import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import {
  type Bundle,
  EncryptionAlgorithm,
  KeyingMode,
  type Profile,
  type SecurityAssociation,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness, typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';

//   host addresses          underlay                     underlay          host addresses
//   10.1.0.1                192.0.2.1                    198.51.100.1      10.2.0.1
//   2001:db8:1::1  [ left ] ---------- [ router ] -------------- [ right ] 2001:db8:2::1
const LEFT = { underlay: '192.0.2.1', gateway: '192.0.2.254', networks: ['10.1.0.0/24', '2001:db8:1::/64'] };
const RIGHT = { underlay: '198.51.100.1', gateway: '198.51.100.254', networks: ['10.2.0.0/24', '2001:db8:2::/64'] };
const LEFT_ID = '00000000-0000-4000-8000-000000000001';
const RIGHT_ID = '00000000-0000-4000-8000-000000000002';
const TUNNEL = '00000000-0000-4000-8000-00000000000a';
const PROFILE: Profile = {
  encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
  keyBits: 256,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
};
const TRANSFER_OCTETS = 64 * 1024 * 1024;
const MTU = 1422;

const unavailable = namespacesUnavailable();

function twoEdges(dataPath: 'auto' | 'portable'): void {
  const namespaces = new Namespaces('edge');
  let names: { left: string; router: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    left = new EdgeHarness(namespaces, names.left, 'weft0', dataPath);
    right = new EdgeHarness(namespaces, names.right, 'weft0', dataPath);
    await Promise.all([left.bundle(bundle(LEFT, RIGHT, RIGHT_ID)), right.bundle(bundle(RIGHT, LEFT, LEFT_ID))]);
    await key(left, right, [0x1000, 0x2000]);
  });

  afterAll(() => namespaces.close());

  it.each([
    ['IPv4', '10.1.0.1', '10.2.0.1'],
    ['IPv6', '2001:db8:1::1', '2001:db8:2::1'],
  ])('carries %s pings', (_, source, destination) => {
    const output = namespaces.run(names.left, 'ping', ['-c', '5', '-i', '0.05', '-w', '5', '-I', source, destination]);
    expect(answered(output, 5)).toBe(5);
  });

  it('carries a packet of exactly the device MTU, whole', () => {
    const payload = String(MTU - 28);
    const output = namespaces.run(names.left, 'ping', [
      '-c',
      '1',
      '-M',
      'do',
      '-s',
      payload,
      '-I',
      '10.1.0.1',
      '10.2.0.1',
    ]);
    expect(output).toMatch(/1 received/);
  });

  it('carries 64 MiB in both directions, octet for octet', async () => {
    for (const [server, client, address, local] of [
      [names.right, names.left, '10.2.0.1', '10.1.0.1'],
      [names.left, names.right, '2001:db8:1::1', '2001:db8:2::1'],
    ] as const) {
      const result = await transfer(server, client, address, local);
      expect(result.received).toEqual(result.sent);
      process.stdout.write(`64 MiB ${local} <- ${address}: ${Math.round(result.megabits)} Mb/s\n`);
    }
    for (const edge of [left, right]) {
      const { drops } = await edge.snapshot();
      const harmless = new Set(['no_policy']);
      expect(drops.filter(({ reason }) => !harmless.has(reason))).toEqual([]);
    }
  });

  it('changes keys under load without losing a ping', async () => {
    const pings = namespaces.start(names.left, 'ping', [
      '-c',
      '100',
      '-i',
      '0.01',
      '-w',
      '20',
      '-I',
      '10.1.0.1',
      '10.2.0.1',
    ]);
    const output = collect(pings.stdout);
    await key(left, right, [0x1001, 0x2001]);
    // Nothing overtakes on the way there and back: once this one is answered, nothing under the old keys is under way.
    namespaces.run(names.left, 'ping', ['-c', '1', '-I', '10.1.0.1', '10.2.0.1']);
    await Promise.all([forget(left, 0x1000, 0x2000), forget(right, 0x2000, 0x1000)]);
    expect(answered(await output, 100)).toBe(100);
    expect((await left.snapshot()).associations.map(({ spi }) => spi).sort()).toEqual([0x1001, 0x2001]);
  });

  it('counts what is not ESP, by kind', async () => {
    const payloads = { keepalive: 'ff', ike: `00000000${'11'.repeat(28)}`, malformed: '0102' };
    for (const hex of Object.values(payloads)) {
      const script = `const s=require('dgram').createSocket('udp4');s.send(Buffer.from('${hex}','hex'),4500,'${LEFT.underlay}',()=>s.close())`;
      namespaces.run(names.right, process.execPath, ['-e', script]);
    }
    await expect
      .poll(async () => (await left.snapshot()).drops.filter(({ reason }) => /^(ike|malformed)_/.test(reason)))
      .toEqual([
        { reason: 'ike_not_offered', packets: '1' },
        { reason: 'malformed_encapsulation', packets: '1' },
      ]);
  });

  it('fails closed when an edge is killed, and serves again after a restart', async () => {
    const before = namespaces.ip(names.left, 'route show proto 119');
    expect(before).toMatch(/10\.2\.0\.0\/24 dev weft0/);
    await left.kill();
    expect(namespaces.ip(names.left, 'route get 10.1.0.1')).toContain('10.1.0.1');
    expect(() => namespaces.ip(names.left, 'route get 10.2.0.1')).toThrow(/unreachable|No route/i);
    expect(() => namespaces.ip(names.left, '-6 route get 2001:db8:2::1')).toThrow(/unreachable|No route|Network/i);

    left = new EdgeHarness(namespaces, names.left, 'weft0', dataPath);
    await left.bundle(bundle(LEFT, RIGHT, RIGHT_ID));
    expect(() => namespaces.run(names.left, 'ping', ['-c', '1', '-W', '1', '-I', '10.1.0.1', '10.2.0.1'])).toThrow();
    await key(left, right, [0x1002, 0x2002]);
    const output = namespaces.run(names.left, 'ping', [
      '-c',
      '3',
      '-i',
      '0.05',
      '-w',
      '5',
      '-I',
      '10.1.0.1',
      '10.2.0.1',
    ]);
    expect(answered(output, 3)).toBe(3);
  });

  it('refuses a bundle whose address is not ours, and goes on as before', async () => {
    const wrong = bundle({ ...LEFT, underlay: '203.0.113.9' }, { ...RIGHT, networks: ['10.9.0.0/24'] }, RIGHT_ID);
    await expect(left.bundle(wrong)).rejects.toThrow(/underlay_unusable.*EADDRNOTAVAIL/);
    expect(namespaces.ip(names.left, 'route show proto 119')).not.toContain('10.9.0.0');
    expect(namespaces.run(names.left, 'ping', ['-c', '1', '-I', '10.1.0.1', '10.2.0.1'])).toMatch(/1 received/);
  });

  it('leaves unreachable routes, and no device, when it stops', async () => {
    await left.stop();
    const routes = namespaces.ip(names.left, 'route show proto 119');
    expect(routes).toMatch(/unreachable 10\.2\.0\.0\/24/);
    expect(routes).not.toContain('weft0');
    expect(() => namespaces.ip(names.left, 'link show dev weft0')).toThrow();
  });

  async function transfer(server: string, client: string, address: string, local: string) {
    const serving = namespaces.start(server, process.execPath, [
      ...typescript('./transfer.ts'),
      'serve',
      address,
      '5001',
      String(TRANSFER_OCTETS),
    ]);
    const lines = createInterface({ input: serving.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    const fetching = namespaces.start(client, process.execPath, [
      ...typescript('./transfer.ts'),
      'fetch',
      local,
      address,
      '5001',
    ]);
    const fetched = JSON.parse(await collect(fetching.stdout)) as {
      sha256: string;
      octets: number;
      milliseconds: number;
    };
    const sent = JSON.parse((await lines.next()).value as string) as { sha256: string };
    return {
      sent: { sha256: sent.sha256, octets: TRANSFER_OCTETS },
      received: { sha256: fetched.sha256, octets: fetched.octets },
      megabits: (fetched.octets * 8) / fetched.milliseconds / 1000,
    };
  }
}

describe.skipIf(unavailable !== undefined).each(['auto', 'portable'] as const)(
  `two edges over a router, data path %s${unavailable ? ` (${unavailable})` : ''}`,
  twoEdges,
);

function buildNetwork(namespaces: Namespaces): { left: string; router: string; right: string } {
  const names = { left: namespaces.add('left'), router: namespaces.add('router'), right: namespaces.add('right') };
  for (const [name, site] of [
    [names.left, LEFT],
    [names.right, RIGHT],
  ] as const) {
    namespaces.connect(name, 'wan', names.router, name === names.left ? 'left' : 'right');
    namespaces.ip(name, `address add ${site.underlay}/24 dev wan`);
    namespaces.ip(names.router, `address add ${site.gateway}/24 dev ${name === names.left ? 'left' : 'right'}`);
    namespaces.ip(name, `route add default via ${site.gateway}`);
    const [ipv4 = '', ipv6 = ''] = site.networks;
    namespaces.ip(name, `address add ${ipv4.replace('.0/24', '.1/32')} dev lo`);
    namespaces.ip(name, `address add ${ipv6.replace('::/64', '::1/128')} dev lo nodad`);
  }
  namespaces.run(names.router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  return names;
}

function bundle(local: typeof LEFT, remote: typeof LEFT, peerEdgeId: string): Bundle {
  return {
    device: { mtu: MTU },
    underlay: { address: local.underlay, port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId,
        peerName: 'peer',
        remote: { address: remote.underlay, port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: PROFILE,
      },
    ],
    securityPolicies: remote.networks.map((network, index) => ({
      entryId: `entry-${index}`,
      ruleId: '00000000-0000-4000-8000-0000000000ff',
      action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      tunnelId: TUNNEL,
      selector: {
        localAddresses: [range(local.networks[index] ?? network)],
        remoteAddresses: [range(network)],
        localPorts: [],
        remotePorts: [],
      },
    })),
    routes: [...remote.networks],
    localNetworks: [...local.networks],
  };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

/** Both directions of the tunnel, in the order of RFC 9061 appendix D: inbound at both ends, then outbound at both. */
async function key(left: EdgeHarness, right: EdgeHarness, [toLeft, toRight]: readonly [number, number]): Promise<void> {
  const toLeftKey = randomBytes(36);
  const toRightKey = randomBytes(36);
  await Promise.all([
    installInbound(left, association(toLeft, toLeftKey, RIGHT.underlay)),
    installInbound(right, association(toRight, toRightKey, LEFT.underlay)),
  ]);
  await Promise.all([
    installOutbound(left, association(toRight, toRightKey, RIGHT.underlay)),
    installOutbound(right, association(toLeft, toLeftKey, LEFT.underlay)),
  ]);
}

function association(spi: number, keyingMaterial: Buffer, peer: string): SecurityAssociation {
  parseAddress(peer);
  return {
    tunnelId: TUNNEL,
    spi,
    profile: PROFILE,
    keyingMaterial,
    peer: { address: peer, port: 4500 },
    softLifetimeSeconds: 3600n,
    hardLifetimeSeconds: 28_800n,
  };
}

function installInbound(edge: EdgeHarness, value: SecurityAssociation): Promise<void> {
  return edge.command({ commandId: 'in', step: { $case: 'installInbound', value: { associations: [value] } } });
}

function installOutbound(edge: EdgeHarness, value: SecurityAssociation): Promise<void> {
  return edge.command({ commandId: 'out', step: { $case: 'installOutbound', value: { associations: [value] } } });
}

function forget(edge: EdgeHarness, inbound: number, outbound: number): Promise<void> {
  const value = { inboundSpis: [inbound], outbound: [{ tunnelId: TUNNEL, spi: outbound }] };
  return edge.command({ commandId: 'gone', step: { $case: 'deleteAssociations', value } });
}

/** How many of the first `count` pings were answered; with a deadline ping sends more while it waits for late answers. */
function answered(output: string, count: number): number {
  const sequences = [...output.matchAll(/bytes from .* icmp_seq=(\d+) /g)].map(([, sequence]) => Number(sequence));
  return new Set(sequences.filter((sequence) => sequence <= count)).size;
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const piece of stream) all += String(piece);
  return all;
}
