import { EdgeEventKind } from '@weft/contracts/southbound';

/** What an edge can tell, as the API and the database name it. `unknown`: an agent that is newer than this controller. */
export const EVENT_KINDS = [
  'unknown',
  'events_lost',
  'agent_started',
  'tunnel_up',
  'tunnel_down',
  'ike_failed',
  'path_mtu_changed',
  'worker_replaced',
  'device_drops',
  'bundle_refused',
  'bundle_taken_back',
  'storage_failed',
  'certificate_renewed',
  'certificate_renewal_failed',
  'path_changed',
  'tunnel_idle',
] as const;
export type EventKindName = (typeof EVENT_KINDS)[number];

export function eventKindName(kind: EdgeEventKind): EventKindName {
  const [name] = Object.entries(EdgeEventKind).find(([, value]) => value === kind) ?? [];
  return EVENT_KINDS.find((known) => name === `EDGE_EVENT_KIND_${known.toUpperCase()}`) ?? 'unknown';
}
