/** A metric as Prometheus knows it. */
export interface Metric {
  readonly name: MetricName;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

const TABLE = {
  weft_edge_info: ['gauge', 'Version of the agent; always 1', ['version', 'edge']],
  weft_edge_controller_connected: ['gauge', '1 while there is a session with the controller', []],
  weft_edge_bundle_generation: ['gauge', 'Generation of the bundle in force; 0 before the first', []],
  weft_edge_bundle_revision: ['gauge', 'Revision that the bundle in force was made from', []],
  weft_edge_certificate_expiry_seconds: ['gauge', 'When the certificate of the edge expires, as Unix time', []],
  weft_edge_certificate_left_seconds: ['gauge', 'Until then; negative when it has expired', []],
  weft_edge_certificate_renewals_total: ['counter', 'Times that it was renewed', []],
  weft_edge_certificate_renewal_failures_total: ['counter', 'Attempts to renew it that failed', []],
  weft_edge_tunnel_keyed: ['gauge', '1 while the tunnel has associations in both directions', ['tunnel', 'peer']],
  weft_edge_tunnel_waits_for_traffic: [
    'gauge',
    '1 while nothing passes and it is negotiated when something does; of tunnels that edges negotiate only',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_waits_for_host: [
    'gauge',
    '1 while a host that comes from anywhere is away; of tunnels with such hosts only',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_alive: [
    'gauge',
    '1 while the peer answers; of tunnels to sites with several edges only',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_chosen: [
    'gauge',
    '1 while packets for the site of the peer go to it; of tunnels to sites with several edges only',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_encrypted: [
    'gauge',
    '1 where ESP encrypts the packets, 0 where AH authenticates them only',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_transport_mode: [
    'gauge',
    '1 where packets between the two edges keep their header (transport mode), 0 in tunnel mode',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_received_packets_total: ['counter', 'Clear packets that came from the peer', ['tunnel', 'peer']],
  weft_edge_tunnel_received_bytes_total: ['counter', 'Octets of them', ['tunnel', 'peer']],
  weft_edge_tunnel_sent_packets_total: [
    'counter',
    'Clear packets that were protected for the peer',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_sent_bytes_total: ['counter', 'Octets of them', ['tunnel', 'peer']],
  weft_edge_tunnel_silence_seconds: [
    'gauge',
    'Since the last packet from the peer; absent before the first',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_path_mtu_bytes: [
    'gauge',
    'Octets of the largest packet that the path carries, as far as is known',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_largest_packet_bytes: [
    'gauge',
    'Octets of the largest clear packet that passes whole',
    ['tunnel', 'peer'],
  ],
  weft_edge_path_probes_total: ['counter', 'Probes of the path MTU that were sent', ['tunnel', 'peer']],
  weft_edge_path_probe_answers_total: ['counter', 'Those that the peer answered', ['tunnel', 'peer']],
  weft_edge_path_black_holes_total: [
    'counter',
    'Times that packets of the size in use ceased to arrive',
    ['tunnel', 'peer'],
  ],
  weft_edge_tunnel_round_trip_seconds: [
    'gauge',
    'Until the peer has answered a probe, smoothed; absent before the first answer',
    ['tunnel', 'peer'],
  ],
  weft_edge_round_trip_probes_total: [
    'counter',
    'Probes of a size that is known to pass: those without an answer were lost, there or back',
    ['tunnel', 'peer'],
  ],
  weft_edge_round_trip_answers_total: ['counter', 'Those that the peer answered', ['tunnel', 'peer']],
  weft_edge_tunnel_dropped_packets_total: [
    'counter',
    'Packets that were discarded after their tunnel was known',
    ['tunnel', 'peer', 'reason'],
  ],
  weft_edge_tunnel_rekeys_total: [
    'counter',
    'Times that an association that sends was replaced by another, in every keying mode',
    ['tunnel', 'peer'],
  ],
  weft_edge_ike_established: ['gauge', '1 while the IKE SA with the peer lives', ['tunnel', 'peer']],
  weft_edge_ike_rekeys_total: ['counter', 'Times that its IKE SA or a Child SA was replaced', ['tunnel', 'peer']],
  weft_edge_ike_failures_total: ['counter', 'Negotiations that failed, by cause', ['tunnel', 'peer', 'cause']],
  weft_edge_ike_uplink: [
    'gauge',
    '1 for the address of this edge that the tunnel goes from',
    ['tunnel', 'peer', 'address'],
  ],
  weft_edge_ike_path_changes_total: [
    'counter',
    'Times that the tunnel went by another path, by why',
    ['tunnel', 'peer', 'cause'],
  ],
  weft_edge_ike_post_quantum: ['gauge', '1 while its keys are post-quantum', ['tunnel', 'peer']],
  weft_edge_key_share_root: [
    'gauge',
    'Number of the keys in use whose shares the controller relays; 0: none',
    ['tunnel', 'peer'],
  ],
  weft_edge_key_share_alarm: [
    'gauge',
    '1 while nothing passes for want of such keys, or soon will not',
    ['tunnel', 'peer'],
  ],
  weft_edge_key_share_refusals_total: ['counter', 'Relayed key shares that were refused', ['tunnel', 'peer', 'reason']],
  weft_edge_policy_packets_total: ['counter', 'Packets that the entry decided, outbound', ['entry', 'rule']],
  weft_edge_policy_bytes_total: ['counter', 'Octets of them', ['entry', 'rule']],
  weft_edge_policy_received_packets_total: ['counter', 'Packets that came by the entry, inbound', ['entry', 'rule']],
  weft_edge_policy_received_bytes_total: ['counter', 'Octets of them', ['entry', 'rule']],
  weft_edge_policy_dropped_packets_total: [
    'counter',
    'Packets that were discarded after the entry was known',
    ['entry', 'rule', 'reason'],
  ],
  weft_edge_dropped_packets_total: ['counter', 'Packets that were discarded, by reason', ['reason']],
  weft_edge_device_dropped_packets_total: [
    'counter',
    'Packets that the kernel dropped because the queue of the device was full',
    [],
  ],
  weft_edge_underlay_errors_total: ['counter', 'What the underlay said about packets of this edge', ['reason']],
  weft_edge_path_mtu_messages_total: ['counter', 'What became of "too big" from the underlay', ['outcome']],
  weft_edge_nat_keepalives_total: ['counter', 'NAT keepalives that came', []],
  weft_edge_fence_arrived_packets_total: [
    'counter',
    'Packets that claimed a protected source and came in the clear',
    [],
  ],
  weft_edge_fence_left_packets_total: [
    'counter',
    'Packets for protected addresses that would have left in the clear',
    [],
  ],
  weft_edge_repairs_total: ['counter', 'Times that routes, rules or the fence had to be put back', []],
  weft_edge_workers: ['gauge', 'Threads of the packet path', []],
  weft_edge_worker_replacements_total: ['counter', 'Times that a thread ended or stalled and was replaced', ['worker']],
  weft_edge_worker_turns_total: ['counter', 'Turns of its loop', ['worker']],
  weft_edge_worker_busy_seconds_total: [
    'counter',
    'Time in which it had something to do: its rate is the load, 1 at most',
    ['worker'],
  ],
} as const satisfies Readonly<Record<string, readonly ['counter' | 'gauge', string, readonly string[]]>>;

export type MetricName = keyof typeof TABLE;

/** Every metric that an edge has. */
export const METRICS: readonly Metric[] = Object.entries(TABLE).map(([name, [type, help, labels]]) => ({
  name: name as MetricName,
  type,
  help,
  labels,
}));
