/** A metric of the controller as Prometheus knows it. */
export interface Metric {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric that is the controller's own. Those of the process and of Node (`process_`, `nodejs_`) come with them. */
export const METRICS = {
  weft_controller_info: { type: 'gauge', help: 'Version of Node; always 1', labels: ['node'] },
  weft_controller_database_up: { type: 'gauge', help: '1 while the database answers', labels: [] },
  weft_controller_edges: {
    type: 'gauge',
    help: 'Edges, by what they are now: in_sync, behind (connected, another bundle), disconnected',
    labels: ['tenant', 'state'],
  },
  weft_controller_edges_refusing: {
    type: 'gauge',
    help: 'Edges that refuse the bundle that they should run',
    labels: ['tenant'],
  },
  weft_controller_tunnels: {
    type: 'gauge',
    help: 'Tunnels, by state: up, waiting (for traffic: nothing is wrong), establishing, down',
    labels: ['tenant', 'state'],
  },
  weft_controller_edge_certificate_expiry_seconds: {
    type: 'gauge',
    help: 'When the certificate of an edge expires that does so first, as Unix time',
    labels: ['tenant'],
  },
  weft_controller_certificate_expiry_seconds: {
    type: 'gauge',
    help: 'When a certificate of the controller expires, as Unix time',
    labels: ['certificate'],
  },
  weft_controller_certificate_alarm: {
    type: 'gauge',
    help: '1 when a certificate of the controller is to be replaced now or has expired, otherwise 0',
    labels: ['certificate'],
  },
  weft_controller_revocation_list_expiry_seconds: {
    type: 'gauge',
    help: 'When the revocation list that was made last is not to be used any more, as Unix time; absent before the first',
    labels: [],
  },
  weft_controller_event_streams: {
    type: 'gauge',
    help: 'Event streams that are open at this controller; a tenant may have 100',
    labels: ['tenant'],
  },
  weft_controller_event_streams_ended_total: {
    type: 'counter',
    help: 'Event streams that have ended, by why: client_closed, or the reason that the event `end` gave',
    labels: ['reason'],
  },
  weft_controller_event_streams_refused_total: {
    type: 'counter',
    help: 'Event streams that were refused: of the user, the tenant or the controller there were too many',
    labels: ['whose'],
  },
  weft_controller_webhooks: {
    type: 'gauge',
    help: 'Webhooks, by what they are now: enabled, paused (by somebody), disabled (by the controller)',
    labels: ['tenant', 'state'],
  },
  weft_controller_webhook_deliveries_pending: {
    type: 'gauge',
    help: 'Deliveries of webhooks that wait; from 10,000 on the webhook is disabled',
    labels: ['tenant'],
  },
  weft_controller_webhook_oldest_pending_seconds: {
    type: 'gauge',
    help: 'Of when the delivery is that has waited longest for an enabled webhook, as Unix time; absent while none waits',
    labels: ['tenant'],
  },
  weft_controller_webhook_attempts_total: {
    type: 'counter',
    help: 'Attempts of deliveries by this controller: delivered, answered (with another status than 2xx), unanswered',
    labels: ['result'],
  },
  weft_controller_key_shares_total: {
    type: 'counter',
    help: 'Messages between edges that make their keys by them: stored, relayed (each time), superseded by a later one before that, unstored (the session ended), no_tunnel (of none in that mode)',
    labels: ['result'],
  },
  weft_controller_http_request_seconds: {
    type: 'histogram',
    help: 'Requests to the REST API and how long they took',
    labels: ['method', 'route', 'status'],
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
