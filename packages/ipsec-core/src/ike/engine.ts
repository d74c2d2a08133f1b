import { toHex } from '../bytes/hex.js';
import type { KeyExchangeProvider, RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { EXCHANGE } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage, parseMessage } from '../wire/ike/message.js';
import { checkPayloads } from '../wire/ike/message-rules.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { type Connection, type Endpoint, sameAddress } from './connection.js';
import { CookieJar } from './cookie.js';
import { requestChild } from './exchanges/create-child-sa.js';
import { initiate, receiveInitResponse, respondInit } from './exchanges/ike-sa-init.js';
import { checkLiveness, deleteChild, deleteIke } from './exchanges/informational.js';
import { find, findNotify } from './exchanges/payload-access.js';
import { requestIkeRekey } from './exchanges/rekey-ike.js';
import type { IkeHost } from './host.js';
import { IkeSa } from './ike-sa.js';
import type { IkeInput, IkeOutput, Job, JobResult } from './outputs.js';

export interface IkeEngineOptions {
  readonly provider: CryptoProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
  readonly connections: readonly Connection[];
  /** From so many half-open SAs on, a stranger must show a cookie first. */
  readonly cookieThreshold?: number;
  /** Half-open SAs that are kept at most; beyond it IKE_SA_INIT requests are dropped. */
  readonly halfOpenLimit?: number;
}

/** Why a datagram was dropped; each has a counter, none is answered more than once per datagram. */
export type IkeDropReason =
  | 'malformed'
  | 'unknown_spi'
  | 'not_authentic'
  | 'rule_violation'
  | 'half_open_limit'
  | 'refused_init'
  | 'cookie_required';

/**
 * IKEv2 without IO. Contract: call `handle` once, then `poll` until it gives undefined, then wait until the next input or
 * `nextTimeout`. A timeout that comes too early does nothing. Not reentrant.
 */
export class IkeEngine {
  readonly #options: IkeEngineOptions;
  readonly #host: IkeHost;
  readonly #cookies: CookieJar;
  readonly #bySpi = new Map<string, IkeSa>();
  /** Half-open SAs by what a repeated IKE_SA_INIT request shows. */
  readonly #halfOpen = new Map<string, IkeSa>();
  readonly #childSpis = new Set<number>();
  readonly #outputs: IkeOutput[] = [];
  readonly #jobs = new Map<number, (result: JobResult, now: number) => void>();
  readonly #drops = new Map<IkeDropReason, number>();
  #nextJob = 1;

  constructor(options: IkeEngineOptions) {
    this.#options = options;
    this.#cookies = new CookieJar(options.provider, options.random);
    this.#host = this.#makeHost();
  }

  handle(input: IkeInput, now: number): void {
    switch (input.kind) {
      case 'datagram':
        this.#receive(input.octets, input.local, input.remote, now);
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
        this.#command(input, now);
    }
    this.#sweep();
  }

  poll(): IkeOutput | undefined {
    return this.#outputs.shift();
  }

  nextTimeout(): number | undefined {
    let next: number | undefined;
    for (const sa of this.#bySpi.values()) {
      const due = sa.timers.next();
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  /** Every IKE SA that is not closed, for status, history and tests. */
  associations(): readonly IkeSa[] {
    return [...this.#bySpi.values()];
  }

  drops(): ReadonlyMap<IkeDropReason, number> {
    return this.#drops;
  }

  #receive(octets: Uint8Array, local: Endpoint, remote: Endpoint, now: number): void {
    const parsed = parseMessage(octets);
    if (!parsed.ok) {
      this.#drop('malformed');
      return;
    }
    const message = parsed.value;
    const { header } = message;
    if (header.exchange === EXCHANGE.IKE_SA_INIT) {
      if (header.response) this.#initResponse(message, octets, local, remote, now);
      else this.#initRequest(message, octets, local, remote, now);
      return;
    }
    const own = header.fromInitiator ? header.responderSpi : header.initiatorSpi;
    const sa = this.#bySpi.get(toHex(own));
    if (sa === undefined || (sa.role === 'initiator') === header.fromInitiator) {
      this.#drop('unknown_spi');
      return;
    }
    if (!sa.receive(octets, message, local, remote, now)) this.#drop('not_authentic');
  }

  #initResponse(message: IkeMessage, octets: Uint8Array, local: Endpoint, remote: Endpoint, now: number): void {
    const sa = this.#bySpi.get(toHex(message.header.initiatorSpi));
    if (sa?.state.name !== 'awaiting-init-response' || message.header.fromInitiator || message.header.messageId !== 0) {
      this.#drop('unknown_spi');
      return;
    }
    if (checkPayloads(EXCHANGE.IKE_SA_INIT, 'response', message.payloads) !== undefined) {
      this.#drop('rule_violation');
      return;
    }
    receiveInitResponse(sa, message, octets, local, remote, now);
  }

  /** Nothing is kept before the cookie, once there are many half-open SAs. */
  #initRequest(message: IkeMessage, octets: Uint8Array, local: Endpoint, remote: Endpoint, now: number): void {
    const { header, payloads } = message;
    const unset = header.responderSpi.every((octet) => octet === 0);
    if (
      !unset ||
      header.messageId !== 0 ||
      !header.fromInitiator ||
      header.initiatorSpi.every((octet) => octet === 0)
    ) {
      this.#drop('rule_violation');
      return;
    }
    const key = `${toHex(header.initiatorSpi)}/${toHex(remote.address)}`;
    const known = this.#halfOpen.get(key);
    if (known !== undefined && known.state.name !== 'closed') {
      const handshake = 'handshake' in known.state ? known.state.handshake : undefined;
      if (handshake !== undefined && sameAddress(handshake.initiatorMessage, octets)) known.repeatLastInit();
      return;
    }
    const reply = (answer: readonly Payload[]) => this.#replyClear(message, answer, local, remote);
    if (checkPayloads(EXCHANGE.IKE_SA_INIT, 'request', payloads) !== undefined) {
      this.#drop('rule_violation');
      return;
    }
    const nonce = find(payloads, 'Nonce')?.data ?? new Uint8Array(0);
    if (this.#halfOpen.size >= (this.#options.cookieThreshold ?? COOKIE_THRESHOLD)) {
      const cookie = findNotify(payloads, 'COOKIE')?.data;
      if (cookie === undefined || !this.#cookies.isValid(cookie, nonce, remote, header.initiatorSpi, now)) {
        this.#drop('cookie_required');
        reply([notify('COOKIE', this.#cookies.make(nonce, remote, header.initiatorSpi, now))]);
        return;
      }
    }
    if (this.#halfOpen.size >= (this.#options.halfOpenLimit ?? HALF_OPEN_LIMIT)) {
      this.#drop('half_open_limit');
      return;
    }
    const outcome = respondInit(this.#host, message, octets, local, remote, now);
    if (outcome instanceof IkeSa) {
      this.#host.add(outcome);
      this.#halfOpen.set(key, outcome);
    } else {
      this.#drop('refused_init');
      reply(outcome.refusal);
    }
  }

  #replyClear({ header }: IkeMessage, payloads: readonly Payload[], local: Endpoint, remote: Endpoint): void {
    const octets = encodeMessage({ ...header, fromInitiator: false, response: true }, payloads);
    this.#outputs.push({ kind: 'transmit', local, remote, octets, marker: local.port !== IKE_PORT });
  }

  #expire(now: number): void {
    for (const sa of [...this.#bySpi.values()]) {
      for (let name = sa.timers.take(now); name !== undefined; name = sa.timers.take(now)) {
        if (name === 'half-open') sa.fail({ code: 'half_open_expired' }, now);
        else if (name === 'linger') sa.close(now);
        else if (name === 'liveness') checkLiveness(sa, now);
        else if (name === 'rekey-ike') requestIkeRekey(sa, now);
        else if (name === 'retry') requestChild(sa, sa.connection.child, undefined, now);
        else if (name === 'rekey-child') this.#rekeyDueChildren(sa, now);
        else sa.onTimer(name, now);
      }
    }
  }

  #rekeyDueChildren(sa: IkeSa, now: number): void {
    let later: number | undefined;
    for (const child of sa.children) {
      if (child.phase !== 'live') continue;
      if (child.rekeyAt <= now) {
        child.rekeyAt = now + child.configuration.lifetime / 10;
        requestChild(sa, child.configuration, child, now);
      }
      later = Math.min(later ?? child.rekeyAt, child.rekeyAt);
    }
    if (later !== undefined) sa.timers.set('rekey-child', later);
  }

  #command(input: Exclude<IkeInput, { kind: 'datagram' | 'timeout' | 'job-done' }>, now: number): void {
    if (input.kind === 'initiate') {
      const connection = this.#options.connections.find((candidate) => candidate.name === input.connection);
      if (connection?.remote === undefined)
        throw new RangeError(`${input.connection} is no connection with a known peer.`);
      const sa = new IkeSa(
        this.#host,
        'initiator',
        connection,
        connection.local,
        connection.remote,
        this.#host.newIkeSpi(),
      );
      this.#host.add(sa);
      initiate(sa, now);
      return;
    }
    for (const sa of [...this.#bySpi.values()]) {
      if (sa.state.name !== 'established') continue;
      if (input.kind === 'rekey-ike' && sa.connection.name === input.connection) requestIkeRekey(sa, now);
      if (input.kind === 'delete-ike' && sa.connection.name === input.connection) deleteIke(sa, now, true);
      if (input.kind !== 'rekey-child' && input.kind !== 'delete-child') continue;
      const child = sa.children.find((candidate) => candidate.association.inboundSpi === input.inboundSpi);
      if (child === undefined) continue;
      const replaced = child.peerRekey !== undefined && child.peerRekey.successor.phase !== 'gone';
      // The peer is about to delete it; doing so from here would cut traffic that has not moved yet.
      if (replaced) sa.history.add(now, 'local', 'left alone: the peer replaces it', { inboundSpi: input.inboundSpi });
      else if (input.kind === 'delete-child') deleteChild(sa, child, now);
      else requestChild(sa, child.configuration, child, now);
    }
  }

  /** Forgets what is closed; half-open SAs that got further no longer count. */
  #sweep(): void {
    for (const [key, sa] of this.#bySpi) if (sa.state.name === 'closed') this.#bySpi.delete(key);
    for (const [key, sa] of this.#halfOpen) {
      if (sa.state.name === 'closed' || sa.state.name === 'established') this.#halfOpen.delete(key);
    }
  }

  #drop(reason: IkeDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }

  #makeHost(): IkeHost {
    const { provider, keyExchange, random, connections } = this.#options;
    const others = (sa: IkeSa) =>
      [...this.#bySpi.values()].filter(
        (other) => other !== sa && other.connection === sa.connection && other.state.name === 'established',
      );
    return {
      provider,
      keyExchange,
      random,
      connections,
      emit: (output) => {
        if (output.kind === 'remove-child') this.#childSpis.delete(output.inboundSpi);
        this.#outputs.push(output);
      },
      job: (job: Job, done) => {
        const id = this.#nextJob++;
        this.#jobs.set(id, done);
        this.#outputs.push({ kind: 'job', id, job });
      },
      newIkeSpi: () => {
        const spi = new Uint8Array(8);
        do random(spi);
        while (spi.every((octet) => octet === 0) || this.#bySpi.has(toHex(spi)));
        return spi;
      },
      newChildSpi: () => {
        const octets = new Uint8Array(4);
        for (;;) {
          random(octets);
          const spi = new DataView(octets.buffer).getUint32(0);
          if (spi < FIRST_CHILD_SPI || this.#childSpis.has(spi)) continue;
          this.#childSpis.add(spi);
          return spi;
        }
      },
      add: (sa) => {
        this.#bySpi.set(toHex(sa.localSpi), sa);
      },
      forgetOthers: (sa, now) => {
        for (const other of others(sa)) other.close(now);
      },
      hasOther: (sa) => others(sa).length > 0,
    };
  }
}

const IKE_PORT = 500;
const COOKIE_THRESHOLD = 32;
const HALF_OPEN_LIMIT = 1024;
const FIRST_CHILD_SPI = 256;
