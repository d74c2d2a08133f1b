import { randomFillSync } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Bundle } from '@weft/contracts/southbound';
import { formatAddress, parseAddress } from '@weft/ipsec-core';
import { type Endpoint, IkeEngine, runKeyExchangeJob } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { parseBundle } from '../../src/control/bundle/parse-bundle.js';
import { parseIdentity, StoredIdentity } from '../../src/identity/identity.js';
import { type JobMeans, runJob } from '../../src/ike/credentials/job-runner.js';
import { type OwnCredentials, ownCredentials } from '../../src/ike/edge-credentials.js';
import { fabricConnections } from '../../src/ike/fabric-connections.js';
import { IkeHost } from '../../src/ike/ike-host.js';
import type { DatagramListener, IkeTransport } from '../../src/ike/ike-transport.js';

/**
 * The peers of a hub in one process: each has an identity, an address and an IKE engine of its own, answers, and has no packet
 * path. Prints a line when all listen.
 *
 *     branches.ts FILE, which holds [{ identity, bundle }]
 */
async function main(): Promise<void> {
  const branches = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { identity: unknown; bundle: unknown }[];
  await Promise.all(
    branches.map(({ identity, bundle }) => answer(StoredIdentity.parse(identity), Bundle.fromJSON(bundle))),
  );
  process.stdout.write('ready\n');
}

async function answer(identity: StoredIdentity, bundle: Bundle): Promise<void> {
  const own = ownCredentials(parseIdentity(identity));
  const content = { ...parseBundle(bundle), revision: 1n, generation: 1n, epoch: 1n, contentHash: '' };
  new IkeHost({
    engine: new IkeEngine({
      provider: nodeCryptoProvider,
      keyExchange: nodeKeyExchange,
      random,
      connections: fabricConnections(content, own.shown),
    }),
    transport: await transportOf(content.underlay.octets),
    children: NO_PACKET_PATH,
    runJob: (job) => runJob(job, meansOf(own)),
    clock: () => performance.now(),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    onEvent: () => undefined,
    onFault: (error) => {
      throw error;
    },
    onInstallFailure: (_, error) => {
      throw error;
    },
  });
}

/** Both ports of IKE at one address. */
async function transportOf(address: Uint8Array): Promise<IkeTransport> {
  let tell: DatagramListener = () => undefined;
  const sockets = new Map<number, Socket>();
  for (const port of [IKE_PORT, ENCAPSULATED_PORT]) {
    const socket = createSocket('udp4');
    socket.bind(port, formatAddress(address));
    await once(socket, 'listening');
    socket.on('message', (datagram, { address: source, port: sourcePort }) => {
      const marker = port === ENCAPSULATED_PORT ? MARKER_OCTETS : 0;
      // Without the marker it is ESP (RFC 3948 section 2.2).
      if (datagram.length <= marker || datagram.subarray(0, marker).some((octet) => octet !== 0)) return;
      tell(
        { address, port },
        { address: parseAddress(source), port: sourcePort },
        Uint8Array.from(datagram.subarray(marker)),
      );
    });
    sockets.set(port, socket);
  }
  return {
    onDatagram: (listener) => {
      tell = listener;
    },
    send: ({ port }: Endpoint, remote, octets, marker) => {
      const datagram = marker ? [Buffer.alloc(MARKER_OCTETS), octets] : [octets];
      sockets.get(port)?.send(datagram, remote.port, formatAddress(remote.address));
      return true;
    },
  };
}

function meansOf({ shown, key, anchors }: OwnCredentials): JobMeans {
  return {
    keyOf: (name) => (name === shown.credential.name ? key : undefined),
    trustOf: () => ({ kind: 'certificates', anchors }),
    wallClock: () => Date.now(),
    keyExchange: async (job) => runKeyExchangeJob(nodeKeyExchange, random, job),
  };
}

function random(out: Uint8Array): void {
  randomFillSync(out);
}

const NO_PACKET_PATH: ConstructorParameters<typeof IkeHost>[0]['children'] = {
  install: async () => undefined,
  useOutbound: async () => undefined,
  move: async () => true,
  expect: async () => undefined,
  retire: async () => undefined,
  remove: async () => undefined,
};
const IKE_PORT = 500;
const ENCAPSULATED_PORT = 4500;
const MARKER_OCTETS = 4;

await main();
