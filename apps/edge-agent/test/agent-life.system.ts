import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Diagnosis } from '../src/status/diagnosis.js';
import type { AgentProcess } from './support/agent-process.js';
import { typescript } from './support/edge-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';

const PATIENCE = { timeout: 60_000 };
const PINGS = ['-i', '0.1'];
const FLOOD = ['-f', '-s', '1300'];
/** Of the block that a packet stands in, at most. */
const BLOCK_OCTETS = 64;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`an agent that runs${unavailable ? ` (${unavailable})` : ''}`, () => {
  const agents = new TwoAgents('life');
  const { namespaces, directory } = agents;
  let left: AgentProcess;

  beforeAll(async () => {
    await agents.prepare();
    left = agents.left;
    const metrics = ['--metrics-listen', '127.0.0.1:9911'];
    await Promise.all([left.run(/^edge ready$/, metrics), agents.right.run(/^edge ready$/)]);
  });

  afterAll(() => agents.close());

  it('brings its tunnels up', async () => {
    await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
  });

  it('has CAP_NET_ADMIN and CAP_NET_RAW in every thread, and nothing else, nor a way to it', () => {
    for (const thread of readdirSync(`/proc/${left.pid}/task`)) {
      const status = readFileSync(`/proc/${left.pid}/task/${thread}/status`, 'utf8');
      for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toContain(`${set}:\t0000000000003000\n`);
    }
  });

  it('shows its tunnels, and explains a packet with the arithmetic of its path', () => {
    expect(left.command('tunnels')).toMatch(/^peer +198\.51\.100\.1 port 4500 +keyed +CURVE25519 \+ ML_KEM_768/m);
    expect(left.command('tunnels')).toMatch(/^PATH TO +MTU +FOUND BY .*\npeer +\d+ +/m);
    const sent = () => /weft_edge_tunnel_sent_packets_total\{[^}]*\} (\d+)/.exec(left.command('metrics'))?.[1];
    const before = sent();
    expect(before).toMatch(/^\d+$/);
    const explained = left.command('explain', '10.1.0.1', '10.2.0.1', 'tcp', '443', '1400');
    expect(explained).toMatch(/verdict +transmit/);
    expect(explained).toMatch(/decided by +entry 1, entry-0/);
    expect(explained).toMatch(/protected +1400 packet \+ 8 ESP or AH header \+ 8 IV .*= \d+/);
    expect(explained).toMatch(/path +MTU \d+ .* packets to \d+ octets/);
    expect(left.command('explain', '10.1.0.1', '10.9.0.1', 'tcp', '443')).toMatch(/discard: no_policy/);
    // Asking has sent nothing; probes of the path have numbers too, so that the next one says nothing of it.
    expect(sent()).toBe(before);
  });

  it('captures both sides, whole or in part, for its owner alone, and leaves no clear packet on the underlay', async () => {
    const [clear, underlay] = await Promise.all([record('clear', ['--protocol', 'icmp']), record('underlay', [])]);
    const inClear = (packet: Buffer) => packet[9] === 1 && packet.subarray(12, 13).toString('hex') === '0a';
    expect(clear.filter(inClear)).toHaveLength(clear.length);
    expect(clear.length).toBeGreaterThan(1);
    expect(underlay.length).toBeGreaterThan(1);
    expect(underlay.some(inClear)).toBe(false);
    expect(underlay.every((packet) => packet[9] === 17)).toBe(true);
  });

  it('captures no more than it may: a file of some size, and a part of each packet', async () => {
    const { packets, octets } = await capture('full', ['--megabytes', '1', '--seconds', '100'], FLOOD);
    const longest = Math.max(...packets.map(({ length }) => length)) + BLOCK_OCTETS;
    expect(octets).toBeLessThanOrEqual(1 << 20);
    expect(octets).toBeGreaterThan((1 << 20) - longest);
    const part = await capture('part', ['--snap-length', '60', '--seconds', '5'], PINGS);
    expect(part.packets.length).toBeGreaterThan(1);
    expect(part.packets.every(({ length }) => length <= 60)).toBe(true);
  });

  it('counts, for Prometheus and for whoever asks', async () => {
    const received = () => /weft_edge_tunnel_received_packets_total\{[^}]*\} (\d+)/.exec(left.command('metrics'))?.[1];
    const before = Number(received());
    agents.ping();
    expect(Number(received())).toBe(before + 1);
    const measured = /weft_edge_tunnel_round_trip_seconds\{[^}]*\} [\d.]+\n/;
    await expect.poll(() => left.command('metrics'), PATIENCE).toMatch(measured);
    expect(left.command('metrics')).toMatch(/weft_edge_worker_busy_seconds_total\{worker="0"\} [\d.]+\n/);
    const fetched = namespaces.run(agents.names.left, process.execPath, [
      '-e',
      'fetch("http://127.0.0.1:9911/metrics").then((r) => r.text()).then((t) => process.stdout.write(t))',
    ]);
    expect(fetched).toContain('weft_edge_ike_established{');
    expect(fetched).toContain('weft_edge_fence_left_packets_total 0\n');
  });

  it('says more or less when it is told to', async () => {
    expect(left.command('logs', 'level', 'error')).toMatch(/says error/);
    expect(left.command('logs', 'level', 'debug')).toMatch(/says debug/);
    await left.said(/says more or less/);
    expect(() => left.command('logs', 'level', 'loud')).toThrow();
  });

  it('writes down what helps to find a fault, and no secret', () => {
    const text = left.command('diagnose');
    const diagnosis = Diagnosis.parse(JSON.parse(text));
    expect(diagnosis.system['nft list table inet weft_edge']).toContain('protected4');
    expect(diagnosis.log.length).toBeGreaterThan(5);
    const { privateKeyPem } = JSON.parse(readFileSync(path.join(left.stateDir, 'identity.json'), 'utf8'));
    const stateKey = readFileSync(`${left.stateDir}.key`);
    const secrets = [
      ...privateKeyPem.replace(/-----[^-]+-----|\n/g, '').match(/.{40}/g),
      stateKey.toString('hex'),
      stateKey.toString('base64'),
    ];
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(JSON.stringify(left.log)).not.toContain(secret);
    }
  });

  it('answers its owner alone', () => {
    expect(statSync(path.join(left.stateDir, 'agent.sock')).mode & 0o777).toBe(0o600);
  });

  async function record(side: string, filter: readonly string[]): Promise<Buffer[]> {
    return (await capture(side, ['--side', side, '--seconds', '5', ...filter], PINGS)).packets;
  }

  /** Captures while pings go on, until it ends by itself. */
  async function capture(name: string, options: readonly string[], pings: readonly string[]) {
    const file = path.join(directory, `${name}.pcapng`);
    const args = [...typescript('../../src/main.ts'), 'capture', '--write', file, ...options];
    const child = namespaces.start(agents.names.left, process.execPath, args);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdout.resume();
    const traffic = namespaces.start(agents.names.left, 'ping', ['-q', ...pings, '-I', LEFT_HOST, RIGHT_HOST]);
    traffic.stdout.resume();
    await ended;
    traffic.kill('SIGTERM');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    return { packets: packetsOf(readFileSync(file)), octets: statSync(file).size };
  }
});

function packetsOf(file: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) === 6) packets.push(file.subarray(at + 28, at + 28 + file.readUInt32LE(at + 20)));
  }
  return packets;
}
