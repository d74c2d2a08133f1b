import { addToCounter } from '../policy/counter-memory.js';

/** Every reason for which the data plane discards a packet. Closed: each has one counter, and nothing is dropped else. */
export const DROP_REASONS = [
  // outbound and inbound
  'malformed_packet',
  'buffer_too_small',
  'no_policy',
  'spd_discard',
  'fragment_without_ports',
  // outbound
  'fragment_malformed',
  'fragment_tiny',
  'fragment_oversize',
  'fragment_overlap',
  'fragment_duplicate',
  'fragment_end_conflict',
  'fragment_too_many',
  'fragment_ecn_mixed',
  'fragment_of_refused_packet',
  'reassembly_timeout',
  'reassembly_evicted',
  'no_association',
  'association_expired',
  'sequence_exhausted',
  'fragment_in_transport_mode',
  'unprotectable_header',
  'packet_too_large',
  'exceeds_path_mtu',
  'fragment_not_taken',
  'bundle_too_deep',
  // inbound
  'protection_required',
  'malformed_esp',
  'malformed_ah',
  'not_ipsec',
  'underlay_fragment',
  'mode_mismatch',
  'bundle_incomplete',
  'unknown_spi',
  'replay_late',
  'replayed',
  'integrity_failed',
  'bad_padding',
  'bad_next_header',
  'malformed_inner_packet',
  'selector_mismatch',
  'icmp_error_mismatch',
  'dummy_packet',
  'ecn_congestion_lost',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export class DropCounters {
  readonly #packets: Float64Array;

  /** One double for each of DROP_REASONS, in their order. */
  constructor(packets: Float64Array = new Float64Array(DROP_REASONS.length)) {
    this.#packets = packets;
  }

  count(reason: DropReason, packets = 1): void {
    addToCounter(this.#packets, INDEX[reason], packets);
  }

  snapshot(): readonly { readonly reason: DropReason; readonly packets: bigint }[] {
    return DROP_REASONS.map((reason, index) => ({ reason, packets: BigInt(this.#packets[index] ?? 0) }));
  }
}

const INDEX = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, index])) as Record<DropReason, number>;
