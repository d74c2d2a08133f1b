import { EdgeEventKind, type EdgeEvent as EdgeEventMessage } from '@weft/contracts/southbound';
import type { EdgeEvent, EventKind } from './edge-event.js';

/** An event as it goes to the controller, within the bounds of the contract. Pure. */
export function eventMessage({ number, at, kind, tunnelId, cause, detail, count }: EdgeEvent): EdgeEventMessage {
  return {
    number: BigInt(number),
    occurredAt: at,
    kind: KINDS[kind],
    tunnelId: tunnelId ?? '',
    cause: plain(cause ?? '', LONGEST_CAUSE),
    detail: plain(detail ?? '', LONGEST_DETAIL),
    count: count === undefined ? undefined : BigInt(count),
  };
}

/** What others said may be quoted in it: on one line, and not longer than is taken. */
function plain(text: string, longest: number): string {
  return text.slice(0, longest).replace(/[\p{Cc}\p{Cs}]/gu, ' ');
}

const KINDS: Readonly<Record<EventKind, EdgeEventKind>> = {
  events_lost: EdgeEventKind.EDGE_EVENT_KIND_EVENTS_LOST,
  agent_started: EdgeEventKind.EDGE_EVENT_KIND_AGENT_STARTED,
  tunnel_up: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_UP,
  tunnel_down: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_DOWN,
  ike_failed: EdgeEventKind.EDGE_EVENT_KIND_IKE_FAILED,
  path_mtu_changed: EdgeEventKind.EDGE_EVENT_KIND_PATH_MTU_CHANGED,
  worker_replaced: EdgeEventKind.EDGE_EVENT_KIND_WORKER_REPLACED,
  device_drops: EdgeEventKind.EDGE_EVENT_KIND_DEVICE_DROPS,
  bundle_refused: EdgeEventKind.EDGE_EVENT_KIND_BUNDLE_REFUSED,
  bundle_taken_back: EdgeEventKind.EDGE_EVENT_KIND_BUNDLE_TAKEN_BACK,
  storage_failed: EdgeEventKind.EDGE_EVENT_KIND_STORAGE_FAILED,
  certificate_renewed: EdgeEventKind.EDGE_EVENT_KIND_CERTIFICATE_RENEWED,
  certificate_renewal_failed: EdgeEventKind.EDGE_EVENT_KIND_CERTIFICATE_RENEWAL_FAILED,
  path_changed: EdgeEventKind.EDGE_EVENT_KIND_PATH_CHANGED,
  tunnel_idle: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_IDLE,
};
const LONGEST_CAUSE = 64;
const LONGEST_DETAIL = 512;
