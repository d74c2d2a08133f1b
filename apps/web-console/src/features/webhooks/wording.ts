import type { Webhook, WebhookDelivery, WebhookInput } from '../../api/index.js';
import { formatCount } from '../../lib/format-quantity.js';
import type { Tone } from '../../ui/StateMark.js';

export type EventType = NonNullable<WebhookInput['types']>[number];

/** Every type of event, as people read it, by what it is about. */
export const EVENT_LABELS = {
  Edges: {
    'edge.connected': 'Edge connected',
    'edge.disconnected': 'Edge disconnected',
    'edge.agent_started': 'Agent started',
    'edge.bundle_applied': 'Bundle in force',
    'edge.bundle_refused': 'Bundle refused',
    'edge.bundle_taken_back': 'Bundle taken back',
    'edge.certificate_renewed': 'Certificate renewed',
    'edge.certificate_renewal_failed': 'Certificate not renewed',
    'edge.device_drops': 'Packets dropped by the device',
    'edge.events_lost': 'Events lost',
    'edge.storage_failed': 'Storage failed',
    'edge.worker_replaced': 'Worker replaced',
    'edge.unknown': 'Something newer than this controller',
  },
  Tunnels: {
    'edge.tunnel_up': 'Tunnel up',
    'edge.tunnel_down': 'Tunnel down',
    'edge.tunnel_idle': 'Tunnel waits for traffic',
    'edge.ike_failed': 'Negotiation failed',
    'edge.path_changed': 'Went to another path',
    'edge.path_mtu_changed': 'Path MTU changed',
  },
  Revisions: {
    'draft.changed': 'Draft changed',
    'draft.approved': 'Draft approved',
    'draft.approval_voided': 'Approval voided',
    'revision.published': 'Revision published',
    'rollout.completed': 'Rollout completed',
  },
  Tenant: {
    'tenant.approval_rule_changed': 'Rule of approval changed',
    'webhook.disabled': 'Webhook disabled',
    'authority.expiring': 'Authority about to end',
    'authority.replaced': 'Authority replaced',
  },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<EventType, string>>>>>;

/** A type without a label does not compile. */
const LABELS: Readonly<Record<EventType, string>> = {
  ...EVENT_LABELS.Edges,
  ...EVENT_LABELS.Tunnels,
  ...EVENT_LABELS.Revisions,
  ...EVENT_LABELS.Tenant,
};

/** Of a delivery, which may be a test, or of a type that a newer controller knows. */
export function typeLabel(type: string): string {
  if (type === 'webhook.test') return 'Test';
  return LABELS[type as EventType] ?? type;
}

const CAUSES: Readonly<Record<NonNullable<Webhook['disabledCause']>, string>> = {
  attempts_exhausted: 'no attempt of the last delivery got through',
  gone: 'the receiver answered 410 Gone',
  queue_full: 'more than 10,000 events wait',
};

/** How a webhook is. */
export function webhookMark({ enabled, disabledCause, pending }: Webhook): {
  readonly tone: Tone;
  readonly label: string;
} {
  if (disabledCause !== null) return { tone: 'down', label: 'Disabled' };
  if (!enabled) return { tone: 'idle', label: 'Paused' };
  if (pending === 0) return { tone: 'up', label: 'On' };
  return { tone: 'busy', label: pending === 1 ? '1 delivery waits' : `${formatCount(pending)} deliveries wait` };
}

/** Why the controller has disabled it; null: it has not. */
export function causeText({ disabledCause }: Webhook): string | null {
  return disabledCause === null ? null : `The controller has disabled it: ${CAUSES[disabledCause]}.`;
}

/** `all`, or how many, or the one. */
export function typesText(types: readonly string[]): string {
  if (types.length === 0) return 'all';
  return types.length === 1 ? typeLabel(types[0] ?? '') : `${types.length} types`;
}

/** What came of a delivery. */
export function deliveryMark({ status, attempts }: WebhookDelivery): { readonly tone: Tone; readonly label: string } {
  if (status === 'delivered') return { tone: 'up', label: 'Delivered' };
  if (status === 'failed') return { tone: 'down', label: 'Given up' };
  return attempts === 0 ? { tone: 'busy', label: 'Waits' } : { tone: 'warning', label: 'To be tried again' };
}

const FAILURES: Readonly<Record<string, string>> = {
  timed_out: 'no answer within 15 seconds',
  address_refused: 'an address that the controller may not connect to',
  plain_http_refused: 'http, where only https is allowed',
  name_unknown: 'the name has no address',
  secret_unreadable: 'the secret cannot be read with the key of this controller',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was broken off',
};

/** What the receiver answered to the last attempt, or why there was no answer. Null: there was no attempt. */
export function answerText({ attempts, responseStatus, failure }: WebhookDelivery): string | null {
  if (responseStatus !== null) return `HTTP ${responseStatus}`;
  if (failure === null) return attempts === 0 ? null : 'under way';
  return FAILURES[failure] ?? failure;
}
