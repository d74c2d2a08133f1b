import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';

// The NAT forgets its mappings, and makes others, while both ends send. With MOBIKE the end outside follows no packet because it is
// authentic (RFC 4555 section 3.8): until the end inside finds out, with its next liveness check, answers go to the mapping before.
//
//   10.1.0.1 [ left ] 192.0.2.1 ----- [ nat ] 198.51.100.201 ----- 198.51.100.1 [ right ] 10.2.0.1
const LEFT = {
  id: '00000000-0000-4000-8000-000000000001',
  underlay: '192.0.2.1',
  network: '10.1.0.0/24',
  host: '10.1.0.1',
};
const RIGHT = {
  id: '00000000-0000-4000-8000-000000000002',
  underlay: '198.51.100.1',
  network: '10.2.0.0/24',
  host: '10.2.0.1',
};
const OUTSIDE = '198.51.100.201';
const PATIENCE = { timeout: 120_000 };
const PORTS = ['40000-44999', '45000-49999', '50000-54999'] as const;
/** Pings answered before and after each change. */
const ANSWERS = 100;

const unavailable = namespacesUnavailable() ?? nftUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a NAT that changes its mappings${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('rebinding');
    const directory = mkdtempSync(path.join(tmpdir(), 'weft-rebinding-'));
    let names: { left: string; nat: string; right: string };
    let left: EdgeHarness;
    let right: EdgeHarness;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      const pki = await TestPki.create();
      const start = async (namespace: string, edgeId: string) => {
        const file = path.join(directory, `${edgeId}.json`);
        writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
        return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
      };
      left = await start(names.left, LEFT.id);
      right = await start(names.right, RIGHT.id);
      await Promise.all([left.bundle(negotiatedBundle(LEFT, RIGHT)), right.bundle(negotiatedBundle(RIGHT, LEFT))]);
    });

    afterAll(async () => {
      await namespaces.close();
      rmSync(directory, { recursive: true });
    });

    it('comes up from behind it', async () => {
      await expect.poll(() => pingFromLeft(), PATIENCE).toMatch(/1 received/);
    });

    it('loses none that the NAT lets through from inside, and the end outside follows with the associations that there are', async () => {
      const before = await spis(right);
      for (const ports of PORTS.slice(1)) {
        const at = counted();
        const arrived = Number((await right.snapshot()).tunnels[0]?.inboundPackets);
        const pings = await LivePings.start(namespaces, names.left);
        await pings.answers(ANSWERS);
        rebind(ports);
        await pings.answers(ANSWERS);
        const sent = await pings.stop();
        const now = counted();
        const dropped = now.fromLeft - at.fromLeft - (now.toRight - at.toRight);
        const taken = Number((await right.snapshot()).tunnels[0]?.inboundPackets) - arrived;
        // Each that it drops may be told to the end inside, which costs another one.
        expect(taken + 2 * dropped, `of ${sent} with mapping ${ports}`).toBeGreaterThanOrEqual(sent);
        await expect.poll(() => pingFromLeft(), PATIENCE).toMatch(/1 received/);
        // What was under way to the mapping before is no longer.
        mappings();
        await expect.poll(() => pingFromLeft(), PATIENCE).toMatch(/1 received/);
        expect(mappings()).toEqual(new Set([ports]));
      }
      // With the associations that there were: nothing was negotiated anew for it.
      expect(await spis(right)).toEqual(before);
      expect(await spis(left)).toEqual(before);
    });

    it('makes no tunnel that works one way only: what is inside says where it is, though only the end outside sends', async () => {
      const before = await spis(right);
      rebind(PORTS[0]);
      const args = ['-c', '1', '-W', '2', '-I', RIGHT.host, LEFT.host];
      await expect.poll(() => attempt(() => namespaces.run(names.right, 'ping', args)), PATIENCE).toMatch(/1 received/);
      expect(await spis(right)).toEqual(before);
      expect(await left.negotiations()).toMatchObject({ [TUNNEL]: { established: true } });
      await expect.poll(() => pingFromLeft(), PATIENCE).toMatch(/1 received/);
    });

    function pingFromLeft(): string {
      return attempt(() => namespaces.run(names.left, 'ping', ['-c', '1', '-W', '2', '-I', LEFT.host, RIGHT.host]));
    }

    async function spis(edge: EdgeHarness): Promise<number[]> {
      return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
    }

    /** With the address the mappings go, and those made from then on have ports of another range. */
    function rebind(ports: string): void {
      const rules = ['flush chain ip weft out', masquerade(ports)];
      namespaces.run(names.nat, 'nft', [rules.join('; ')]);
      namespaces.ip(names.nat, `address del ${OUTSIDE}/24 dev right`);
      namespaces.ip(names.nat, `address add ${OUTSIDE}/24 dev right`);
    }

    /** Packets of ESP and IKE, as they come into the NAT and go out of it. */
    function counted(): { fromLeft: number; toRight: number } {
      const { nftables } = JSON.parse(namespaces.run(names.nat, 'nft', ['-j', 'list counters table ip weft'])) as {
        nftables: { counter?: { name: string; packets: number } }[];
      };
      const packets = (name: string) => nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0;
      return { fromLeft: packets('from_left'), toRight: packets('to_right') };
    }

    /** The ranges in which the ports are that the right sends to. */
    function mappings(): Set<string> {
      const { nftables } = JSON.parse(namespaces.run(names.nat, 'nft', ['-j', 'list set ip weft seen'])) as {
        nftables: { set?: { elem?: number[] } }[];
      };
      const ports = nftables.flatMap(({ set }) => set?.elem ?? []);
      namespaces.run(names.nat, 'nft', ['flush set ip weft seen']);
      return new Set(ports.map((port) => PORTS.find((range) => within(port, range)) ?? `${port}`));
    }
  },
);

/** A ping that goes on. */
class LivePings {
  readonly #child: ReturnType<Namespaces['start']>;
  readonly #answered = new Set<number>();
  #waiting: (() => void)[] = [];
  #ended = false;

  private constructor(child: ReturnType<Namespaces['start']>) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, sequence] = / icmp_seq=(\d+) ttl/.exec(line) ?? [];
      if (sequence !== undefined) this.#answered.add(Number(sequence));
      this.#wake();
    });
    child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async start(namespaces: Namespaces, namespace: string): Promise<LivePings> {
    const pings = new LivePings(namespaces.start(namespace, 'ping', ['-i', '0.01', '-I', LEFT.host, RIGHT.host]));
    await pings.answers(1);
    return pings;
  }

  /** Resolves when so many more were answered. */
  async answers(count: number): Promise<void> {
    const wanted = this.#answered.size + count;
    while (this.#answered.size < wanted) {
      if (this.#ended) throw new Error('ping ended');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** @returns how many were sent until the last one that was answered. */
  async stop(): Promise<number> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGINT');
    await ended;
    return Math.max(0, ...this.#answered);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function buildNetwork(namespaces: Namespaces): { left: string; nat: string; right: string } {
  const names = { left: namespaces.add('left'), nat: namespaces.add('nat'), right: namespaces.add('right') };
  namespaces.connect(names.left, 'wan', names.nat, 'left');
  namespaces.connect(names.right, 'wan', names.nat, 'right');
  for (const [name, { underlay, host }] of [
    [names.left, LEFT],
    [names.right, RIGHT],
  ] as const) {
    namespaces.ip(name, `address add ${underlay}/24 dev wan`);
    namespaces.ip(name, `address add ${host}/32 dev lo`);
    // Each packet of ESP is one that the NAT counts.
    namespaces.ip(name, 'link set wan gso_max_segs 1');
  }
  namespaces.ip(names.nat, 'address add 192.0.2.254/24 dev left');
  namespaces.ip(names.nat, `address add ${OUTSIDE}/24 dev right`);
  namespaces.ip(names.left, 'route add default via 192.0.2.254');
  namespaces.ip(names.right, 'route add unreachable 192.0.2.0/24');
  namespaces.run(names.nat, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  const rules = [
    'add table ip weft',
    'add counter ip weft from_left',
    'add counter ip weft to_right',
    'add set ip weft seen { type inet_service; flags dynamic; }',
    'add chain ip weft in { type filter hook prerouting priority -300; }',
    'add chain ip weft gone { type filter hook postrouting priority 200; }',
    'add chain ip weft out { type nat hook postrouting priority 100; }',
    'add rule ip weft in iif "left" meta l4proto udp counter name from_left',
    'add rule ip weft in iif "right" meta l4proto udp add @seen { udp dport }',
    'add rule ip weft gone oif "right" meta l4proto udp counter name to_right',
    masquerade(PORTS[0]),
  ];
  namespaces.run(names.nat, 'nft', [rules.join('; ')]);
  return names;
}

function masquerade(ports: string): string {
  return `add rule ip weft out oif "right" udp sport 4500 masquerade to :${ports}`;
}

function within(port: number, range: string): boolean {
  const [first = 0, last = 0] = range.split('-').map(Number);
  return port >= first && port <= last;
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? error);
  }
}

function nftUnavailable(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs nft for a NAT';
  }
}
