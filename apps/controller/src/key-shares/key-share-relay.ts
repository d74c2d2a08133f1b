import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Bundle, KeyingMode, type KeyShare } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { tenantScope } from '../platform/database/database-scope.js';
import { AttemptLimiter } from '../platform/limits/attempt-limiter.js';
import { InjectLogger } from '../platform/logging/logger.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { malformed, ProtocolError } from '../southbound/protocol-error.js';
import { KeyShareCounts } from './key-share-counts.js';
import { KeySharesRepository, type StoredShare } from './key-shares.repository.js';
import { RelayedEdge, type RelayedTunnel } from './relayed-edge.js';

/**
 * Relays what the edges of a tunnel tell each other to agree on keys (docs/adr/0026), as it is: this controller can neither make such a
 * message nor read a key in one. The latest of each end is kept in the database, from which whoever has the session of the other end
 * takes it, this controller or another: at once when it hears of it, and with every new session.
 *
 * What comes faster than it is stored waits, the latest of each tunnel: an edge says nothing that does not take the place of what it
 * said before.
 */
@Injectable()
export class KeyShareRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #database: Database;
  readonly #repository: KeySharesRepository;
  readonly #counts: KeyShareCounts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tunnels = new Map<string, RelayedTunnel>();
  readonly #edges = new Map<string, RelayedEdge>();
  readonly #rate = new AttemptLimiter(MESSAGE_RATE);
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<void>>();
  #lookAgain: NodeJS.Timeout | undefined;
  /** The log says once in an outage that the database takes or gives nothing. */
  #databaseFails = false;

  constructor(
    database: Database,
    repository: KeySharesRepository,
    counts: KeyShareCounts,
    clock: Clock,
    @InjectLogger() logger: Logger,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#counts = counts;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'key-shares' });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#database.listen('weft_key_share', (tunnelId) => this.#heard(tunnelId));
    this.#lookAgain = setInterval(() => this.#lookForAll(), LOOK_AGAIN_MILLISECONDS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#lookAgain);
    this.#stopping.abort();
    await Promise.all(this.#work);
  }

  /** The tunnels of a tenant in this keying mode, as its newest revision wants them: by tunnel id, their ends. */
  retarget(tenantId: string, tunnels: ReadonlyMap<string, readonly [string, string]>): void {
    for (const [tunnelId, tunnel] of this.#tunnels) {
      if (tunnel.tenantId === tenantId && !tunnels.has(tunnelId)) this.#tunnels.delete(tunnelId);
    }
    for (const [tunnelId, edgeIds] of tunnels) {
      const isNew = !this.#tunnels.has(tunnelId);
      this.#tunnels.set(tunnelId, { tenantId, edgeIds });
      if (isNew) this.#heard(tunnelId);
    }
    for (const edge of this.#edges.values()) {
      if (edge.session.tenantId !== tenantId) continue;
      const gone = edge.waiting.retain((tunnelId) => this.#isEndOf(tunnelId, edge));
      this.#counts.add('no_tunnel', gone);
      this.#store(edge);
    }
  }

  /** An edge has said Hello. What it runs follows with `bundleRunning`. */
  sessionOpened(session: EdgeSession, keyingModes: readonly KeyingMode[]): void {
    const offers = keyingModes.includes(KeyingMode.KEYING_MODE_CONTROLLER_BLIND);
    this.#edges.set(session.edgeId, new RelayedEdge(session, offers));
  }

  /** What it has said and nobody has stored it says again with its next session. */
  sessionClosed(session: EdgeSession): void {
    const edge = this.#edges.get(session.edgeId);
    if (edge?.session !== session) return;
    this.#edges.delete(session.edgeId);
    this.#counts.add('unstored', edge.waiting.size);
  }

  /** The edge runs this bundle; undefined when it runs one that the controller does not know. */
  bundleRunning(edgeId: string, running: Bundle | undefined): void {
    const edge = this.#edges.get(edgeId);
    if (edge?.offers !== true) return;
    edge.runs(running);
    this.#lookForAllOf(edge);
  }

  /**
   * Takes a message for the other end of a tunnel. One of a tunnel that is none any more is left: the revision that took it away may
   * have crossed with it. Throws ProtocolError.
   */
  received(session: EdgeSession, share: KeyShare): void {
    const edge = this.#edges.get(session.edgeId);
    if (edge?.session !== session) return;
    if (!edge.offers) {
      throw malformed('key_share', 'is taken only from an edge whose Hello offers KEYING_MODE_CONTROLLER_BLIND');
    }
    if (!this.#isEndOf(share.tunnelId, edge)) {
      this.#leave(edge, share.tunnelId);
      return;
    }
    const put = edge.waiting.put(share);
    if (put === 'full') {
      throw new ProtocolError('RESOURCE_EXHAUSTED', 'key_share: more came than could be stored; reconnect later');
    }
    if (put === 'superseding') this.#counts.add('superseded', 1);
    this.#store(edge);
  }

  #leave(edge: RelayedEdge, tunnelId: string): void {
    this.#counts.add('no_tunnel', 1);
    if (edge.saidStray) return;
    edge.saidStray = true;
    const { edgeId, tenantId } = edge.session;
    this.#logger.warn({ edgeId, tenantId, tunnelId }, 'a key share is of no tunnel in that keying mode; not relayed');
  }

  #isEndOf(tunnelId: string, { session }: RelayedEdge): boolean {
    const tunnel = this.#tunnels.get(tunnelId);
    return tunnel?.tenantId === session.tenantId && tunnel.edgeIds.includes(session.edgeId);
  }

  #heard(tunnelId: string): void {
    for (const edgeId of this.#tunnels.get(tunnelId)?.edgeIds ?? []) {
      const edge = this.#edges.get(edgeId);
      if (edge?.peerIn(tunnelId, this.#tunnels.get(tunnelId)) === undefined) continue;
      edge.due.add(tunnelId);
      this.#tell(edge);
    }
  }

  #lookForAll(): void {
    for (const edge of this.#edges.values()) this.#lookForAllOf(edge);
  }

  #lookForAllOf(edge: RelayedEdge): void {
    for (const tunnelId of edge.tunnelIds) edge.due.add(tunnelId);
    this.#store(edge);
    this.#tell(edge);
  }

  #isLive({ session }: RelayedEdge): boolean {
    return !this.#stopping.signal.aborted && this.#edges.get(session.edgeId)?.session === session;
  }

  #store(edge: RelayedEdge): void {
    if (!edge.storing && edge.waiting.size > 0) this.#start(this.#storeAll(edge));
  }

  #tell(edge: RelayedEdge): void {
    if (!edge.telling && edge.due.size > 0) this.#start(this.#tellAll(edge));
  }

  #start(work: Promise<void>): void {
    const watched = work.finally(() => this.#work.delete(watched));
    this.#work.add(watched);
  }

  /** Stores what waits of tunnels that the edge runs. Never rejects. */
  async #storeAll(edge: RelayedEdge): Promise<void> {
    edge.storing = true;
    while (this.#isLive(edge)) {
      const { shares, wait } = this.#nextToStore(edge);
      if (shares.length === 0 && wait === 0) break;
      if (shares.length === 0) {
        await this.#pause(wait);
      } else if (!(await this.#stored(edge, shares))) {
        this.#counts.add('superseded', edge.waiting.putBack(shares));
        await this.#pause(RETRY_MILLISECONDS);
      }
    }
    // In the turn in which there was nothing more: what comes in the next one begins anew.
    edge.storing = false;
  }

  /** A number of messages that may be stored now, or how long none may. */
  #nextToStore(edge: RelayedEdge): { readonly shares: readonly KeyShare[]; readonly wait: number } {
    const now = this.#clock.monotonicMilliseconds();
    let left = STORED_AT_ONCE;
    let wait = 0;
    const shares = edge.waiting.take((tunnelId) => {
      if (edge.peerIn(tunnelId, this.#tunnels.get(tunnelId)) === undefined) return 'leave';
      if (left === 0) return 'stop';
      wait = this.#rate.attempt(edge.session.edgeId, now);
      if (wait > 0) return 'stop';
      left -= 1;
      return 'take';
    });
    return { shares, wait };
  }

  async #stored(edge: RelayedEdge, shares: readonly KeyShare[]): Promise<boolean> {
    const { tenantId, edgeId } = edge.session;
    try {
      await this.#database.within(tenantScope(tenantId), () =>
        this.#database.transaction((sql) => this.#repository.store(sql, { tenantId, edgeId }, shares)),
      );
    } catch (error) {
      this.#sayDatabaseFails(error, edgeId);
      return false;
    }
    this.#databaseFails = false;
    this.#counts.add('stored', shares.length);
    return true;
  }

  /** Sends the edge what other ends have said since it was told last. Never rejects. */
  async #tellAll(edge: RelayedEdge): Promise<void> {
    edge.telling = true;
    while (edge.due.size > 0 && this.#isLive(edge)) {
      const asked = [...edge.due].slice(0, TOLD_AT_ONCE);
      for (const tunnelId of asked) edge.due.delete(tunnelId);
      const found = await this.#newer(edge, asked);
      if (found === undefined) {
        for (const tunnelId of asked) edge.due.add(tunnelId);
        await this.#pause(RETRY_MILLISECONDS);
      } else {
        // The next ones are read when these are on their way: an edge that reads slowly has few of them wait for it.
        await Promise.all(found.map((share) => this.#send(edge, share)));
      }
    }
    edge.telling = false;
  }

  /** Undefined when the database does not say. */
  async #newer(edge: RelayedEdge, tunnelIds: readonly string[]): Promise<readonly StoredShare[] | undefined> {
    const { tenantId, edgeId } = edge.session;
    const wanted = tunnelIds.flatMap((tunnelId) => {
      const sender = edge.peerIn(tunnelId, this.#tunnels.get(tunnelId));
      return sender === undefined ? [] : [{ tunnelId, sender, after: edge.told.get(tunnelId) ?? 0n }];
    });
    if (wanted.length === 0) return [];
    try {
      const found = await this.#database.within(tenantScope(tenantId), () =>
        this.#repository.newer(this.#database.sql, tenantId, wanted),
      );
      this.#databaseFails = false;
      return found;
    } catch (error) {
      this.#sayDatabaseFails(error, edgeId);
      return undefined;
    }
  }

  /** Resolves when it has left, or never will. */
  #send(edge: RelayedEdge, { tunnelId, signedMessage, version }: StoredShare): Promise<void> {
    const from = edge.peerIn(tunnelId, this.#tunnels.get(tunnelId));
    // A bundle without the tunnel may have come into force while it was read.
    if (from === undefined || !this.#isLive(edge)) return Promise.resolve();
    edge.told.set(tunnelId, version);
    this.#counts.add('relayed', 1);
    const to = edge.session.edgeId;
    this.#logger.debug({ tunnelId, from, to, octets: signedMessage.length }, 'key share relayed');
    return new Promise((resolve) =>
      edge.session.send({ $case: 'keyShare', value: { tunnelId, signedMessage } }, resolve),
    );
  }

  #sayDatabaseFails(error: unknown, edgeId: string): void {
    if (!this.#databaseFails) this.#logger.warn({ err: error, edgeId }, 'key shares wait for the database');
    this.#databaseFails = true;
  }

  /** Ends early when the controller stops. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    await pause(milliseconds, undefined, { ref: false, signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/**
 * Of one edge: with a session it says at once what it has said last in each of its tunnels, of which there are 4096 at most; later little.
 * What comes faster waits here. As many edges as the inventory may hold.
 */
const MESSAGE_RATE = { burst: 4096, intervalMilliseconds: 50, capacity: 10_000 };
/** In one transaction, and read with one statement: 1 MiB at most. */
const STORED_AT_ONCE = 64;
const TOLD_AT_ONCE = 64;
const RETRY_MILLISECONDS = 1_000;
/** What is announced while the connection that listens is away is found after this long at the latest. */
const LOOK_AGAIN_MILLISECONDS = 30_000;
