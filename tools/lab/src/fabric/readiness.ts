import type { Edge, Tunnel } from '@weft/contracts/rest';
import type { ControllerApi } from './controller-api.js';
import { waitUntil } from './wait-until.js';

/**
 * Waits until every edge runs what it should and every tunnel carries traffic keys: one for each two edges, and those with external
 * peers that there are; remote hosts may be away.
 */
export async function waitForFabric(api: ControllerApi, edgeCount: number, timeoutMilliseconds: number): Promise<void> {
  await waitUntil('All edges in sync and all tunnels up', timeoutMilliseconds, async () => {
    const [edges, tunnels] = await Promise.all([api.edges(), api.tunnels()]);
    const problems = [...edgeProblems(edges, edgeCount), ...tunnelProblems(tunnels, edgeCount)];
    return problems.length === 0 ? { value: undefined } : { problem: problems.join(' ') };
  });
}

function edgeProblems(edges: readonly Edge[], expected: number): readonly string[] {
  const missing = edges.length === expected ? [] : [`${edges.length} of ${expected} edges exist.`];
  return [
    ...missing,
    ...edges.flatMap(({ name, live }) => {
      if (live.lastRejection !== null) {
        return [`${name} refused its bundle: ${live.lastRejection.path} ${live.lastRejection.reason}.`];
      }
      if (!live.connected) return [`${name} is not connected.`];
      return live.inSync ? [] : [`${name} is not in sync.`];
    }),
  ];
}

function tunnelProblems(tunnels: readonly Tunnel[], edgeCount: number): readonly string[] {
  const expected = (edgeCount * (edgeCount - 1)) / 2;
  const found = tunnels.filter(({ externalPeer }) => externalPeer === null).length;
  const missing = found === expected ? [] : [`${found} of ${expected} tunnels exist.`];
  return [
    ...missing,
    ...tunnels
      .filter(({ state, externalPeer }) => state !== 'up' && !(state === 'waiting' && externalPeer?.address === null))
      .map(({ edges, externalPeer, state, reason }) => {
        const ends = [...edges.map((end) => end.siteName), ...(externalPeer === null ? [] : [externalPeer.name])];
        return `${ends.join('-')} is ${state} (${reason}).`;
      }),
  ];
}
