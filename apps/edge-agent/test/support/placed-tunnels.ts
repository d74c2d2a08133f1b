import type { PlacedTunnel, VerifiedBundle } from '../../src/control/bundle/verified-bundle.js';

/** The tunnels of a bundle that has no remote hosts. Throws where it has one. */
export function placedTunnels({ tunnels }: Pick<VerifiedBundle, 'tunnels'>): ReadonlyMap<string, PlacedTunnel> {
  return new Map(
    [...tunnels].map(([id, tunnel]) => {
      if (tunnel.remote === undefined) throw new Error(`${tunnel.peerName} comes from anywhere`);
      return [id, tunnel];
    }),
  );
}
