import type { BundleAddressList, BundleTunnel, EdgeBundle } from '../bundle.js';

/** A tunnel, or a group of them, and the remote addresses whose packets go there. */
export interface DeliveredCarrier {
  /** Preferred first. */
  readonly tunnels: readonly BundleTunnel[];
  readonly carries: readonly BundleAddressList[];
}

/** What carries packets at an edge: tunnels, then groups. What carries nothing is none, as are the tunnels of a group. */
export function carriersOf({ tunnels, tunnelGroups }: EdgeBundle): readonly DeliveredCarrier[] {
  const byId = new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
  return [
    ...tunnels.map((tunnel) => ({ tunnels: [tunnel], carries: tunnel.carries ?? [] })),
    ...tunnelGroups.map(({ tunnelIds, carries = [] }) => ({
      tunnels: tunnelIds.flatMap((tunnelId) => byId.get(tunnelId) ?? []),
      carries,
    })),
  ].filter(({ carries }) => carries.length > 0);
}
