import { EVENT_KINDS } from '../../observations/edge-event-kinds.js';

const EDGE_EVENT_TYPES = EVENT_KINDS.map((kind) => `edge.${kind}` as const);

/** Every type of event in the journal of a tenant. What edges tell of themselves is there under its kind. */
export const FABRIC_EVENT_TYPES = [
  ...EDGE_EVENT_TYPES,
  'edge.connected',
  'edge.disconnected',
  'edge.bundle_applied',
  'draft.changed',
  'draft.approved',
  'draft.approval_voided',
  'revision.published',
  'rollout.completed',
  'tenant.approval_rule_changed',
  'webhook.disabled',
  'authority.expiring',
  'authority.replaced',
] as const;
export type FabricEventType = (typeof FABRIC_EVENT_TYPES)[number];
