import type { Tunnel, TunnelEnd } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

/** One direction of a tunnel. A security association has one direction (RFC 4301 section 4.1), so numbers belong here. */
export interface Direction {
  readonly from: TunnelEnd;
  readonly to: TunnelEnd;
  /** As the sender counts; the receiver's own count is `received`. */
  readonly sent: Traffic;
  readonly received: Traffic;
  /** SPI of the association; null when there is none. */
  readonly spi: number | null;
  /** When the receiver last opened a packet of this direction. */
  readonly lastPacketAt: string | null;
  /** What the path of this direction carries, as the sender has it; null when that is not known. */
  readonly path: TunnelEnd['path'];
}

export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

export const TUNNEL_STATES = {
  up: { tone: 'up', label: 'Up' },
  establishing: { tone: 'busy', label: 'Establishing' },
  down: { tone: 'down', label: 'Down' },
} as const satisfies Record<Tunnel['state'], { tone: Tone; label: string }>;

/** Both directions of a tunnel, by the name of the sender's site; none when the controller does not name two ends. */
export function directionsOf(tunnel: Tunnel): readonly Direction[] {
  const [one, other] = [...tunnel.edges].sort((a, b) =>
    a.siteName < b.siteName ? -1 : a.siteName > b.siteName ? 1 : 0,
  );
  return one === undefined || other === undefined ? [] : [direction(one, other), direction(other, one)];
}

/** `Amsterdam ↔ Berlin`. */
export function tunnelTitle(tunnel: Tunnel): string {
  const [first] = directionsOf(tunnel);
  return first === undefined ? tunnel.id : `${first.from.siteName} ↔ ${first.to.siteName}`;
}

/** Both directions together, in octets per second. */
export function totalRate(tunnel: Tunnel): number {
  return directionsOf(tunnel).reduce((sum, { sent }) => sum + sent.bytesPerSecond, 0);
}

function direction(from: TunnelEnd, to: TunnelEnd): Direction {
  return {
    from,
    to,
    sent: from.outbound,
    received: to.inbound,
    spi: to.inboundSpi ?? from.outboundSpi,
    lastPacketAt: to.lastReceivedAt,
    path: from.path,
  };
}
