import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import type { EdgeIdentity } from '../pki/edge-identity.js';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { tenantScope } from '../platform/database/database-scope.js';
import { InjectLogger } from '../platform/logging/logger.js';

/** Why an edge is not connected any more. */
export type DisconnectCause = 'stream_ended' | 'protocol_error' | 'internal_error';

interface Connection {
  readonly tenant: string;
  readonly edge: string;
  readonly type: 'edge.connected' | 'edge.disconnected';
  readonly at: Date;
  readonly cause: DisconnectCause | null;
}

/**
 * Tells the journals of tenants which edges come and go: many at a time, as after a restart all of them come at once, and one transaction
 * after the other, so that no edge waits and few connections to the database are taken.
 */
@Injectable()
export class ConnectionJournal implements OnApplicationShutdown {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #waiting: Connection[] = [];
  #writing: Promise<void> | undefined;
  /** How many did not fit since this was last said. */
  #lost = 0;

  constructor(database: Database, clock: Clock, @InjectLogger() logger: Logger) {
    this.#database = database;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'connection-journal' });
  }

  connected({ tenantId, edgeId }: EdgeIdentity): void {
    this.#tell({ tenant: tenantId, edge: edgeId, type: 'edge.connected', at: this.#clock.now(), cause: null });
  }

  disconnected({ tenantId, edgeId }: EdgeIdentity, cause: DisconnectCause): void {
    this.#tell({ tenant: tenantId, edge: edgeId, type: 'edge.disconnected', at: this.#clock.now(), cause });
  }

  /** What was told is written, if the database takes it. */
  async onApplicationShutdown(): Promise<void> {
    await this.#writing;
  }

  #tell(connection: Connection): void {
    if (this.#waiting.length >= WAITING_MAXIMUM) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(connection);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** The oldest, with what else waits for the journal of the same tenant. */
  #takeSome(): readonly Connection[] {
    const tenant = this.#waiting[0]?.tenant;
    const taken = new Set(this.#waiting.filter((each) => each.tenant === tenant).slice(0, WRITTEN_AT_ONCE));
    this.#waiting = this.#waiting.filter((each) => !taken.has(each));
    return [...taken];
  }

  /** Never rejects. What the database does not take is lost: the sessions that it tells of are what counts, and they are there. */
  async #writeAll(): Promise<void> {
    // Whatever comes in this turn goes with it.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const next = this.#takeSome();
      const tenantId = next[0]?.tenant ?? '';
      try {
        await this.#database.within(tenantScope(tenantId), () =>
          this.#database.transaction(
            (sql) => sql`select append_connection_events(${tenantId}, ${JSON.stringify(next)}::text::jsonb)`,
          ),
        );
      } catch (error) {
        this.#logger.warn(
          { err: error, tenantId, events: next.length },
          'that edges came or went is not in the journal',
        );
      }
      if (this.#lost > 0) this.#logger.warn({ events: this.#lost }, 'more edges come and go than the journal takes');
      this.#lost = 0;
    }
  }
}

/** In one transaction, for which the journal of the tenant is locked. */
const WRITTEN_AT_ONCE = 200;
/** More than there are edges: while the database is away they come and go more than once. */
const WAITING_MAXIMUM = 10_000;
