import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { DataPlaneThread } from '@weft/edge-agent/dataplane';
import { ChildSaInstaller, IkeHost, IkeSockets, KeyExchangeThreads, runJob } from '@weft/edge-agent/ike';
import { parseAddress, parsePrefix, type SecurityPolicy } from '@weft/ipsec-core';
import { explainHistory, IkeEngine, type IkeEvent, type IkeInput } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { encodeSocketAddress, openTun, openUdpSocket, type UdpSocket } from '@weft/linux-io';
import { CONNECTION, type ConnectionSpec, connectionOf, meansOf } from './connection-spec.js';
import type { EdgeMessage, EdgeRequest } from './protocol.js';

/**
 * An edge for the namespace "us": a TUN device, the packet path in its thread, and the IKE host. Requests are lines of
 * JSON on standard input; answers, and events as they happen, are lines on standard output.
 */
const [device = 'weft0', ...addresses] = process.argv.slice(2);
const tun = openTun(device);
const sockets = new IkeSockets();
const dataPlane = new DataPlaneThread([tun], {
  lifetime: () => undefined,
  used: (inboundSpis) => {
    for (const inboundSpi of inboundSpis) host?.give({ kind: 'inbound-used', inboundSpi });
  },
  died: (error) => {
    throw error;
  },
  ike: (octets, source) => sockets.receiveEncapsulated(local, octets, source),
});
/** The sockets of ESP in UDP; a scenario uses that of its local address. */
const underlays = new Map<string, UdpSocket>();
for (const text of addresses) await openUnderlay(text);
let local = { address: parseAddress(addresses[0] ?? ''), port: 4500 };
const random = (out: Uint8Array) => void randomFillSync(out);
const threads = new KeyExchangeThreads();
const after = (milliseconds: number, run: () => void) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};
let host: IkeHost | undefined;
let children: ChildSaInstaller | undefined;
let scenario = 0;

function tell(message: EdgeMessage): void {
  process.stdout.write(`${JSON.stringify(message, shown)}\n`);
}

/** A fresh engine with one connection, and policies that protect its traffic and nothing else. */
async function configure(spec: ConnectionSpec): Promise<void> {
  host?.stop();
  await children?.close();
  const tunnelId = `tunnel-${++scenario}`;
  local = { address: parseAddress(spec.local), port: 4500 };
  await dataPlane.load({
    contentHash: String(scenario),
    socketFds: [underlays.get(spec.local)?.fd ?? -1],
    policies: policiesOf(spec, tunnelId),
    groups: [],
    mappings: [],
    carriers: [],
    tunnels: [
      {
        tunnelId,
        socketAddress: encodeSocketAddress({ address: parseAddress(spec.remote ?? spec.local), port: 4500 }),
      },
    ],
  });
  children = new ChildSaInstaller(
    dataPlane,
    ({ child, mode }) =>
      child === tunnelId ? { tunnelId, replayWindow: 1024, hardLifetime: 86_400_000, mode } : undefined,
    after,
    (_inboundSpi, error) => {
      throw error;
    },
  );
  const installer = children;
  const speed = spec.clockSpeed ?? 1;
  const means = meansOf(spec.auth);
  const engine = new IkeEngine({
    provider: nodeCryptoProvider,
    keyExchange: nodeKeyExchange,
    random,
    connections: [connectionOf(spec, tunnelId)],
  });
  host = new IkeHost({
    engine,
    transport: sockets,
    children: {
      expect: (inboundSpi) => installer.expect(inboundSpi),
      install: async (output) => {
        await installer.install(output);
        tell({ kind: 'installed', inboundSpi: output.association.inboundSpi });
      },
      useOutbound: (inboundSpi) => installer.useOutbound(inboundSpi),
      move: (association) => installer.move(association),
      retire: (inboundSpi) => installer.retire(inboundSpi),
      remove: (inboundSpi) => installer.remove(inboundSpi),
    },
    runJob: (job) => runJob(job, { ...means, keyExchange: (exchange) => threads.run(exchange) }),
    clock: () => performance.now() * speed,
    after: (milliseconds, run) => after(milliseconds / speed, run),
    onEvent: (event: IkeEvent) => tell({ kind: 'event', event }),
    onFault: (error) => {
      throw error;
    },
    onInstallFailure: (inboundSpi, error) => tell({ kind: 'install-failed', inboundSpi, reason: String(error) }),
  });
}

function policiesOf(spec: ConnectionSpec, tunnelId: string): SecurityPolicy[] {
  const ranges = (texts: readonly string[]) => texts.map((text) => parsePrefix(text).range);
  const selector = {
    localAddresses: ranges(spec.localTs),
    remoteAddresses: ranges(spec.remoteTs),
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
  } as const;
  return [{ entryId: tunnelId, ruleId: tunnelId, selectors: [selector], action: 'PROTECT', tunnelId }];
}

/** Another address of ours, from now on: the packet path first, so that nothing of IKE goes where nobody listens. */
async function move(text: string): Promise<void> {
  const endpoint = { address: parseAddress(text), port: 4500 };
  const socket = underlays.get(text) ?? (await openUnderlay(text));
  await dataPlane.rebind([socket.fd]);
  local = endpoint;
  host?.give({ kind: 'local-addresses', connection: CONNECTION, addresses: [endpoint.address] });
}

async function openUnderlay(text: string): Promise<UdpSocket> {
  const endpoint = { address: parseAddress(text), port: 4500 };
  const socket = openUdpSocket(endpoint, { bufferOctets: 8 << 20 });
  underlays.set(text, socket);
  sockets.useEncapsulated(endpoint, socket);
  await sockets.openPlain(endpoint.address);
  return socket;
}

async function answer(request: EdgeRequest): Promise<unknown> {
  switch (request.kind) {
    case 'configure':
      return configure(request.spec);
    case 'command': {
      const [word, address] = request.command.split(' ');
      if (word === 'move' && address !== undefined) return move(address);
      host?.give(commandOf(request.command));
      return undefined;
    }
    case 'status':
      await host?.settled();
      return {
        drops: Object.fromEntries(host?.drops() ?? []),
        associations: children?.associations() ?? [],
        packets: await dataPlane.snapshot(),
        ikes:
          host?.engine
            .associations()
            .map((sa) => ({ state: sa.state.name, history: explainHistory(sa.lineage.history.entries) })) ?? [],
      };
  }
}

/** Commands on a Child SA name no SPI here: there is one. */
function commandOf(name: string): Exclude<IkeInput, { kind: 'datagram' | 'timeout' | 'job-done' }> {
  const inboundSpi = children?.associations().at(-1)?.inboundSpi ?? 0;
  switch (name) {
    case 'initiate':
    case 'rekey-ike':
    case 'reauthenticate':
    case 'delete-ike':
      return { kind: name, connection: CONNECTION };
    case 'rekey-child':
    case 'delete-child':
      return { kind: name, inboundSpi };
    default:
      throw new RangeError(`${name} is no command`);
  }
}

function shown(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

tell({ kind: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, request } = JSON.parse(line) as { id: number; request: EdgeRequest };
  try {
    tell({ kind: 'answer', id, result: await answer(request) });
  } catch (error) {
    tell({ kind: 'answer', id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
process.exit(0);
