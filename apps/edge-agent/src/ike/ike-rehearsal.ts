import { createHash, generateKeyPairSync } from 'node:crypto';
import type { CryptoProvider, Secret } from '@weft/ipsec-core';
import {
  type Connection,
  type Credential,
  describeFailure,
  ENCR,
  type Endpoint,
  ID_TYPE,
  type Identity,
  IkeEngine,
  type IkeInput,
  KE,
  PRF,
  SN,
  TRANSFORM_TYPE,
  transform,
  type WireSelector,
} from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { type JobMeans, runJob } from './credentials/job-runner.js';

/**
 * Whole lives of IKE SAs between two engines that nobody else can reach, with keys of their own: IKE_SA_INIT, IKE_AUTH,
 * a new Child SA, a new IKE SA, a Delete. The agent does it before it hears the first peer: a machine whose cryptography
 * cannot be relied on negotiates nothing, and code that has run is code that answers at once (the first IKE_SA_INIT
 * takes an engine 30 ms otherwise, for which everything else on its thread waits).
 *
 * @param milliseconds of the clock `now` after which no other life begins; one is lived in any case
 * @returns how many
 * @throws {IkeRehearsalError} when the ends do not agree.
 */
export async function rehearseIke(
  milliseconds: number,
  now: () => number,
  { provider = nodeCryptoProvider, soon = nextTurn }: RehearsalParts = {},
): Promise<number> {
  const until = now() + milliseconds;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rawPublicKey = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const means: JobMeans = {
    keyOf: () => privateKey,
    trustOf: () => ({ kind: 'public-keys', keys: [rawPublicKey] }),
    wallClock: now,
    keyExchange: ({ kind }) => Promise.reject(new IkeRehearsalError(`Curve25519 asks for the job ${kind}`)),
  };
  let lives = 0;
  do {
    await liveOnce(provider, rawPublicKey, means);
    lives++;
    await soon();
  } while (now() < until);
  return lives;
}

export interface RehearsalParts {
  readonly provider?: CryptoProvider;
  /** Lets others have the thread between two lives. */
  readonly soon?: () => Promise<void>;
}

/** Two engines of this agent do not understand each other: the cryptography of this machine cannot be relied on. */
export class IkeRehearsalError extends Error {
  override readonly name = 'IkeRehearsalError';

  constructor(what: string) {
    super(`IKEv2 fails its self-test: ${what}; nothing is negotiated (report it)`);
  }
}

async function liveOnce(provider: CryptoProvider, rawPublicKey: Uint8Array, means: JobMeans): Promise<void> {
  const life = new Life(provider, rawPublicKey, means);
  await life.step({ kind: 'initiate', connection: NAME }, 1);
  await life.step({ kind: 'rekey-child', inboundSpi: life.inboundSpi }, 1);
  await life.step({ kind: 'rekey-ike', connection: NAME }, 1);
  await life.step({ kind: 'delete-ike', connection: NAME }, 0);
}

/** Two ends in a time of their own, between which nothing is lost. */
class Life {
  readonly #initiator: End;
  readonly #responder: End;
  readonly #means: JobMeans;
  #now = 0.5;

  constructor(provider: CryptoProvider, rawPublicKey: Uint8Array, means: JobMeans) {
    this.#initiator = new End(provider, connectionOf('initiator', rawPublicKey));
    this.#responder = new End(provider, connectionOf('responder', rawPublicKey));
    this.#means = means;
  }

  /** Of the Child SA that stands. */
  get inboundSpi(): number {
    return [...this.#initiator.children.keys()].at(-1) ?? 0;
  }

  /** Has the initiator do something, after which so many pairs of Child SAs stand, with the same keys at both ends. */
  async step(input: IkeInput, pairs: number): Promise<void> {
    this.#initiator.engine.handle(input, this.#now);
    await this.#untilQuiet();
    for (let timeouts = 0; !this.#stand(pairs); timeouts++) {
      const next = Math.min(...this.#ends.map(({ engine }) => engine.nextTimeout() ?? Number.POSITIVE_INFINITY));
      if (timeouts === MOST_TIMEOUTS || next === Number.POSITIVE_INFINITY)
        throw new IkeRehearsalError(`after ${input.kind} the ends do not have ${pairs} Child SAs`);
      this.#now = Math.max(this.#now, next);
      for (const { engine } of this.#ends) engine.handle({ kind: 'timeout' }, this.#now);
      await this.#untilQuiet();
    }
    for (const [inboundSpi, { outboundSpi, inbound, outbound }] of this.#initiator.children) {
      const mirror = this.#responder.children.get(outboundSpi);
      if (mirror?.outboundSpi !== inboundSpi || mirror.outbound !== inbound || mirror.inbound !== outbound)
        throw new IkeRehearsalError(`after ${input.kind} the ends have different keys`);
    }
  }

  get #ends(): readonly End[] {
    return [this.#initiator, this.#responder];
  }

  #stand(pairs: number): boolean {
    return this.#ends.every(({ children }) => children.size === pairs);
  }

  async #untilQuiet(): Promise<void> {
    let busy = true;
    while (busy) {
      const one = await this.#initiator.carryOut(this.#responder, this.#means, this.#now);
      const other = await this.#responder.carryOut(this.#initiator, this.#means, this.#now);
      busy = one || other;
    }
  }
}

interface Child {
  readonly outboundSpi: number;
  /** Digests of the keys. */
  readonly inbound: string;
  readonly outbound: string;
}

/** One engine, and the Child SAs that it has asked for. */
class End {
  readonly engine: IkeEngine;
  /** By inbound SPI. */
  readonly children = new Map<number, Child>();

  constructor(provider: CryptoProvider, connection: Connection) {
    const means = { provider, keyExchange: nodeKeyExchange, random: nodeRandom() };
    this.engine = new IkeEngine({ ...means, connections: [connection] });
  }

  /** Carries out what the engine asks for. @returns whether that was anything. */
  async carryOut(peer: End, means: JobMeans, now: number): Promise<boolean> {
    let busy = false;
    for (let output = this.engine.poll(); output !== undefined; output = this.engine.poll()) {
      busy = true;
      if (output.kind === 'transmit') {
        const { local, remote, octets } = output;
        peer.engine.handle({ kind: 'datagram', local: remote, remote: local, octets }, now);
      } else if (output.kind === 'job') {
        const result = await runJob(output.job, means);
        this.engine.handle({ kind: 'job-done', id: output.id, result }, now);
      } else if (output.kind === 'install-child') {
        const { inboundSpi, outboundSpi } = output.association;
        const [inbound, outbound] = [digestOf(output.inboundKey), digestOf(output.outboundKey)];
        this.children.set(inboundSpi, { outboundSpi, inbound, outbound });
        // As if packets came at once.
        this.engine.handle({ kind: 'inbound-used', inboundSpi }, now);
      } else if (output.kind === 'remove-child') {
        this.children.delete(output.inboundSpi);
      } else if (output.kind === 'event' && 'reason' in output.event) {
        throw new IkeRehearsalError(`${output.event.kind}: ${describeFailure(output.event.reason)}`);
      }
    }
    return busy;
  }
}

/** Wipes the key. */
function digestOf(key: Secret): string {
  const digest = key.reveal((octets) => createHash('sha256').update(octets).digest('hex'));
  key.wipe();
  return digest;
}

const ROLES = ['initiator', 'responder'] as const;
type Role = (typeof ROLES)[number];

function connectionOf(role: Role, rawPublicKey: Uint8Array): Connection {
  const [own, peer] = role === 'initiator' ? ROLES : [ROLES[1], ROLES[0]];
  const credential: Credential = { name: NAME, algorithms: [ALGORITHM], certificates: [], rawPublicKey };
  return {
    name: NAME,
    local: endpointOf(own),
    remote: { kind: 'fixed', endpoint: endpointOf(peer) },
    localIdentity: identityOf(own),
    remoteIdentity: identityOf(peer),
    localAuthentication: { kind: 'signature', credentials: [credential] },
    remoteAuthentication: { kind: 'signature', algorithms: [ALGORITHM], rawPublicKeys: true },
    proposals: [
      [
        transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 256),
        transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_384),
        transform(TRANSFORM_TYPE.KE, KE.CURVE25519),
      ],
    ],
    children: [
      {
        name: NAME,
        proposals: [
          [
            transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 256),
            transform(TRANSFORM_TYPE.SN, SN.ESN),
            transform(TRANSFORM_TYPE.KE, KE.CURVE25519),
          ],
        ],
        local: [EVERYTHING],
        remote: [EVERYTHING],
        mode: 'tunnel',
        lifetime: LIFETIME,
      },
    ],
    lifetime: LIFETIME,
    livenessInterval: LIFETIME,
    fragmentSize: 1200,
  };
}

/** TEST-NET-1 (RFC 5737); nothing is sent there. */
function endpointOf(role: Role): Endpoint {
  return { address: Uint8Array.of(192, 0, 2, role === 'initiator' ? 1 : 2), port: 500 };
}

function identityOf(role: Role): Identity {
  return { type: ID_TYPE.FQDN, data: Buffer.from(`${role}.invalid`) };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

const NAME = 'self-test';
const ALGORITHM = 'ecdsa-sha2-256';
const LIFETIME = 86_400_000;
/** What is deleted or replaced stays for a moment: packets may be under way. */
const MOST_TIMEOUTS = 16;
const EVERYTHING: WireSelector = {
  type: 'range',
  protocol: 0,
  startPort: 0,
  endPort: 0xffff,
  first: new Uint8Array(4),
  last: new Uint8Array(4).fill(0xff),
};
