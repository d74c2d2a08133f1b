import type { KeyingMode } from '@weft/fabric-compiler';
import type { ExternalEnd } from '../distribution/fabric-tunnels.js';

/** `waiting`: it is negotiated when there is traffic for it, or when a remote host calls, and there is none. Nothing is missing. */
export type TunnelCondition = 'up' | 'waiting' | 'establishing' | 'down';

/** A counter pair since the edge started, and its rate between the last two reports. */
export interface TunnelTraffic {
  readonly packets: number;
  readonly bytes: number;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** The tunnel as one of its edges sees it. */
export interface TunnelEndState {
  readonly edgeId: string;
  /** The youngest association for receiving here; null when there is none. */
  readonly inboundSpi: number | null;
  readonly outboundSpi: number | null;
  readonly inbound: TunnelTraffic;
  readonly outbound: TunnelTraffic;
  readonly lastReceivedAt: Date | null;
  /** What its path carries for this edge; null when that is not known. */
  readonly path: TunnelPath | null;
  /** Where it meets the other end; null without an IKE SA, and when the controller makes the keys. */
  readonly observedPeer: ObservedPeer | null;
  /** Whether a NAT changes its own addresses on the way there; null when `observedPeer` is. */
  readonly behindNat: boolean | null;
}

/** An end of a tunnel as the other one sees it on the underlay: of one behind a NAT, the outside of that. */
export interface ObservedPeer {
  readonly address: string;
  readonly port: number;
}

/** The largest packet for the other end, octet by octet: `pathMtu` is the sum of what follows `source` up to `unused`. */
export interface TunnelPath {
  readonly pathMtu: number;
  /** The bundle, a router, or an answer of the peer. */
  readonly source: 'configured' | 'icmp' | 'probe';
  readonly outerIpHeader: number;
  readonly udpHeader: number;
  readonly espOverhead: number;
  readonly largestPacket: number;
  readonly unused: number;
  /** What TCP is held to; null when it is not. */
  readonly maximumSegmentSize4: number | null;
  readonly maximumSegmentSize6: number | null;
  /** Until the other end has answered a probe, smoothed; null before the first answer. */
  readonly roundTripMilliseconds: number | null;
  /** Since the edge started: probes of a size that is known to pass, and those that were answered. */
  readonly roundTripProbes: number;
  readonly roundTripAnswers: number;
}

/** What made the keys of an IKE SA, and with it those of its Child SAs. */
export interface NegotiatedKeyExchange {
  /** By name, in the order in which they were added (RFC 9370). */
  readonly methods: readonly string[];
  /** Whether whoever records the traffic today needs more than a quantum computer to read it one day. */
  /** A postquantum preshared key was mixed in (RFC 8784). */
  readonly ppk: boolean;
  readonly postQuantum: boolean;
}

export interface TunnelState {
  readonly tunnelId: string;
  readonly keyingMode: KeyingMode;
  /** AH authenticates packets and encrypts nothing. */
  readonly securityProtocol: 'esp' | 'ah';
  /** In transport mode packets between the underlay addresses of the ends are protected, and no others. */
  readonly mode: 'tunnel' | 'transport';
  /** Null when the controller makes the keys, and while the edges have not reported the same. */
  readonly keyExchange: NegotiatedKeyExchange | null;
  readonly state: TunnelCondition;
  /** Why it is not up, one sentence; null when it is. */
  readonly reason: string | null;
  /** Times that its associations were replaced, since the controller started or, when the edges make the keys, since they did. */
  readonly rekeys: number;
  /** The other end, when that is an external peer: nothing is known of it but what our end says. */
  readonly externalPeer: ExternalEnd | null;
  /** Those that are edges. */
  readonly ends: readonly [TunnelEndState] | readonly [TunnelEndState, TunnelEndState];
}

export const NO_TRAFFIC: TunnelTraffic = { packets: 0, bytes: 0, packetsPerSecond: 0, bytesPerSecond: 0 };
