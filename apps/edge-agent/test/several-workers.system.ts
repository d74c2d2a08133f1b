import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { type Bundle, type SecurityAssociation, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness, typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';
import { buildNetwork, bundle, LEFT, LEFT_ID, MTU, PROFILE, RIGHT, RIGHT_ID } from './support/two-sites.js';

const WORKERS = 3;
/** Each has a network of its own behind the right edge: 10.2.0.0/24, 10.3.0.0/24, … */
const TUNNELS = 4;
const FLOWS = 8;

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `several workers with several tunnels${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('cores');
    let names: { left: string; router: string; right: string };
    let left: EdgeHarness;
    let right: EdgeHarness;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      for (let tunnel = 1; tunnel < TUNNELS; tunnel++) {
        namespaces.ip(names.right, `address add ${addressIn(tunnel)}/32 dev lo`);
      }
      // A kernel gives a packet up when so many fragments of others come from its source meanwhile, 64 by default: those of
      // several tunnels, which different workers deliver.
      for (const name of [names.left, names.right])
        namespaces.run(name, 'sysctl', ['-qw', 'net.ipv4.ipfrag_max_dist=0']);
      left = new EdgeHarness(namespaces, names.left, 'weft0', 'auto', undefined, { workers: WORKERS });
      right = new EdgeHarness(namespaces, names.right, 'weft0', 'auto', undefined, { workers: WORKERS });
      await Promise.all([left.bundle(tunnelsOf('left')), right.bundle(tunnelsOf('right'))]);
      await keyAll(0x1000);
    });

    afterAll(() => namespaces.close());

    it('all read, all send and all receive; nothing is lost, and every flow keeps its order', async () => {
      expect(await exchange(FLOWS, 200, 200)).toEqual(inOrder(TUNNELS * FLOWS * 200));
      for (const edge of [left, right]) {
        const { workers, drops } = await edge.snapshot();
        expect(workers).toHaveLength(WORKERS);
        for (const { fromDevice, outboundPackets, inboundPackets } of workers) {
          for (const packets of [fromDevice, outboundPackets, inboundPackets]) {
            expect(Number(packets)).toBeGreaterThan(0);
          }
        }
        expect(sum(workers, 'passedOn')).toBeGreaterThan(0);
        // What was read was protected, by whomever, and once: no number twice, no packet twice.
        expect(sum(workers, 'outboundPackets')).toBe(sum(workers, 'fromDevice'));
        expect(drops.filter(({ reason }) => reason !== 'no_policy')).toEqual([]);
      }
    });

    it('fragments of a packet meet, whoever reads them', async () => {
      expect(await exchange(2, 20, 2 * MTU + 100)).toEqual(inOrder(TUNNELS * 2 * 20));
    });

    it('keys change under load, and nothing is lost', async () => {
      const running = exchange(FLOWS, 400, 300);
      await keyAll(0x3000);
      // Order is not looked at: a peer's last packets under the old keys and its first under the new ones are of two workers.
      const { server, client } = await running;
      const all = TUNNELS * FLOWS * 400;
      expect([server.received, client.received]).toEqual([all, all]);
      for (const edge of [left, right]) {
        const { drops, workers } = await edge.snapshot();
        expect(drops.filter(({ reason }) => reason !== 'no_policy')).toEqual([]);
        expect(workers.map(({ replacements }) => replacements)).toEqual([0, 0, 0]);
      }
    });

    it('super-packets leave whole, whoever reads them', async () => {
      // Ports decide which worker reads: of eight flows, some are another's all but never.
      for (const round of [0, 1]) {
        await Promise.all(Array.from({ length: TUNNELS }, (_, tunnel) => transfer(tunnel, 5100 + 10 * tunnel + round)));
      }
      const { drops } = await left.snapshot();
      expect(drops.filter(({ reason }) => reason !== 'no_policy')).toEqual([]);
    });

    /** Both directions of every tunnel, in the order of RFC 9061 appendix D. */
    async function keyAll(firstSpi: number): Promise<void> {
      const keys = Array.from({ length: TUNNELS }, (_, tunnel) => ({
        toLeft: associationOf(tunnel, firstSpi + tunnel, RIGHT.underlay),
        toRight: associationOf(tunnel, firstSpi + 0x100 + tunnel, LEFT.underlay),
      }));
      const toLeft = keys.map((key) => key.toLeft);
      const toRight = keys.map((key) => key.toRight);
      await Promise.all([install(left, 'installInbound', toLeft), install(right, 'installInbound', toRight)]);
      await Promise.all([
        install(left, 'installOutbound', towards(toRight, RIGHT.underlay)),
        install(right, 'installOutbound', towards(toLeft, LEFT.underlay)),
      ]);
    }

    /** Datagrams of so many flows in every tunnel, there and back. */
    async function exchange(flows: number, datagrams: number, octets: number) {
      const addresses = Array.from({ length: TUNNELS }, (_, tunnel) => addressIn(tunnel));
      const program = typescript('./udp-flows.ts');
      const server = namespaces.start(names.right, process.execPath, [...program, 'serve', '5001', ...addresses]);
      const serverLines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
      expect((await serverLines.next()).value).toBe('ready');
      const numbers = [flows, datagrams, octets].map(String);
      const send = [...program, 'send', '5001', '10.1.0.1', ...numbers, ...addresses];
      const client = namespaces.start(names.left, process.execPath, send);
      const clientLines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
      const sent = JSON.parse((await clientLines.next()).value as string) as Seen;
      server.stdin.write('report\n');
      return { client: sent, server: JSON.parse((await serverLines.next()).value as string) as Seen };
    }

    /** Eight MiB by TCP from left to right, octet for octet. */
    async function transfer(tunnel: number, port: number): Promise<void> {
      const server = { namespace: names.left, address: '10.1.0.1' };
      const client = { namespace: names.right, address: addressIn(tunnel) };
      const { sent, received } = await transferBetween(namespaces, server, client, { port, octets: 8 << 20 });
      expect(received).toEqual(sent);
    }
  },
);

interface Seen {
  readonly received: number;
  readonly disordered: number;
}

function inOrder(received: number): { client: Seen; server: Seen } {
  return { client: { received, disordered: 0 }, server: { received, disordered: 0 } };
}

type Workers = Awaited<ReturnType<EdgeHarness['snapshot']>>['workers'];

function sum(workers: Workers, counter: 'fromDevice' | 'passedOn' | 'outboundPackets'): number {
  return workers.reduce((total, worker) => total + Number(worker[counter]), 0);
}

function addressIn(tunnel: number): string {
  return `10.${2 + tunnel}.0.1`;
}

function tunnelId(tunnel: number): string {
  return `00000000-0000-4000-8000-0000000000${(0xc0 + tunnel).toString(16)}`;
}

/** The bundle of the two sites with as many tunnels between them, each for a network on the right. */
function tunnelsOf(side: 'left' | 'right'): Bundle {
  const networks = Array.from({ length: TUNNELS }, (_, tunnel) => `10.${2 + tunnel}.0.0/24`);
  const [local, remote] = side === 'left' ? [['10.1.0.0/24'], networks] : [networks, ['10.1.0.0/24']];
  const base = side === 'left' ? bundle(LEFT, RIGHT, RIGHT_ID) : bundle(RIGHT, LEFT, LEFT_ID);
  const [tunnel] = base.tunnels;
  if (tunnel === undefined) throw new Error('a bundle of two sites has a tunnel');
  return {
    ...base,
    tunnels: networks.map((_, index) => ({ ...tunnel, tunnelId: tunnelId(index), peerEdgeId: tunnelId(index + 10) })),
    securityPolicies: networks.map((_, index) => ({
      entryId: `entry-${index}`,
      ruleId: '00000000-0000-4000-8000-0000000000ff',
      action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      tunnelId: tunnelId(index),
      selector: {
        localAddresses: [range(local[index] ?? local[0] ?? '')],
        remoteAddresses: [range(remote[index] ?? remote[0] ?? '')],
        localPorts: [],
        remotePorts: [],
      },
    })),
    routes: remote,
    localNetworks: local,
  };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

function associationOf(tunnel: number, spi: number, peer: string): SecurityAssociation {
  return {
    tunnelId: tunnelId(tunnel),
    spi,
    profile: PROFILE,
    keyingMaterial: randomBytes(36),
    peer: { address: peer, port: 4500 },
    softLifetimeSeconds: 3600n,
    hardLifetimeSeconds: 28_800n,
  };
}

function towards(associations: readonly SecurityAssociation[], address: string): SecurityAssociation[] {
  return associations.map((association) => ({ ...association, peer: { address, port: 4500 } }));
}

function install(
  edge: EdgeHarness,
  kind: 'installInbound' | 'installOutbound',
  associations: SecurityAssociation[],
): Promise<void> {
  return edge.command({ commandId: kind, step: { $case: kind, value: { associations } } });
}
