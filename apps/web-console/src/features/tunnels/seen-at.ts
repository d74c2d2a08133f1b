import type { Tunnel } from '../../api/index.js';

export type SeenAt = NonNullable<Tunnel['edges'][number]['observedPeer']>;

/** Where the peers of an edge meet it on the underlay, each endpoint once. */
export function seenAt(tunnels: readonly Tunnel[], edgeId: string): readonly SeenAt[] {
  const told = tunnels
    .filter(({ edges }) => edges.some((end) => end.edgeId === edgeId))
    .flatMap(({ edges }) => edges.filter((end) => end.edgeId !== edgeId))
    .flatMap(({ observedPeer }) => (observedPeer === null ? [] : [observedPeer]));
  return [...new Map(told.map((place) => [`${place.address} ${place.port}`, place])).values()];
}
