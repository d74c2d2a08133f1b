/** What an edge tells its controller of its own accord. The names are those of the southbound contract, in lower case. */
export const EVENT_KINDS = [
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
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that happened, before it has its number. */
export interface Occurrence {
  readonly kind: EventKind;
  /** The tunnel that it is about. */
  readonly tunnelId?: string;
  /** Stable name of why, as `no_proposal_chosen` or the rule by which a bundle was refused. */
  readonly cause?: string;
  /** One sentence for the operator, without secrets. */
  readonly detail?: string;
  /** How many packets, attempts or events; octets of a path MTU. */
  readonly count?: number;
}

/** The same as it is kept and told. */
export interface EdgeEvent extends Occurrence {
  /** From 1 in each run of the agent; later events have higher ones. */
  readonly number: number;
  readonly at: Date;
}
