import type { DropReason } from './drop-reason.js';

/** Reused by the data plane: read it before the next call. */
export interface OutboundResult {
  readonly verdict: 'transmit' | 'bypass' | 'discard';
  /** Empty unless a PROTECT entry decided. */
  readonly tunnelId: string;
  /** transmit: octets written to out; bypass: octets of the clear packet, which was not copied; discard: 0. */
  readonly length: number;
  readonly reason: DropReason | undefined;
  /** transmit: traffic class for the outer header, for a caller whose socket writes that header. */
  readonly trafficClass: number;
}

/** Reused by the data plane: read it before the next call. */
export interface InboundResult {
  readonly verdict: 'deliver' | 'bypass' | 'discard';
  /** Empty when no association was found; for a clear packet, that of the PROTECT entry that refuses it. */
  readonly tunnelId: string;
  /** deliver: octets of clear packet written to out; bypass: octets of the clear packet, which was not copied. */
  readonly length: number;
  readonly reason: DropReason | undefined;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };
