import { randomFillSync } from 'node:crypto';
import { type Connection, type Endpoint, IkeEngine, type IkeEvent, runKeyExchangeJob } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { parseBundle } from '../../src/control/bundle/parse-bundle.js';
import type { VerifiedBundle } from '../../src/control/bundle/verified-bundle.js';
import type { Identity } from '../../src/identity/identity.js';
import { type JobMeans, runJob } from '../../src/ike/credentials/job-runner.js';
import { type OwnCredentials, ownCredentials } from '../../src/ike/edge-credentials.js';
import { fabricConnections } from '../../src/ike/fabric-connections.js';
import { IkeHost } from '../../src/ike/ike-host.js';
import type { DatagramListener, IkeTransport } from '../../src/ike/ike-transport.js';
import { type NegotiatingSite, negotiatedBundle } from './negotiated-bundle.js';

/**
 * One edge begins an IKE SA with another, each with the credentials and the trust of its identity, over a wire that loses
 * nothing: engines, jobs and PAD are those of the agent.
 * @returns whether both have it in the end, and what was said when not
 */
export async function ikeBetween(initiator: Identity, responder: Identity): Promise<'established' | string> {
  const pair = new Pair(initiator, responder);
  try {
    return await pair.establish();
  } finally {
    pair.stop();
  }
}

class Pair {
  readonly #ends: readonly [End, End];
  readonly #wire: (() => void)[] = [];

  constructor(initiator: Identity, responder: Identity) {
    const [here, there] = [siteOf(initiator, 1), siteOf(responder, 2)];
    const carry = (to: 0 | 1) => (from: Endpoint, remote: Endpoint, octets: Uint8Array) =>
      void this.#wire.push(() => this.#ends[to].listener(remote, from, octets));
    this.#ends = [new End(initiator, here, there, carry(1)), new End(responder, there, here, carry(0))];
  }

  /** Delivers until both have an IKE SA, or one of them has failed. */
  async establish(): Promise<string> {
    const [left, right] = this.#ends;
    left.begin();
    for (;;) {
      const failed = [...left.events, ...right.events].find(({ kind }) => kind === 'ike-failed');
      if (failed !== undefined) return JSON.stringify(failed, (_, value) => (value instanceof Uint8Array ? '' : value));
      if (left.isUp && right.isUp) return 'established';
      await new Promise((resolve) => setImmediate(resolve));
      for (const deliver of this.#wire.splice(0)) deliver();
    }
  }

  stop(): void {
    for (const end of this.#ends) end.stop();
  }
}

class End {
  readonly events: IkeEvent[] = [];
  readonly #host: IkeHost;
  readonly #connection: Connection;
  listener: DatagramListener = () => undefined;

  constructor(
    identity: Identity,
    local: NegotiatingSite,
    remote: NegotiatingSite,
    carry: (from: Endpoint, to: Endpoint, octets: Uint8Array) => void,
  ) {
    const own = ownCredentials(identity);
    const [connection] = fabricConnections(bundleOf(local, remote), own.shown);
    if (connection === undefined) throw new Error('the bundle has no tunnel that edges key themselves');
    this.#connection = connection;
    const transport: IkeTransport = {
      onDatagram: (listener) => {
        this.listener = listener;
      },
      send: (from, to, octets) => {
        carry(from, to, octets);
        return true;
      },
    };
    this.#host = new IkeHost({
      engine: new IkeEngine({
        provider: nodeCryptoProvider,
        keyExchange: nodeKeyExchange,
        random,
        connections: [connection],
      }),
      transport,
      children: NO_PACKET_PATH,
      runJob: (job) => runJob(job, meansOf(own)),
      clock: () => performance.now(),
      after: (milliseconds, run) => {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
      onEvent: (event) => this.events.push(event),
      onFault: (error) => {
        throw error;
      },
      onInstallFailure: (_, error) => {
        throw error;
      },
    });
  }

  get isUp(): boolean {
    return this.events.some(({ kind }) => kind === 'ike-established');
  }

  begin(): void {
    this.#host.give({ kind: 'initiate', connection: this.#connection.name });
  }

  stop(): void {
    this.#host.stop();
  }
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

function bundleOf(local: NegotiatingSite, remote: NegotiatingSite): VerifiedBundle {
  const content = parseBundle(negotiatedBundle(local, remote));
  return { ...content, revision: 1n, generation: 1n, epoch: 1n, contentHash: '' };
}

function siteOf({ edgeId }: Identity, digit: number): NegotiatingSite {
  return { id: edgeId, underlay: `192.0.2.${digit}`, network: `10.${digit}.0.0/16` };
}
