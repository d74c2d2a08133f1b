/** Why a packet was lost outside the engine. Closed: one counter each. */
export const IO_DROP_REASONS = [
  'bypass_not_offered',
  'no_underlay_socket',
  'unknown_peer',
  'underlay_unreachable',
  'underlay_message_too_large',
  'underlay_send_failed',
  'underlay_truncated',
  'ike_not_offered',
  'ike_backlog',
  'malformed_encapsulation',
  'device_write_failed',
  'device_offload_malformed',
] as const;

/** One of them. */
export type IoDropReason = (typeof IO_DROP_REASONS)[number];

/** Counters of the devices around the engine. Plain numbers in the hot path: 2^53 packets take centuries. */
export class IoCounters {
  readonly #drops = new Float64Array(IO_DROP_REASONS.length);
  keepalives = 0;

  drop(reason: IoDropReason, packets = 1): void {
    const index = INDEX[reason];
    this.#drops[index] = (this.#drops[index] ?? 0) + packets;
  }

  /** What happened at least once. */
  drops(): { reason: IoDropReason; packets: bigint }[] {
    return IO_DROP_REASONS.map((reason, index) => ({ reason, packets: BigInt(this.#drops[index] ?? 0) })).filter(
      ({ packets }) => packets > 0n,
    );
  }
}

const INDEX = Object.fromEntries(IO_DROP_REASONS.map((reason, index) => [reason, index])) as Record<
  IoDropReason,
  number
>;
