import type { Tunnel, TunnelEnd } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';
import type { SeenAt } from './seen-at.js';

/** One direction of a tunnel. A security association has one direction (RFC 4301 section 4.1), so numbers belong here. */
export interface Direction {
  readonly from: DirectionEnd;
  readonly to: DirectionEnd;
  /** As the sender counts, and as the receiver does; null of an end that tells nothing. */
  readonly sent: Traffic | null;
  readonly received: Traffic | null;
  /** By whichever end counts, the sender if both do. */
  readonly traffic: Traffic;
  /** SPI of the association; null when there is none. */
  readonly spi: number | null;
  /** When the receiver last opened a packet of this direction: null before the first. */
  readonly lastPacketAt: string | null;
  /** What its packets are protected by. */
  readonly protocol: Tunnel['securityProtocol'];
  /** What the path of this direction carries, as the sender has it; null when that is not known. */
  readonly path: TunnelEnd['path'];
  /** Where the sender meets the receiver on the underlay, and whether that is the outside of a NAT; null when that is not known. */
  readonly observed: SeenAt | null;
}

/** An edge at its site, or an external peer, which is both. */
export interface DirectionEnd {
  readonly placeId: string;
  readonly place: string;
  readonly deviceId: string;
  readonly device: string;
  /** A gateway that is not ours, and tells nothing of itself. */
  readonly external: boolean;
}

export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

export const TUNNEL_STATES = {
  up: { tone: 'up', label: 'Up' },
  waiting: { tone: 'idle', label: 'Waits for traffic' },
  establishing: { tone: 'busy', label: 'Establishing' },
  down: { tone: 'down', label: 'Down' },
} as const satisfies Record<Tunnel['state'], { tone: Tone; label: string }>;

/** Of a tunnel with a remote host: that begins it, and its edge never does. */
const HOST_STATES = {
  ...TUNNEL_STATES,
  up: { tone: 'up', label: 'Connected' },
  waiting: { tone: 'idle', label: 'Away' },
} as const satisfies Record<Tunnel['state'], { tone: Tone; label: string }>;

/** How a tunnel is, in words. */
export function tunnelState(tunnel: Pick<Tunnel, 'state' | 'externalPeer'>): {
  readonly tone: Tone;
  readonly label: string;
} {
  return (isOfRemoteHost(tunnel) ? HOST_STATES : TUNNEL_STATES)[tunnel.state];
}

/** Whether the other end is a host that comes from anywhere, and so is at no address. */
export function isOfRemoteHost({ externalPeer }: Pick<Tunnel, 'externalPeer'>): boolean {
  return externalPeer !== null && externalPeer.address === null;
}

/** Whether nothing is wrong with it: one that waits for traffic or for its host is not up, and misses nothing. */
export function isWell({ state }: Pick<Tunnel, 'state'>): boolean {
  return state === 'up' || state === 'waiting';
}

/** What is counted with `isWell`, in words. */
export function wellText(tunnels: readonly Pick<Tunnel, 'state'>[]): string {
  return tunnels.some(({ state }) => state === 'waiting') ? 'tunnels up or waiting' : 'tunnels up';
}

/**
 * Both directions of a tunnel, by the name of the sender's site, that to an external peer first; none when the controller does not name
 * two ends.
 */
export function directionsOf(tunnel: Tunnel): readonly Direction[] {
  const [one, other] = [...tunnel.edges].sort((a, b) =>
    a.siteName < b.siteName ? -1 : a.siteName > b.siteName ? 1 : 0,
  );
  if (one === undefined) return [];
  if (tunnel.externalPeer !== null) return externalDirections(tunnel, one, tunnel.externalPeer);
  return other === undefined ? [] : [direction(tunnel, one, other), direction(tunnel, other, one)];
}

/** `Amsterdam ↔ Berlin`. */
export function tunnelTitle(tunnel: Tunnel): string {
  const [first] = directionsOf(tunnel);
  return first === undefined ? tunnel.id : `${first.from.place} ↔ ${first.to.place}`;
}

/** Both directions together, in octets per second. */
export function totalRate(tunnel: Tunnel): number {
  return directionsOf(tunnel).reduce((sum, { traffic }) => sum + traffic.bytesPerSecond, 0);
}

function direction({ securityProtocol: protocol }: Tunnel, from: TunnelEnd, to: TunnelEnd): Direction {
  return {
    from: edgeEnd(from),
    to: edgeEnd(to),
    sent: from.outbound,
    received: to.inbound,
    traffic: from.outbound,
    spi: to.inboundSpi ?? from.outboundSpi,
    lastPacketAt: to.lastReceivedAt,
    protocol,
    path: from.path,
    observed: from.observedPeer && { ...from.observedPeer, behindNat: to.behindNat === true },
  };
}

function externalDirections(
  { securityProtocol: protocol }: Tunnel,
  edge: TunnelEnd,
  { id, name }: NonNullable<Tunnel['externalPeer']>,
): readonly Direction[] {
  const peer = { placeId: id, place: name, deviceId: id, device: name, external: true };
  const ours = edgeEnd(edge);
  const { outbound, inbound, outboundSpi, inboundSpi, path, lastReceivedAt, observedPeer: observed } = edge;
  return [
    {
      from: ours,
      to: peer,
      sent: outbound,
      received: null,
      traffic: outbound,
      spi: outboundSpi,
      lastPacketAt: null,
      protocol,
      path,
      observed: observed && { ...observed, behindNat: false },
    },
    {
      from: peer,
      to: ours,
      sent: null,
      received: inbound,
      traffic: inbound,
      spi: inboundSpi,
      lastPacketAt: lastReceivedAt,
      protocol,
      path: null,
      observed: null,
    },
  ];
}

function edgeEnd({ siteId, siteName, edgeId, edgeName }: TunnelEnd): DirectionEnd {
  return { placeId: siteId, place: siteName, deviceId: edgeId, device: edgeName, external: false };
}
