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
  'no_tunnel',
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

/** Place of each reason in DROP_REASONS. */
export const DROP_REASON_INDEX = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, index])) as Readonly<
  Record<DropReason, number>
>;
