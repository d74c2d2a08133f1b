import type { Secret } from '../bytes/secret.js';
import { Slab } from '../bytes/slab.js';
import type { KeyExchangeProvider, RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { EXCHANGE } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage, parseMessage } from '../wire/ike/message.js';
import { checkPayloads } from '../wire/ike/message-rules.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { AddressPools } from './address-pools.js';
import { Admission, type AdmissionLimits } from './admission.js';
import { ChildSpis } from './child-spis.js';
import { command } from './commands.js';
import type { Connection } from './connection.js';
import { Connections } from './connections.js';
import { CrashDetection } from './crash-detection.js';
import { Deadlines } from './deadlines.js';
import { type EstablishedPath, establishedPaths } from './established-paths.js';
import { handleRequest, refuseMalformed } from './exchanges/dispatch.js';
import { receiveInitResponse } from './exchanges/init-initiator.js';
import { admitInit, answerInit, type InitRefusal } from './exchanges/init-responder.js';
import { expireLineage } from './exchanges/upkeep.js';
import { Fifo } from './fifo.js';
import type { Negotiation } from './history/history.js';
import { refusedInit } from './history/refused-init.js';
import type { IkeHost } from './host.js';
import { IkeSa } from './ike-sa.js';
import type { Lineage } from './lineage.js';
import type { IkeEvent, IkeInput, IkeOutput, JobResult } from './outputs.js';
import { type Path, transmit } from './path.js';
import { Registry } from './registry.js';
import { StatelessReplies } from './stateless-replies.js';
import { toldNegotiations } from './told-negotiations.js';

export interface IkeEngineOptions extends AdmissionLimits {
  readonly provider: CryptoProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
  readonly connections: readonly Connection[];
  /**
   * At least 32 octets that survive a restart: with them a peer learns at its next message that we have lost its IKE SA
   * (RFC 6290). Without them it finds out by its retransmissions.
   */
  readonly crashDetectionSecret?: Secret;
  /** Requests of a peer that may be under way at once: 1 (the default) to 16. Ours are always one at a time. */
  readonly windowSize?: number;
}

/** Why a datagram was dropped; each has a counter, none is answered more than once per datagram. */
export type IkeDropReason =
  | 'malformed'
  | 'unknown_spi'
  | 'not_authentic'
  /** Authentic, and of no message that is awaited: an old one, or one from beyond the window. */
  | 'outside_window'
  /** A request on an IKE SA whose other end has not proved yet who it is. */
  | 'premature'
  | 'rule_violation'
  | 'half_open_limit'
  /** An IKE_SA_INIT request while the host has its hands full of jobs. */
  | 'busy'
  | 'refused_init'
  | 'cookie_required'
  /** A second IKE_SA_INIT request with the SPI of a half-open SA and other content. */
  | 'init_changed';

/**
 * IKEv2 without IO. Contract: call `handle` once, then `poll` until it gives undefined, then wait until the next input or
 * `nextTimeout`, which may have passed already. A timeout that comes too early does nothing. Not reentrant. Each call costs
 * the same however many IKE SAs there are, but for the logarithm that a heap of deadlines takes, and however many of them
 * are due; what takes longer than a fraction of a millisecond is a job. `configure` alone costs what it changes.
 */
export class IkeEngine {
  readonly #host: IkeHost;
  readonly #registry = new Registry();
  readonly #admission: Admission;
  readonly #stateless: StatelessReplies;
  readonly #deadlines = new Deadlines<IkeSa | Lineage>();
  readonly #outputs = new Fifo<IkeOutput>();
  readonly #jobs = new Map<number, (result: JobResult, now: number) => void>();
  readonly #drops = new Map<IkeDropReason, number>();
  /** When a refusal was last told to the host, by connection; of strangers under undefined. */
  readonly #explained = new Map<string | undefined, number>();
  #nextJob = 1;

  constructor(options: IkeEngineOptions) {
    this.#admission = new Admission(options.provider, options.random, options);
    const { crashDetectionSecret: secret } = options;
    const crashDetection = secret === undefined ? undefined : new CrashDetection(options.provider, secret);
    this.#stateless = new StatelessReplies(crashDetection);
    this.#host = this.#makeHost(options, crashDetection);
  }

  handle(input: IkeInput, now: number): void {
    switch (input.kind) {
      case 'datagram':
        this.#receive(input.octets, { local: input.local, remote: input.remote }, now);
        break;
      case 'timeout':
        this.#expire(now);
        break;
      case 'job-done': {
        const done = this.#jobs.get(input.id);
        this.#jobs.delete(input.id);
        done?.(input.result, now);
        break;
      }
      default:
        // What is refused from now on may be refused for another reason.
        if (input.kind === 'configure') this.#explained.clear();
        command(this.#host, this.#registry, input, now);
    }
  }

  poll(): IkeOutput | undefined {
    return this.#outputs.shift();
  }

  nextTimeout(): number | undefined {
    return this.#deadlines.next();
  }

  /** Every IKE SA that is not closed, for status, history and tests. */
  associations(): readonly IkeSa[] {
    return this.#registry.all;
  }

  /** One for an IKE SA and all that it replaced by rekeying. */
  negotiations(): readonly Negotiation[] {
    return toldNegotiations(this.#lineages);
  }

  /** Of every IKE SA whose ends have proved who they are; the youngest of a connection last. */
  establishedPaths(): readonly EstablishedPath[] {
    return establishedPaths(this.#lineages);
  }

  drops(): ReadonlyMap<IkeDropReason, number> {
    return this.#drops;
  }

  get #lineages(): ReadonlySet<Lineage> {
    return new Set(this.#registry.all.map(({ lineage }) => lineage));
  }

  #receive(octets: Uint8Array, path: Path, now: number): void {
    // The keepalive of a peer behind a NAT: nothing to do (RFC 3948 section 2.3).
    if (octets.length === 1 && octets[0] === 0xff) return;
    const parsed = parseMessage(octets);
    if (!parsed.ok) {
      this.#drop('malformed');
      this.#reply(this.#stateless.unreadable(octets, parsed.problem, now), path);
      return;
    }
    const message = parsed.value;
    const { header } = message;
    if (header.exchange === EXCHANGE.IKE_SA_INIT) {
      if (header.response) this.#initResponse(message, octets, path, now);
      else this.#initRequest(message, octets, path, now);
      return;
    }
    const [own, other] = header.fromInitiator
      ? [header.responderSpi, header.initiatorSpi]
      : [header.initiatorSpi, header.responderSpi];
    const sa = this.#registry.bySpi(own);
    if (sa === undefined || (sa.role === 'initiator') === header.fromInitiator) {
      this.#drop('unknown_spi');
      // With the flag for the initiator turned over the SPIs are those of an IKE SA all the same: "A token maker MUST NOT send
      // a valid QCD token in an unprotected message for an existing IKE SA" (RFC 6290 section 9.2).
      const none = sa === undefined && this.#registry.bySpi(other) === undefined;
      if (none) this.#reply(this.#stateless.unknownSpi(message, now), path);
      return;
    }
    const reception = sa.receive(octets, message, path, now);
    if (reception !== 'accepted') this.#drop(reception);
  }

  #initResponse(message: IkeMessage, octets: Uint8Array, path: Path, now: number): void {
    const { header, payloads } = message;
    const sa = this.#registry.bySpi(header.initiatorSpi);
    if (sa?.state.name !== 'awaiting-init-response' || header.fromInitiator || header.messageId !== 0) {
      this.#drop('unknown_spi');
      return;
    }
    if (checkPayloads(EXCHANGE.IKE_SA_INIT, 'response', payloads) === undefined) {
      receiveInitResponse(sa, message, octets, path, now);
    } else this.#drop('rule_violation');
  }

  #initRequest(message: IkeMessage, octets: Uint8Array, path: Path, now: number): void {
    const { header, payloads } = message;
    const first = isZero(header.responderSpi) && !isZero(header.initiatorSpi);
    const legal = checkPayloads(EXCHANGE.IKE_SA_INIT, 'request', payloads) === undefined;
    if (!first || header.messageId !== 0 || !header.fromInitiator || !legal) {
      this.#drop('rule_violation');
      return;
    }
    const stranger = !this.#host.connections.calls(path.remote);
    const verdict = this.#admission.judge(message, octets, path, stranger, now);
    if (verdict.kind === 'known') {
      if (verdict.repeated) verdict.sa.repeatInitResponse(path);
      else this.#drop('init_changed');
    } else if (verdict.kind === 'cookie') {
      this.#drop('cookie_required');
      this.#replyClear(message, [notify('COOKIE', verdict.cookie)], path);
    } else if (verdict.kind === 'full') this.#drop('half_open_limit');
    else if (this.#jobs.size >= BUSY) this.#drop('busy');
    else this.#respondInit(message, octets, path, stranger, now);
  }

  #respondInit(message: IkeMessage, octets: Uint8Array, path: Path, stranger: boolean, now: number): void {
    const outcome = admitInit(this.#host, message, octets, path, now);
    if ('sa' in outcome) {
      this.#admission.admitted(message, path, outcome.sa, stranger);
      answerInit(outcome, (refusal) => this.#refuseInit(message, refusal, path), now);
    } else {
      this.#refuseInit(message, outcome.refusal, path);
      if (outcome.explanation !== undefined) this.#explain(message, outcome.explanation, path, now);
    }
  }

  #refuseInit(message: IkeMessage, refusal: readonly Payload[], path: Path): void {
    this.#drop('refused_init');
    if (refusal.length > 0) this.#replyClear(message, refusal, path);
  }

  /** Anybody can send IKE_SA_INIT: counted each time, explained once a minute. */
  #explain(
    message: IkeMessage,
    { connection, reason }: NonNullable<InitRefusal['explanation']>,
    { remote }: Path,
    now: number,
  ): void {
    if (!this.#mayExplain(connection, now)) return;
    const about = { reason, history: refusedInit(message, reason, now) };
    const event: IkeEvent =
      connection === undefined
        ? { kind: 'stranger-refused', remote, ...about }
        : { kind: 'ike-attempt-failed', connection, ...about };
    this.#outputs.push({ kind: 'event', event });
  }

  #mayExplain(connection: string | undefined, now: number): boolean {
    if (now - (this.#explained.get(connection) ?? Number.NEGATIVE_INFINITY) < EXPLAIN_INTERVAL) return false;
    this.#explained.set(connection, now);
    return true;
  }

  #replyClear({ header }: IkeMessage, payloads: readonly Payload[], path: Path): void {
    transmit(this.#host, path, [encodeMessage({ ...header, fromInitiator: false, response: true }, payloads)]);
  }

  #reply(octets: Uint8Array | undefined, path: Path): void {
    if (octets !== undefined) transmit(this.#host, path, [octets]);
  }

  /** A few at a time: thousands can be due at one moment, and `nextTimeout` tells the host to come again. */
  #expire(now: number): void {
    for (let count = 0; count < EXPIRED_AT_ONCE; count++) {
      const owner = this.#deadlines.due(now);
      if (owner === undefined) return;
      if (owner instanceof IkeSa) owner.expire(now);
      else expireLineage(owner, now);
    }
  }

  #drop(reason: IkeDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }

  #makeHost(options: IkeEngineOptions, crashDetection: CrashDetection | undefined): IkeHost {
    const { provider, keyExchange, random, connections, windowSize = 1 } = options;
    if (windowSize < 1 || windowSize > MAXIMUM_WINDOW)
      throw new RangeError(`A window of ${windowSize} is not 1 to 16.`);
    return {
      crashDetection,
      windowSize,
      provider,
      keyExchange,
      random,
      preparedAnswers: new WeakMap(),
      connections: new Connections(connections),
      childSpis: new ChildSpis(random),
      addressPools: new AddressPools(),
      localAddresses: new Map(),
      emit: (output) => this.#outputs.push(output),
      job: (job, done) => {
        const id = this.#nextJob++;
        this.#jobs.set(id, done);
        this.#outputs.push({ kind: 'job', id, job });
      },
      newIkeSpi: () => {
        const spi = SPIS.room(8);
        do random(spi);
        while (isZero(spi) || this.#registry.bySpi(spi) !== undefined);
        return spi;
      },
      register: (sa) => this.#registry.add(sa),
      unregister: (sa) => {
        this.#registry.remove(sa);
        this.#admission.release(sa);
      },
      list: (lineage) => {
        this.#registry.list(lineage);
        if (lineage.establishedAt !== undefined) this.#admission.release(lineage.current);
      },
      mayExplain: (connection, now) => this.#mayExplain(connection, now),
      deadline: (owner, at) => this.#deadlines.set(owner, at),
      request: handleRequest,
      malformed: refuseMalformed,
      established: ({ name }) =>
        this.#registry.of(name).filter((lineage) => lineage.establishedAt !== undefined && lineage.standing),
    };
  }
}

function isZero(spi: Uint8Array): boolean {
  return spi.every((octet) => octet === 0);
}

const SPIS = new Slab();
const MAXIMUM_WINDOW = 16;
const EXPLAIN_INTERVAL = 60_000;
/** Each may make a key share and a message, some tenths of a millisecond. */
const EXPIRED_AT_ONCE = 8;
/** Jobs that wait. What is begun goes on; what a stranger begins must wait for its next attempt. */
const BUSY = 256;
