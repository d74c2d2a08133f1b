import type { Tunnel } from '../../api/index.js';

/** An edge as a peer of its sees it on the underlay. */
export interface SeenAt {
  readonly address: string;
  readonly port: number;
  /** It is the outside of a NAT, as the edge itself says. */
  readonly behindNat: boolean;
}

/** Where the peers of an edge meet it, each endpoint once. */
export function seenAt(tunnels: readonly Tunnel[], edgeId: string): readonly SeenAt[] {
  const told = tunnels.flatMap(({ edges }) => {
    const own = edges.find((end) => end.edgeId === edgeId);
    const others = own === undefined ? [] : edges.filter((end) => end !== own);
    return others.flatMap(({ observedPeer }) =>
      observedPeer === null ? [] : [{ ...observedPeer, behindNat: own?.behindNat === true }],
    );
  });
  return [...new Map(told.map((place) => [`${place.address} ${place.port}`, place])).values()];
}
