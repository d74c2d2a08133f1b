import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';
import { buildNetwork, bundle, forget, key, LEFT, LEFT_ID, MTU, RIGHT, RIGHT_ID } from './support/two-sites.js';

const TRANSFER_OCTETS = 64 * 1024 * 1024;

const unavailable = namespacesUnavailable();

function twoEdges(dataPath: 'auto' | 'portable', workers: number): void {
  const namespaces = new Namespaces('edge');
  let names: { left: string; router: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    left = new EdgeHarness(namespaces, names.left, 'weft0', dataPath, undefined, { workers });
    right = new EdgeHarness(namespaces, names.right, 'weft0', dataPath, undefined, { workers });
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
    const before = namespaces.ip(names.left, 'route show table 119');
    expect(before).toMatch(/10\.2\.0\.0\/24 dev weft0/);
    await left.kill();
    expect(namespaces.ip(names.left, 'route get 10.1.0.1')).toContain('10.1.0.1');
    expect(() => namespaces.ip(names.left, 'route get 10.2.0.1')).toThrow(/unreachable|No route/i);
    expect(() => namespaces.ip(names.left, '-6 route get 2001:db8:2::1')).toThrow(/unreachable|No route|Network/i);

    left = new EdgeHarness(namespaces, names.left, 'weft0', dataPath, undefined, { workers });
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
    expect(namespaces.ip(names.left, 'route show table 119')).not.toContain('10.9.0.0');
    expect(namespaces.run(names.left, 'ping', ['-c', '1', '-I', '10.1.0.1', '10.2.0.1'])).toMatch(/1 received/);
  });

  it('leaves unreachable routes, and no device, when it stops', async () => {
    await left.stop();
    const routes = namespaces.ip(names.left, 'route show table 119');
    expect(routes).toMatch(/unreachable 10\.2\.0\.0\/24/);
    expect(routes).not.toContain('weft0');
    expect(() => namespaces.ip(names.left, 'link show dev weft0')).toThrow();
  });

  async function transfer(server: string, client: string, address: string, local: string) {
    const ends = [
      { namespace: server, address },
      { namespace: client, address: local },
    ] as const;
    const size = { port: 5001, octets: TRANSFER_OCTETS };
    const { sent, received, milliseconds } = await transferBetween(namespaces, ...ends, size);
    return { sent, received, megabits: (received.octets * 8) / milliseconds / 1000 };
  }
}

describe.skipIf(unavailable !== undefined).each([
  ['auto', 1],
  ['auto', 2],
  ['auto', 3],
  ['portable', 1],
] as const)(`two edges over a router, data path %s, workers: %i${unavailable ? ` (${unavailable})` : ''}`, twoEdges);

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
