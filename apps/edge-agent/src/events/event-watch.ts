import { formatAddress } from '@weft/ipsec-core';
import type { CertificateState } from '../control/certificate-renewal.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { TunnelNegotiation } from '../ike/negotiation-state.js';
import { pathOf } from '../status/path-of.js';
import type { Occurrence } from './edge-event.js';

/** What of the agent is looked at for events. */
export interface Watched {
  readonly snapshot: Pick<DataPlaneSnapshot, 'tunnels' | 'associations' | 'workers'>;
  readonly negotiations: ReadonlyMap<string, TunnelNegotiation>;
  readonly renewal: Pick<CertificateState, 'renewals' | 'failures' | 'problem'>;
  /** Packets that the kernel dropped because the queue of the device was full; undefined when it does not say. */
  readonly deviceDrops: bigint | undefined;
}

/** What has happened between two looks at the agent, oldest causes first. `before` is undefined at the first. Pure. */
export function occurrencesBetween(before: Watched | undefined, after: Watched): readonly Occurrence[] {
  return [
    ...failuresOf(before?.negotiations, after.negotiations),
    ...movesOf(before?.negotiations, after.negotiations),
    ...tunnelsOf(before, after),
    ...pathsOf(before?.snapshot, after.snapshot),
    ...workersOf(before?.snapshot.workers, after.snapshot.workers),
    ...renewalOf(before?.renewal, after.renewal),
    ...dropsOf(before?.deviceDrops, after.deviceDrops),
  ];
}

function failuresOf(before: Watched['negotiations'] | undefined, after: Watched['negotiations']): Occurrence[] {
  return [...after].flatMap(([tunnelId, { failuresByCause, failure, refusal }]) => {
    const detail = failure ?? refusal;
    const was = before?.get(tunnelId)?.failuresByCause ?? {};
    return Object.entries(failuresByCause).flatMap(([cause, times]): Occurrence[] => {
      const count = times - (was[cause] ?? 0);
      return count > 0 ? [{ kind: 'ike_failed', tunnelId, cause, count, ...(detail && { detail }) }] : [];
    });
  });
}

/** Between two looks a tunnel may have gone and come back: where it is, is where it is now. */
function movesOf(before: Watched['negotiations'] | undefined, after: Watched['negotiations']): Occurrence[] {
  return [...after].flatMap(([tunnelId, { pathChangesByCause, path }]) => {
    const was: Readonly<Record<string, number>> = before?.get(tunnelId)?.pathChangesByCause ?? {};
    const detail = path && `it goes from ${formatAddress(path.local.address)} to ${formatAddress(path.remote.address)}`;
    return Object.entries(pathChangesByCause).flatMap(([cause, times]): Occurrence[] => {
      const count = times - (was[cause] ?? 0);
      return count > 0 ? [{ kind: 'path_changed', tunnelId, cause, count, ...(detail && { detail }) }] : [];
    });
  });
}

/**
 * A tunnel is up while it has associations in both directions. One that is not configured any more is not down, nor is one that has ended
 * until there is traffic for it; what was lost by a failure is. A host goes when it likes to, and often without a word.
 */
function tunnelsOf(before: Watched | undefined, { snapshot, negotiations }: Watched): Occurrence[] {
  const was = new Map(before?.snapshot.tunnels.map((tunnel) => [tunnel.tunnelId, isUp(tunnel)]));
  return snapshot.tunnels.flatMap((tunnel): Occurrence[] => {
    const [previously, now] = [was.get(tunnel.tunnelId) ?? false, isUp(tunnel)];
    if (previously === now) return [];
    const { tunnelId } = tunnel;
    const [old, state] = [before?.negotiations.get(tunnelId), negotiations.get(tunnelId)];
    const idle =
      state?.waitsFor === 'host' || (state?.waitsFor === 'traffic' && timesFailed(state) === timesFailed(old));
    return [{ kind: now ? 'tunnel_up' : idle ? 'tunnel_idle' : 'tunnel_down', tunnelId }];
  });
}

function timesFailed(state: TunnelNegotiation | undefined): number {
  return Object.values(state?.failuresByCause ?? {}).reduce((sum, times) => sum + times, 0);
}

function isUp({ inboundSpis, outboundSpi }: DataPlaneSnapshot['tunnels'][number]): boolean {
  return inboundSpis.length > 0 && outboundSpi !== undefined;
}

/** Only what was found out: a path that is as configured was asked by nobody. */
function pathsOf(before: Watched['snapshot'] | undefined, after: Watched['snapshot']): Occurrence[] {
  return after.tunnels.flatMap(({ tunnelId }): Occurrence[] => {
    const was = before && pathOf(before, tunnelId);
    const now = pathOf(after, tunnelId);
    if (was === undefined || now === undefined || was.pathMtu === now.pathMtu) return [];
    const detail = `the path carries packets of ${now.pathMtu} octets; before it was ${was.pathMtu}`;
    return [{ kind: 'path_mtu_changed', tunnelId, cause: now.source, count: now.pathMtu, detail }];
  });
}

function workersOf(
  before: DataPlaneSnapshot['workers'] | undefined,
  after: DataPlaneSnapshot['workers'],
): Occurrence[] {
  return after.flatMap(({ replacements }, worker): Occurrence[] => {
    const count = replacements - (before?.[worker]?.replacements ?? 0);
    return count > 0 ? [{ kind: 'worker_replaced', count, detail: `thread ${worker} of the packet path` }] : [];
  });
}

function renewalOf(before: Watched['renewal'] | undefined, after: Watched['renewal']): Occurrence[] {
  const renewed = after.renewals - (before?.renewals ?? 0);
  const failed = after.failures - (before?.failures ?? 0);
  const detail = after.problem === undefined ? {} : { detail: `${after.problem.reason}; ${after.problem.fix}` };
  return [
    ...(renewed > 0 ? [{ kind: 'certificate_renewed', count: renewed } as const] : []),
    ...(failed > 0 ? [{ kind: 'certificate_renewal_failed', count: failed, ...detail } as const] : []),
  ];
}

function dropsOf(before: bigint | undefined, after: bigint | undefined): Occurrence[] {
  if (before === undefined || after === undefined || after <= before) return [];
  return [{ kind: 'device_drops', count: Number(after - before) }];
}
