import type { DropReason } from '../policy/drop-reason.js';

/** Reused by the data plane: read it before the next call. */
export interface OutboundResult {
  /**
   * `held`: a fragment that waits for the rest of its packet; nothing is to be done. `elsewhere`: the packet is to be protected
   * by the engine `sentBy`; nothing has been done, and none of its policy's counters has counted it.
   */
  readonly verdict: 'transmit' | 'bypass' | 'held' | 'elsewhere' | 'discard';
  /** Empty unless a PROTECT entry decided. */
  readonly tunnelId: string;
  /**
   * transmit: octets written to out, by all packets together. bypass, elsewhere: octets of the clear packet, which stands where
   * it stood, or, when `copied`, in out. Otherwise 0.
   */
  readonly length: number;
  /** transmit: packets in out, one behind the other. More than one only after protectRun. */
  readonly packets: number;
  /** transmit: octets of each of them; the last one may have less. */
  readonly packetLength: number;
  readonly reason: DropReason | undefined;
  /** transmit: traffic class for the outer header, for a caller whose socket writes that header. */
  readonly trafficClass: number;
  /**
   * transmit: what was written begins with the IP header that it is to go out with (transport mode, AH, and tunnels whose
   * outer header the engine writes); otherwise with the SPI, and a socket of the caller writes the headers in front.
   */
  readonly wholePacket: boolean;
  /**
   * transmit: octets that no packet on the underlay may have when this one, with its headers, has more: it is to be cut by
   * whoever writes them. 0: it is not too large.
   */
  readonly cutTo: number;
  /** bypass, elsewhere: the packet came in fragments that had to be put together, and is in out. */
  readonly copied: boolean;
  /** elsewhere: which engine's packet it is. */
  readonly sentBy: number;
  /** elsewhere, when `copied`: for `protectReassembled`, octets of the largest fragment, and what the fragments had in common. */
  readonly largestFragment: number;
  readonly identification: number;
  /** More packets came of this one: call protectMore until it is false, before the next protect. */
  readonly more: boolean;
  /** Octets of an ICMP error to the packet's source that takeIcmpError writes; 0: there is none. */
  readonly icmpErrorLength: number;
}

/** Reused by the data plane: read it before the next call. */
export interface InboundResult {
  /** `consumed`: it was for the engine itself, which has taken it; nothing is to be done. */
  readonly verdict: 'deliver' | 'bypass' | 'consumed' | 'discard';
  /** Empty when no association was found; for a clear packet, that of the PROTECT entry that refuses it. */
  readonly tunnelId: string;
  /** deliver: octets of clear packet written to out; bypass: octets of the clear packet, which was not copied. */
  readonly length: number;
  readonly reason: DropReason | undefined;
}

/** Reused by the data plane: read it before the next call. */
export interface InboundRunResult {
  /** Packets that were opened or refused; 0: the first one is not of a run. */
  readonly packets: number;
  /** Of those, the packets to deliver: where in `out` each of them is, and how long. */
  readonly delivered: number;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };
