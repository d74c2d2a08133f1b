/** Why a packet was lost outside the engine. Closed: one counter each. */
export const IO_DROP_REASONS = [
  'bypass_not_offered',
  'no_underlay_socket',
  'no_raw_socket',
  'unknown_peer',
  'underlay_unreachable',
  'underlay_message_too_large',
  'underlay_send_failed',
  'underlay_truncated',
  'underlay_extension_headers',
  'ike_not_offered',
  'ike_backlog',
  'malformed_encapsulation',
  'early_overflow',
  'early_expired',
  'handover_full',
  'device_write_failed',
  'device_offload_malformed',
  'mapped_source',
  'unmappable',
] as const;

/** One of them. */
export type IoDropReason = (typeof IO_DROP_REASONS)[number];

/** Counters of the devices around the engine. Doubles: 2^53 packets take centuries. */
export class IoCounters {
  readonly #counters: Float64Array;

  /** By IO_DROP_REASONS, and then what is no loss. */
  constructor(counters: Float64Array = new Float64Array(IO_COUNTERS)) {
    this.#counters = counters;
  }

  /** NAT keepalives received (RFC 3948 section 2.3): no loss. */
  get keepalives(): number {
    return this.#counters[KEEPALIVES] ?? 0;
  }

  countKeepalive(): void {
    this.#add(KEEPALIVES, 1);
  }

  /** Packets read from the device, segments counted. */
  get fromDevice(): number {
    return this.#counters[FROM_DEVICE] ?? 0;
  }

  countDevice(packets: number): void {
    this.#add(FROM_DEVICE, packets);
  }

  /** Of those, the ones that were passed on to another worker, whose they were. */
  get passedOn(): number {
    return this.#counters[PASSED_ON] ?? 0;
  }

  countPassedOn(packets: number): void {
    this.#add(PASSED_ON, packets);
  }

  /** Milliseconds in which the worker had something to do, and those in which it waited. */
  get busyMilliseconds(): number {
    return this.#counters[BUSY] ?? 0;
  }

  get idleMilliseconds(): number {
    return this.#counters[IDLE] ?? 0;
  }

  countTime(busyMilliseconds: number, idleMilliseconds: number): void {
    this.#add(BUSY, busyMilliseconds);
    this.#add(IDLE, idleMilliseconds);
  }

  drop(reason: IoDropReason, packets = 1): void {
    this.#add(INDEX[reason], packets);
  }

  /** What happened at least once. */
  drops(): { reason: IoDropReason; packets: bigint }[] {
    return IO_DROP_REASONS.map((reason, index) => ({ reason, packets: BigInt(this.#counters[index] ?? 0) })).filter(
      ({ packets }) => packets > 0n,
    );
  }

  #add(index: number, amount: number): void {
    this.#counters[index] = (this.#counters[index] ?? 0) + amount;
  }
}

const KEEPALIVES = IO_DROP_REASONS.length;
const FROM_DEVICE = KEEPALIVES + 1;
const PASSED_ON = KEEPALIVES + 2;
const BUSY = KEEPALIVES + 3;
const IDLE = KEEPALIVES + 4;
/** Of one worker. */
export const IO_COUNTERS = KEEPALIVES + 5;
const INDEX = Object.fromEntries(IO_DROP_REASONS.map((reason, index) => [reason, index])) as Record<
  IoDropReason,
  number
>;
