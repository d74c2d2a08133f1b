import type { DesiredPlane } from './desired-plane.js';
import type { DataPlaneSnapshot } from './messages.js';
import { carried, type SharedCounters, sumOfDrops, sumOfNews, sumOfPolicy, sumOfTunnel } from './shared-counters.js';

/**
 * The packet path as it is, from memory that its threads share.
 *
 * @param now milliseconds of the clock of the counters
 * @param counters of each thread, by place
 */
export function planeSnapshot(
  now: number,
  desired: DesiredPlane,
  counters: readonly SharedCounters[],
  others: Pick<DataPlaneSnapshot, 'groups'> & { readonly replacements: (place: number) => number },
): DataPlaneSnapshot {
  const associations = desired.snapshot(now);
  return {
    now,
    contentHash: desired.loaded?.contentHash,
    associations,
    tunnels: desired.tunnelIds().map((tunnelId) => {
      const ours = associations.filter((association) => association.tunnelId === tunnelId);
      return {
        tunnelId,
        inboundSpis: ours.filter(({ direction }) => direction === 'inbound').map(({ spi }) => spi),
        outboundSpi: ours.findLast(({ direction, current }) => direction === 'outbound' && current)?.spi,
        rekeys: desired.rekeysOf(tunnelId),
        ...sumOfTunnel(counters, tunnelId),
      };
    }),
    groups: others.groups,
    policies: (desired.loaded?.policies ?? []).map(({ entryId, ruleId }) => ({
      entryId,
      ruleId,
      ...sumOfPolicy(counters, entryId),
    })),
    drops: sumOfDrops(counters),
    ...sumOfNews(counters),
    keepalives: counters.reduce((sum, { io }) => sum + BigInt(io.keepalives), 0n),
    workers: counters.map((its, place) => ({
      heartbeat: its.memory.heartbeat,
      replacements: others.replacements(place),
      fromDevice: its.io.fromDevice,
      passedOn: its.io.passedOn,
      busyMilliseconds: its.io.busyMilliseconds,
      idleMilliseconds: its.io.idleMilliseconds,
      ...carried(its),
    })),
  };
}
