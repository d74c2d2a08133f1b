import { createPrivateKey } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import {
  IkeHost,
  type IkeTransport,
  type JobMeans,
  KeyExchangeThreads,
  parseCertificate,
  runJob,
} from '@weft/edge-agent/ike';
import { formatAddress, parseAddress } from '@weft/ipsec-core';
import { IkeEngine } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { type BenchIdentity, benchConnection, derOf } from './identities.js';

/**
 * Initiates so many handshakes, so many at a time, each with an identity of its own, and deletes none.
 * usage: load.ts IDENTITIES.json LOCAL REMOTE SUITE CONCURRENCY
 * Prints one line of JSON: seconds and the latency of each handshake in milliseconds.
 */
const [file = '', localText = '', remoteText = '', suite = '', concurrencyText = ''] = process.argv.slice(2);
const identities = JSON.parse(readFileSync(file, 'utf8')) as readonly BenchIdentity[];
const [local, remote] = [parseAddress(localText), parseAddress(remoteText)];
const concurrency = Number(concurrencyText);

/** Both ports with the kernel's sockets: no packet path is behind them. */
class LoadTransport implements IkeTransport {
  #listener: Parameters<IkeTransport['onDatagram']>[0] = () => undefined;
  readonly #sockets = new Map<number, Socket>();

  async open(): Promise<void> {
    for (const port of [500, 4500]) {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
      socket.on('message', (octets, source) => {
        const message = port === 500 ? octets : octets.subarray(4);
        this.#listener({ address: local, port }, { address: parseAddress(source.address), port: source.port }, message);
      });
      await new Promise<void>((resolve) => socket.bind(port, localText, resolve));
      this.#sockets.set(port, socket);
    }
  }

  onDatagram(listener: Parameters<IkeTransport['onDatagram']>[0]): void {
    this.#listener = listener;
  }

  send: IkeTransport['send'] = (from, to, octets, marker) => {
    const datagram = marker ? Buffer.concat([Buffer.alloc(4), octets]) : octets;
    this.#sockets.get(from.port)?.send(datagram, to.port, formatAddress(to.address));
    return true;
  };
}

const transport = new LoadTransport();
await transport.open();
const started = new Map<string, number>();
const latencies: number[] = [];
const failures: string[] = [];
let next = 0;
const host: IkeHost = new IkeHost({
  engine: new IkeEngine({
    provider: nodeCryptoProvider,
    keyExchange: nodeKeyExchange,
    random: nodeRandom(),
    connections: identities.map((identity) => benchConnection(identity, 'initiator', { local, remote }, suite)),
  }),
  transport,
  children: {
    install: async ({ inboundKey, outboundKey }) => {
      inboundKey.wipe();
      outboundKey.wipe();
    },
    useOutbound: async () => undefined,
    retire: async () => undefined,
    move: async () => undefined,
    remove: async () => undefined,
  },
  runJob: (job) => runJob(job, means),
  clock: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  onEvent: (event) => {
    if (event.kind === 'ike-established') {
      latencies.push(performance.now() - (started.get(event.connection) ?? 0));
      begin();
    } else if (event.kind === 'ike-failed' || event.kind === 'child-failed') {
      failures.push(JSON.stringify(event));
      begin();
    }
  },
  onInstallFailure: (_spi, error) => failures.push(String(error)),
  onFault: (error) => {
    throw error;
  },
});
const byName = new Map(identities.map((identity) => [identity.name, identity]));
const anchors = new Map<string, ReturnType<typeof parseCertificate>>();
const threads = new KeyExchangeThreads();
const means: JobMeans = {
  keyOf: (name: string) => createPrivateKey(byName.get(name)?.initiator.privateKey ?? ''),
  trustOf: (name: string) => {
    const pem = byName.get(name)?.anchor ?? '';
    const anchor = anchors.get(pem) ?? parseCertificate(derOf(pem));
    anchors.set(pem, anchor);
    return { kind: 'certificates', anchors: [anchor] } as const;
  },
  wallClock: () => Date.now(),
  keyExchange: (job) => threads.run(job),
};

function begin(): void {
  const identity = identities[next++];
  if (identity === undefined) {
    if (latencies.length + failures.length >= identities.length) finish();
    return;
  }
  started.set(identity.name, performance.now());
  // Not from within an event: the host hands those out while it works.
  queueMicrotask(() => host.give({ kind: 'initiate', connection: identity.name }));
}

function finish(): void {
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${JSON.stringify({ seconds, latencies, failures: failures.slice(0, 3), failed: failures.length })}\n`,
  );
  process.exit(0);
}

const startedAt = performance.now();
for (let index = 0; index < Math.min(concurrency, identities.length); index++) begin();
