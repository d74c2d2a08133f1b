import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../../config/controller-config.js';
import { type AttemptResult, EventCounts } from '../../metrics/event-counts.js';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/database-errors.js';
import { type DatabaseScope, installationScope, tenantScope } from '../../platform/database/database-scope.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { webhookBody } from './webhook-body.js';
import { post } from './webhook-post.js';
import { type AttemptOutcome, type ClaimedDelivery, WebhookQueue } from './webhook-queue.js';
import { ATTEMPTS_MAXIMUM, retryDelayMilliseconds } from './webhook-retry.js';
import { signedHeaders } from './webhook-signature.js';
import { resolveName } from './webhook-target.js';
import { sealingPlace } from './webhooks.service.js';

/** Delivers what waits, one at a time to each webhook: at least once, whichever controller of the database comes first. */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #database: Database;
  readonly #queue: WebhookQueue;
  readonly #secrets: SecretBox;
  readonly #config: ControllerConfig;
  readonly #clock: Clock;
  readonly #counts: EventCounts;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** By webhook: the attempt under way. */
  readonly #busy = new Map<string, Promise<void>>();
  #poll: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** Whether a look is to follow the one under way. */
  #lookAgain = false;
  #pollFails = false;

  constructor(
    database: Database,
    queue: WebhookQueue,
    secrets: SecretBox,
    config: ControllerConfig,
    clock: Clock,
    counts: EventCounts,
    @InjectLogger() logger: Logger,
  ) {
    this.#database = database;
    this.#queue = queue;
    this.#secrets = secrets;
    this.#config = config;
    this.#clock = clock;
    this.#counts = counts;
    this.#logger = logger.child({ component: 'webhooks' });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#database.listen('weft_webhook', () => this.#look());
    this.#look();
  }

  /** What is under way is broken off: whoever comes next finds it when its lease is over. */
  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#poll);
    await this.#looking;
    await Promise.all(this.#busy.values());
  }

  /** One look at a time, and one more for what came meanwhile. */
  #look(): void {
    if (this.#lookAgain || this.#stopping.signal.aborted) return;
    this.#lookAgain = true;
    this.#looking = this.#looking.then(() => {
      this.#lookAgain = false;
      return this.#lookOnce();
    });
  }

  async #lookOnce(): Promise<void> {
    clearTimeout(this.#poll);
    if (this.#stopping.signal.aborted) return;
    try {
      const room = UNDER_WAY_MAXIMUM - this.#busy.size;
      if (room > 0) {
        const claimed = await this.#write(DELIVERY, (sql) =>
          this.#queue.claim(sql, [...this.#busy.keys()], room, LEASE_MILLISECONDS),
        );
        for (const delivery of claimed) this.#start(delivery);
      }
      await this.#disableFull();
      this.#pollFails = false;
    } catch (error) {
      // Once per outage, not once per poll.
      if (!this.#pollFails) this.#logger.warn({ err: error }, 'looking for deliveries fails; polling repeats it');
      this.#pollFails = true;
    }
    if (!this.#stopping.signal.aborted) this.#poll = setTimeout(() => this.#look(), POLL_INTERVAL_MILLISECONDS);
  }

  #start(delivery: ClaimedDelivery): void {
    const attempt = this.#attempt(delivery)
      .catch((error: unknown) => {
        const passing = error instanceof DatabaseUnavailableError;
        const { id, tenantId, webhookId } = delivery;
        this.#logger[passing ? 'warn' : 'error'](
          { err: error, tenantId, webhookId, deliveryId: id },
          'what came of a delivery is not stored; it is tried again',
        );
      })
      .finally(() => {
        this.#busy.delete(delivery.webhookId);
        this.#look();
      });
    this.#busy.set(delivery.webhookId, attempt);
  }

  async #attempt(delivery: ClaimedDelivery): Promise<void> {
    const outcome = await this.#post(delivery);
    // Nobody knows what came of it.
    if (this.#stopping.signal.aborted && outcome.kind === 'failed') return;
    this.#counts.deliveryAttempted(resultOf(outcome));
    await this.#write(tenantScope(delivery.tenantId), (sql) => this.#settle(sql, delivery, outcome));
    const { id, tenantId, webhookId, attempts } = delivery;
    this.#logger.debug({ tenantId, webhookId, deliveryId: id, attempts, outcome }, 'webhook delivery attempted');
  }

  async #settle(sql: SqlExecutor, delivery: ClaimedDelivery, outcome: AttemptOutcome): Promise<void> {
    if (outcome.kind === 'delivered') {
      await this.#queue.delivered(sql, delivery, outcome.status);
      return;
    }
    const { tenantId, webhookId, attempts } = delivery;
    const gone = outcome.status === GONE;
    const last = gone || attempts >= ATTEMPTS_MAXIMUM;
    const delay = last ? undefined : retryDelayMilliseconds(attempts, Math.random());
    if (!(await this.#queue.failed(sql, delivery, outcome, delay)) || !last) return;
    await this.#queue.disable(sql, tenantId, webhookId, gone ? 'gone' : 'attempts_exhausted');
    this.#logger.warn({ tenantId, webhookId, attempts, outcome }, 'webhook disabled');
  }

  async #post(delivery: ClaimedDelivery): Promise<AttemptOutcome> {
    const { id, url } = delivery;
    const body = webhookBody(delivery);
    let secrets: readonly Buffer[];
    try {
      secrets = this.#openSecrets(delivery);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { kind: 'failed', status: null, failure: error.code };
    }
    const headers = signedHeaders({ id, at: this.#clock.now() }, body, secrets);
    for (const secret of secrets) secret.fill(0);
    const { webhookNetworks: allowed } = this.#config;
    const limits = { allowed, timeoutMilliseconds: TIMEOUT_MILLISECONDS, stopping: this.#stopping.signal };
    return post({ url, headers, body }, { ...limits, resolve: resolveName });
  }

  #openSecrets({ tenantId, webhookId, sealedSecret, previousSealedSecret }: ClaimedDelivery): readonly Buffer[] {
    const place = sealingPlace(tenantId, webhookId);
    const sealed = previousSealedSecret === null ? [sealedSecret] : [sealedSecret, previousSealedSecret];
    return sealed.map((each) => this.#secrets.open(place, each));
  }

  async #disableFull(): Promise<void> {
    for (const { tenantId, webhookId } of await this.#write(DELIVERY, (sql) => this.#queue.full(sql))) {
      await this.#write(tenantScope(tenantId), (sql) => this.#queue.disable(sql, tenantId, webhookId, 'queue_full'));
      this.#logger.warn({ tenantId, webhookId }, 'webhook disabled: its queue is full');
    }
  }

  #write<T>(scope: DatabaseScope, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(scope, () => this.#database.transaction(work));
  }
}

function resultOf(outcome: AttemptOutcome): AttemptResult {
  if (outcome.kind === 'delivered') return 'delivered';
  return outcome.status === null ? 'unanswered' : 'answered';
}

const DELIVERY = installationScope('webhooks');
const GONE = 410;
/** To as many webhooks at a time. */
const UNDER_WAY_MAXIMUM = 32;
/** For a whole attempt, from the name to the head of the answer. */
const TIMEOUT_MILLISECONDS = 15_000;
/** Longer than an attempt can take; then another controller may take it for lost. */
const LEASE_MILLISECONDS = 60_000;
/** A delivery whose notification was lost, and one whose time has come, is noticed after this long at the latest. */
const POLL_INTERVAL_MILLISECONDS = 1_000;
