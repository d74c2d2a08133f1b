import type { Tunnel, TunnelEnd } from '../../api/index.js';

type Path = NonNullable<TunnelEnd['path']>;

/** A path in words: what passes whole, how that comes about, who says so, what TCP is held to, and how long the way is. */
export interface PathText {
  readonly largestPacket: string;
  readonly arithmetic: string;
  readonly foundBy: string;
  /** Absent where segments are left as they are. */
  readonly segments?: string;
  /** Absent before the first answer. */
  readonly roundTrip?: string;
}

export function pathText(path: Path, protocol: Tunnel['securityProtocol']): PathText {
  const { pathMtu, outerIpHeader, udpHeader, espOverhead, unused, maximumSegmentSize4, maximumSegmentSize6 } = path;
  const taken = [
    [outerIpHeader, 'IP'],
    [udpHeader, 'UDP'],
    [espOverhead, protocol.toUpperCase()],
    [unused, 'unused'],
  ] as const;
  const less = taken.filter(([octets]) => octets > 0).map(([octets, what]) => ` − ${octets} ${what}`);
  const segments = [
    ...(maximumSegmentSize4 === null ? [] : [`${maximumSegmentSize4} in IPv4`]),
    ...(maximumSegmentSize6 === null ? [] : [`${maximumSegmentSize6} in IPv6`]),
  ];
  return {
    largestPacket: `${path.largestPacket} octets`,
    arithmetic: `${pathMtu} path MTU${less.join('')}`,
    foundBy: FOUND_BY[path.source],
    ...(segments.length === 0 ? {} : { segments: segments.join(', ') }),
    ...roundTripText(path),
  };
}

function roundTripText({ roundTripMilliseconds, roundTripProbes, roundTripAnswers }: Path): { roundTrip?: string } {
  if (roundTripMilliseconds === null) return {};
  const time = `${roundTripMilliseconds.toFixed(roundTripMilliseconds < 10 ? 2 : 0)} ms`;
  // One may be on its way.
  const lost = Math.max(0, roundTripProbes - roundTripAnswers);
  return { roundTrip: lost === 0 ? time : `${time}, ${lost} of ${roundTripProbes} probes without an answer` };
}

const FOUND_BY: Readonly<Record<Path['source'], string>> = {
  configured: 'as configured',
  icmp: 'as a router says',
  probe: 'as the other end confirms',
};
