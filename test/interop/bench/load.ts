import { createPrivateKey } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
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
import type { LoadResult } from './protocol.js';

/**
 * Initiates handshakes, so many at a time, each with an identity of its own, and deletes none.
 * usage: load.ts IDENTITIES.json LOCAL REMOTE SUITE CONCURRENCY
 * Prints "ready"; then for every line of input "FROM COUNT" does those identities, and answers with a LoadResult.
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

/** One range of identities, under way. */
interface Run {
  readonly startedAt: number;
  readonly end: number;
  next: number;
  pending: number;
  readonly latencies: number[];
  readonly failures: string[];
  readonly finish: () => void;
}

const transport = new LoadTransport();
await transport.open();
const started = new Map<string, number>();
let run: Run | undefined;
const threads = new KeyExchangeThreads();
const byName = new Map(identities.map((identity) => [identity.name, identity]));
const anchors = new Map<string, ReturnType<typeof parseCertificate>>();
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
    expect: async () => undefined,
    move: async () => true,
    remove: async () => undefined,
  },
  runJob: (job) => runJob(job, means),
  clock: () => performance.now(),
  after: (milliseconds, later) => {
    const timer = setTimeout(later, milliseconds);
    return () => clearTimeout(timer);
  },
  onEvent: (event) => {
    if (run === undefined) return;
    if (event.kind === 'ike-established') {
      run.latencies.push(performance.now() - (started.get(event.connection) ?? 0));
    } else if (event.kind === 'ike-failed' || event.kind === 'child-failed') run.failures.push(JSON.stringify(event));
    else return;
    run.pending--;
    begin(run);
  },
  onInstallFailure: (_spi, error) => {
    throw error;
  },
  onFault: (error) => {
    throw error;
  },
});

function begin(current: Run): void {
  const identity = current.next < current.end ? identities[current.next++] : undefined;
  if (identity !== undefined) {
    current.pending++;
    // Not from within an event: the host hands those out while it works.
    queueMicrotask(() => {
      started.set(identity.name, performance.now());
      host.give({ kind: 'initiate', connection: identity.name });
    });
  } else if (current.pending === 0) current.finish();
}

function handshakes(from: number, count: number): Promise<LoadResult> {
  return new Promise((resolve) => {
    const current: Run = {
      startedAt: performance.now(),
      end: from + count,
      next: from,
      pending: 0,
      latencies: [],
      failures: [],
      finish: () => {
        run = undefined;
        const seconds = (performance.now() - current.startedAt) / 1000;
        const { latencies, failures } = current;
        resolve({ seconds, latencies, failed: failures.length, failures: failures.slice(0, 3) });
      },
    };
    run = current;
    for (let index = 0; index < Math.min(concurrency, count); index++) begin(current);
  });
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [from = 0, count = 0] = line.split(' ').map(Number);
  process.stdout.write(`${JSON.stringify(await handshakes(from, count))}\n`);
}
process.exit(0);
