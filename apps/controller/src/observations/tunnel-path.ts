import { PathMtuSource, type TunnelStatus } from '@weft/contracts/southbound';
import { safeNumber } from './rates.js';
import type { TunnelPath } from './tunnel-state.js';

/** What the path of a tunnel carries, as its edge has reported it; null when it does not know, or says what is not known here. */
export function tunnelPath(status: Pick<TunnelStatus, 'path'> | undefined): TunnelPath | null {
  const { path } = status ?? {};
  const source = path && SOURCES.get(path.source);
  if (path === undefined || source === undefined) return null;
  const { roundTripMicroseconds, ...figures } = path;
  return {
    ...figures,
    source,
    maximumSegmentSize4: path.maximumSegmentSize4 || null,
    maximumSegmentSize6: path.maximumSegmentSize6 || null,
    roundTripMilliseconds: roundTripMicroseconds === 0 ? null : roundTripMicroseconds / 1000,
    roundTripProbes: safeNumber(path.roundTripProbes),
    roundTripAnswers: safeNumber(path.roundTripAnswers),
  };
}

const SOURCES: ReadonlyMap<PathMtuSource, TunnelPath['source']> = new Map([
  [PathMtuSource.PATH_MTU_SOURCE_CONFIGURED, 'configured'],
  [PathMtuSource.PATH_MTU_SOURCE_ICMP, 'icmp'],
  [PathMtuSource.PATH_MTU_SOURCE_PROBE, 'probe'],
]);
