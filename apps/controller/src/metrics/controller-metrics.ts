import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { KeyShareCounts } from '../key-shares/key-share-counts.js';
import { EdgeStates } from '../observations/edge-states.js';
import { TunnelStates } from '../observations/tunnel-states.js';
import { AuthorityAlarms } from '../pki/authority-alarms.js';
import { RevocationLists } from '../pki/revocation-lists.js';
import { Database } from '../platform/database/database.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { installationScope } from '../platform/database/database-scope.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { EventCounts } from './event-counts.js';
import { METRICS, type MetricName } from './metric-table.js';
import { type MeasuredEdge, type MeasuredWebhooks, measuredEdges, measuredWebhooks } from './metrics.repository.js';

/** A request that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of its path, of which there are as many as operations; never the path itself. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** What the controller tells Prometheus. Most of it is looked up when somebody asks; requests are counted as they end. */
@Injectable()
export class ControllerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #samples: ReadonlyMap<MetricName, Gauge | Counter>;
  readonly #logger: Logger;

  constructor(
    private readonly database: Database,
    private readonly edges: EdgeStates,
    private readonly tunnels: TunnelStates,
    private readonly alarms: AuthorityAlarms,
    private readonly lists: RevocationLists,
    private readonly counts: EventCounts,
    private readonly shares: KeyShareCounts,
    @InjectLogger() logger: Logger,
  ) {
    this.#logger = logger.child({ component: 'metrics' });
    const { labels, help } = METRICS.weft_controller_http_request_seconds;
    this.#requests = new Histogram({
      name: 'weft_controller_http_request_seconds',
      help,
      labelNames: [...labels],
      buckets: REQUEST_BUCKETS_SECONDS,
      registers: [this.#registry],
    });
    this.#samples = new Map(
      (Object.keys(METRICS) as MetricName[])
        .filter((name) => METRICS[name].type !== 'histogram')
        .map((name) => [name, this.#sampled(name)]),
    );
  }

  /** Measures the process too, from now on. */
  start(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  answered({ method, route, status, seconds }: AnsweredRequest): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** The text exposition format of Prometheus, and its content type. What the database would have to say is absent without it. */
  async render(): Promise<{ readonly text: string; readonly contentType: string }> {
    for (const metric of this.#samples.values()) metric.reset();
    this.#set('weft_controller_info', 1, { node: process.versions.node });
    for (const { certificate, notAfter, condition } of this.alarms.current()) {
      this.#set('weft_controller_certificate_expiry_seconds', unixSeconds(notAfter), { certificate });
      this.#set('weft_controller_certificate_alarm', condition === 'valid' ? 0 : 1, { certificate });
    }
    const listEnds = this.lists.lastNextUpdate;
    if (listEnds !== undefined) this.#set('weft_controller_revocation_list_expiry_seconds', unixSeconds(listEnds));
    this.#countEvents();
    await this.#measureFabrics();
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  #countEvents(): void {
    const { openStreams, endedStreams, refusedStreams, deliveryAttempts } = this.counts;
    for (const [tenant, count] of openStreams) this.#set('weft_controller_event_streams', count, { tenant });
    for (const [reason, count] of endedStreams) {
      this.#set('weft_controller_event_streams_ended_total', count, { reason });
    }
    for (const [whose, count] of refusedStreams) {
      this.#set('weft_controller_event_streams_refused_total', count, { whose });
    }
    for (const [result, count] of deliveryAttempts) {
      this.#set('weft_controller_webhook_attempts_total', count, { result });
    }
    for (const [result, count] of this.shares.all) this.#set('weft_controller_key_shares_total', count, { result });
  }

  async #measureFabrics(): Promise<void> {
    try {
      const [all, webhooks] = await this.database.within(installationScope('metrics'), async () => [
        await measuredEdges(this.database.sql),
        await measuredWebhooks(this.database.sql),
      ]);
      for (const measured of webhooks) this.#measureWebhooks(measured);
      this.#set('weft_controller_database_up', 1);
      for (const tenant of new Set(all.map(({ tenantId }) => tenantId))) {
        this.#measureTenant(
          tenant,
          all.filter(({ tenantId }) => tenantId === tenant),
        );
      }
    } catch (error) {
      this.#set('weft_controller_database_up', 0);
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      this.#logger.debug({ err: error }, 'metrics of edges are absent: no database');
    }
  }

  #measureTenant(tenant: string, edges: readonly MeasuredEdge[]): void {
    const states = edges.map(({ edgeId }) => this.edges.of(edgeId));
    const isIn = { in_sync: 0, behind: 0, disconnected: 0 };
    for (const { connected, inSync } of states) isIn[connected ? (inSync ? 'in_sync' : 'behind') : 'disconnected']++;
    for (const [state, count] of Object.entries(isIn)) this.#set('weft_controller_edges', count, { tenant, state });
    const refusing = states.filter(({ lastRejection }) => lastRejection !== null).length;
    this.#set('weft_controller_edges_refusing', refusing, { tenant });
    for (const [state, count] of Object.entries(this.tunnels.count(tenant)))
      this.#set('weft_controller_tunnels', count, { tenant, state });
    const expiries = edges.flatMap(({ certificateNotAfter }) => certificateNotAfter?.getTime() ?? []);
    if (expiries.length === 0) return;
    const first = expiries.reduce((soonest, expiry) => Math.min(soonest, expiry));
    this.#set('weft_controller_edge_certificate_expiry_seconds', unixSeconds(new Date(first)), { tenant });
  }

  #measureWebhooks({ tenantId: tenant, pending, oldestPending, ...states }: MeasuredWebhooks): void {
    const { enabled, paused, disabled } = states;
    for (const [state, count] of Object.entries({ enabled, paused, disabled })) {
      this.#set('weft_controller_webhooks', count, { tenant, state });
    }
    this.#set('weft_controller_webhook_deliveries_pending', pending, { tenant });
    if (oldestPending === null) return;
    this.#set('weft_controller_webhook_oldest_pending_seconds', unixSeconds(oldestPending), { tenant });
  }

  #sampled(name: MetricName): Gauge | Counter {
    const { type, help, labels } = METRICS[name];
    const configuration = { name, help, labelNames: [...labels], registers: [this.#registry] };
    return type === 'counter' ? new Counter(configuration) : new Gauge(configuration);
  }

  /** Once for the same labels in a rendering: what is counted is counted elsewhere. */
  #set(name: MetricName, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#samples.get(name)?.inc(labels, value);
  }
}

function unixSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1_000);
}

const REQUEST_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
