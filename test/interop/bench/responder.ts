import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { DataPlaneThread } from '@weft/edge-agent/dataplane';
import {
  ChildSaInstaller,
  IkeHost,
  IkeSockets,
  type JobMeans,
  KeyExchangeThreads,
  parseCertificate,
  rehearseIke,
  runJob,
} from '@weft/edge-agent/ike';
import { parseAddress } from '@weft/ipsec-core';
import { IkeEngine } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { encodeSocketAddress, openTun, openUdpSocket } from '@weft/linux-io';
import { type BenchIdentity, benchConnection, derOf } from './identities.js';
import { LoopDelay } from './loop-delay.js';
import type { ResponderQuestion, ResponderReport } from './protocol.js';

/**
 * An edge that answers: the IKE host, and the packet path in its thread, which takes the Child SAs.
 * usage: responder.ts IDENTITIES.json LOCAL REMOTE SUITE
 * Prints "ready"; then a ResponderReport for every ResponderQuestion, one on each line of input.
 */
const [file = '', localText = '', remoteText = '', suite = ''] = process.argv.slice(2);
const identities = JSON.parse(readFileSync(file, 'utf8')) as readonly BenchIdentity[];
const local = { address: parseAddress(localText), port: 4500 };
const remote = parseAddress(remoteText);
const tun = openTun('weft0');
const encapsulated = openUdpSocket(local, { bufferOctets: 8 << 20 });
const sockets = new IkeSockets();
const dataPlane = new DataPlaneThread([tun], {
  lifetime: () => undefined,
  died: (error) => {
    throw error;
  },
  ike: (octets, source) => sockets.receiveEncapsulated(local, octets, source),
});
await sockets.openPlain(local.address);
sockets.useEncapsulated(local, encapsulated);
const socketAddress = encodeSocketAddress({ address: remote, port: 4500 });
await dataPlane.load({
  contentHash: 'bench',
  socketFds: [encapsulated.fd],
  policies: [],
  groups: [],
  mappings: [],
  carriers: [],
  tunnels: identities.map(({ name }) => ({ tunnelId: name, socketAddress })),
});
const after = (milliseconds: number, run: () => void) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};
const [first] = identities;
const key = first?.anchor ? createPrivateKey(first.responder.privateKey) : undefined;
const trust = first?.anchor
  ? ({ kind: 'certificates', anchors: [parseCertificate(derOf(first.anchor))] } as const)
  : undefined;
const engine = new IkeEngine({
  provider: nodeCryptoProvider,
  keyExchange: nodeKeyExchange,
  random: nodeRandom(),
  cookieThreshold: 2048,
  halfOpenLimit: 4096,
  connections: identities.map((identity) =>
    benchConnection(identity, 'responder', { local: local.address, remote }, suite),
  ),
});
let longestInput = 0;
const handle = engine.handle.bind(engine);
engine.handle = (input, now) => {
  const started = performance.now();
  handle(input, now);
  longestInput = Math.max(longestInput, performance.now() - started);
};
const threads = new KeyExchangeThreads();
const means: JobMeans = {
  keyOf: () => key,
  trustOf: () => trust,
  wallClock: () => Date.now(),
  keyExchange: (job) => threads.run(job),
};
const children = new ChildSaInstaller(
  dataPlane,
  ({ child, mode }) => ({ tunnelId: child, replayWindow: 1024, hardLifetime: 86_400_000, mode }),
  after,
  (_inboundSpi, error) => {
    throw error;
  },
);
new IkeHost({
  engine,
  transport: sockets,
  children,
  runJob: (job) => runJob(job, means),
  clock: () => performance.now(),
  after,
  onEvent: () => undefined,
  onInstallFailure: (_spi, error) => {
    throw error;
  },
  onFault: (error) => {
    throw error;
  },
});

// As an edge agent does.
await rehearseIke(100, () => performance.now());
globalThis.gc?.();
const delay = new LoopDelay();
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const question = line as ResponderQuestion;
  const longestDelay = delay.take();
  // It undoes optimized code, so that what follows would be measured without.
  if (question === 'memory') globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const report: ResponderReport = {
    associations: children.associations().length,
    resident: rss,
    owned: heapUsed + external,
    longestDelay,
    longestInput,
  };
  longestInput = 0;
  delay.forget();
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
process.exit(0);
