import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Response } from 'express';
import type { Logger } from 'pino';
import { EventCounts } from '../../metrics/event-counts.js';
import { Clock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/database-errors.js';
import { ACCOUNTS, installationScope, tenantScope } from '../../platform/database/database-scope.js';
import { AccessControl } from '../../platform/http/access-control.js';
import type { AuthenticatedRequest, CurrentUser } from '../../platform/http/current-user.decorator.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { admit } from '../access/admission.js';
import type { EventPosition } from './event-position.js';
import { type EventSource, EventStream } from './event-stream.js';
import { tooManyStreams } from './events.errors.js';
import { fabricEventOf } from './fabric-event-of.js';
import { FabricEventsRepository } from './fabric-events.repository.js';

interface OpenStream {
  readonly stream: EventStream;
  readonly tenantId: string;
  readonly user: CurrentUser;
  /** What it was opened with, which has to be good for as long as it is open. */
  readonly request: AuthenticatedRequest;
  readonly operation: string;
  /** When it last was known to be; monotonic milliseconds. */
  confirmedAt: number;
}

/** The open event streams of this controller. */
@Injectable()
export class EventStreams implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #database: Database;
  readonly #repository: FabricEventsRepository;
  readonly #access: AccessControl;
  readonly #clock: Clock;
  readonly #counts: EventCounts;
  readonly #logger: Logger;
  readonly #open = new Set<OpenStream>();
  #poll: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(
    database: Database,
    repository: FabricEventsRepository,
    access: AccessControl,
    clock: Clock,
    counts: EventCounts,
    @InjectLogger() logger: Logger,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#access = access;
    this.#clock = clock;
    this.#counts = counts;
    this.#logger = logger.child({ component: 'event-streams' });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#database.listen('weft_event', (tenantId) => this.#wakeTenant(tenantId));
    await this.#database.listen('weft_access', (userId) => void this.#confirmAll((open) => open.user.id === userId));
    this.#schedulePoll();
    this.#scheduleCheck();
  }

  /** The HTTP door waits for what is open: it ends before. */
  onModuleDestroy(): void {
    this.#stopping = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#check);
    for (const { stream } of this.#open) stream.end('shutting_down');
  }

  /**
   * Answers with the events of the tenant until the client or what it came with has gone. Throws DomainError 'too_many_streams' before
   * anything is answered.
   */
  async serve(
    tenantId: string,
    operation: string,
    request: AuthenticatedRequest,
    response: Response,
    after: EventPosition | undefined,
  ): Promise<void> {
    const { user } = request;
    if (user === undefined) throw new Error('an event stream is open to everybody');
    this.#refuseTooMany(tenantId, user);
    // Not by Express, which would add a charset; the type has one encoding only. nginx would keep it back.
    response.setHeader('Content-Type', 'text/event-stream').setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    if (request.method === 'HEAD' || response.destroyed) {
      response.end();
      return;
    }
    const stream = new EventStream(response, this.#source(tenantId), TIMES);
    const open = { stream, tenantId, user, request, operation, confirmedAt: this.#clock.monotonicMilliseconds() };
    this.#open.add(open);
    this.#counts.streamOpened(tenantId);
    try {
      // What it came with may have ended before anybody would have told this stream.
      await this.#confirm(open);
      if (this.#stopping) stream.end('shutting_down');
      await stream.run(after, isPassing);
    } catch (error) {
      this.#logger.error({ err: error, tenantId }, 'an event stream failed');
      stream.end('internal_error');
    } finally {
      this.#open.delete(open);
      this.#counts.streamEnded(tenantId, stream.reason ?? 'client_closed');
      const by = { user: user.name, ...(user.apiToken && { apiToken: user.apiToken.name }) };
      this.#logger.info({ tenantId, ...by, reason: stream.reason }, 'event stream ended');
    }
  }

  #refuseTooMany(tenantId: string, user: CurrentUser): void {
    const open = [...this.#open];
    const ofUser = open.filter((other) => other.user.id === user.id).length;
    if (ofUser >= STREAMS_OF_A_USER) throw this.#refused('user', STREAMS_OF_A_USER);
    const ofTenant = open.filter((other) => other.tenantId === tenantId).length;
    if (ofTenant >= STREAMS_OF_A_TENANT) throw this.#refused('tenant', STREAMS_OF_A_TENANT);
    if (open.length >= STREAMS_OF_A_CONTROLLER) throw this.#refused('controller', STREAMS_OF_A_CONTROLLER);
  }

  #refused(whose: Parameters<typeof tooManyStreams>[0], most: number): DomainError {
    this.#counts.streamRefused(whose);
    return tooManyStreams(whose, most);
  }

  #source(tenantId: string): EventSource {
    const within = <T>(work: () => Promise<T>) => this.#database.within(tenantScope(tenantId), work);
    let journal = '';
    return {
      newest: () =>
        within(async () => {
          const found = await this.#database.transaction((sql) => this.#repository.journal(sql, tenantId));
          journal = found.journal;
          return { journal, sequence: found.last };
        }),
      read: (after, limit) =>
        within(async () => {
          const rows = await this.#repository.list(this.#database.sql, tenantId, after, limit);
          return rows.map((row) => ({ sequence: row.sequence, event: fabricEventOf(journal, row) }));
        }),
    };
  }

  #wakeTenant(tenantId: string): void {
    for (const open of this.#open) if (open.tenantId === tenantId) open.stream.wake();
  }

  #schedulePoll(): void {
    if (!this.#stopping) this.#poll = setTimeout(() => void this.#pollOnce(), POLL_INTERVAL_MILLISECONDS);
  }

  async #pollOnce(): Promise<void> {
    const tenantIds = [...new Set([...this.#open].map(({ tenantId }) => tenantId))];
    try {
      if (tenantIds.length > 0) {
        const journals = await this.#database.within(installationScope('event streams'), () =>
          this.#repository.journals(this.#database.sql, tenantIds),
        );
        const last = new Map(journals.map((journal) => [journal.tenantId, journal.last]));
        for (const { stream, tenantId } of this.#open) if (stream.isBehind(last.get(tenantId) ?? 0n)) stream.wake();
      }
    } catch (error) {
      if (!isPassing(error)) this.#logger.error({ err: error }, 'polling for events fails');
    }
    this.#schedulePoll();
  }

  #scheduleCheck(): void {
    if (!this.#stopping) this.#check = setTimeout(() => void this.#checkOnce(), ACCESS_INTERVAL_MILLISECONDS);
  }

  async #checkOnce(): Promise<void> {
    await this.#confirmAll(() => true);
    this.#scheduleCheck();
  }

  async #confirmAll(concerns: (open: OpenStream) => boolean): Promise<void> {
    for (const open of [...this.#open].filter(concerns)) if (this.#open.has(open)) await this.#confirm(open);
  }

  /** Ends the stream of whoever would not be let in now, and of whom nobody can tell for long. Never rejects. */
  async #confirm(open: OpenStream): Promise<void> {
    const { stream, operation, request } = open;
    try {
      await this.#database.within(ACCOUNTS, () => admit(this.#access, operation, request));
      open.confirmedAt = this.#clock.monotonicMilliseconds();
    } catch (error) {
      if (error instanceof DomainError && error.kind !== 'rate_limited') stream.end(error.code);
      else if (this.#clock.monotonicMilliseconds() - open.confirmedAt > UNCONFIRMED_MAXIMUM_MILLISECONDS) {
        stream.end('access_unconfirmed');
      }
    }
  }
}

/** Polling repeats what fails for such a reason. */
function isPassing(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError;
}

/** Of this controller; each of those on a database has its own. */
export const STREAMS_OF_A_USER = 10;
const STREAMS_OF_A_TENANT = 100;
/** Less than half of the connections that the HTTP door takes. */
const STREAMS_OF_A_CONTROLLER = 400;

const TIMES = { heartbeatMilliseconds: 15_000, drainMilliseconds: 30_000, endMilliseconds: 1_000 };
/** An event of which the notification was lost is noticed after this long at the latest. */
const POLL_INTERVAL_MILLISECONDS = 2_000;
/** So is an access that has ended, as by time. */
const ACCESS_INTERVAL_MILLISECONDS = 10_000;
/** A stream that nobody could look after for this long ends: while there is no database there are no events either. */
const UNCONFIRMED_MAXIMUM_MILLISECONDS = 60_000;
