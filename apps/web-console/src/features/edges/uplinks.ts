import type { Edge, EdgeEvent } from '../../api/index.js';
import { formatEndpoint } from '../../lib/format-endpoint.js';
import type { SeenAt } from '../tunnels/seen-at.js';

/** Where an edge is configured to be. */
export interface Uplink {
  /** Address and port. */
  readonly endpoint: string;
  /** Some peer meets the edge there now. Behind a NAT nobody does: peers see the outside of that. */
  readonly inUse: boolean;
}

type Place = Pick<Edge, 'underlayAddress' | 'otherUnderlayAddresses' | 'underlayPort'>;

/** The uplinks of an edge, preferred first. `seen`: where its peers meet it. */
export function uplinksOf(
  { underlayAddress, otherUnderlayAddresses, underlayPort }: Place,
  seen: readonly SeenAt[] = [],
): readonly Uplink[] {
  const met = new Set(seen.map(({ address }) => address));
  return [underlayAddress, ...otherUnderlayAddresses].map((address) => ({
    endpoint: formatEndpoint({ address, port: underlayPort }),
    inUse: met.has(address),
  }));
}

/** What a person has written, one address on each line or parted otherwise. */
export function writtenAddresses(text: string): string[] {
  return text.split(/[\s,]+/).filter((address) => address !== '');
}

/** Why a tunnel went by another path, as people read it. A newer agent may have other causes. */
export function moveText({ cause, count }: Pick<EdgeEvent, 'cause' | 'count'>): string {
  const why = CAUSES[cause ?? ''] ?? cause?.replaceAll('_', ' ') ?? 'nobody said why';
  return count !== null && count > 1 ? `${why}, ${count} times` : why;
}

const CAUSES: Readonly<Record<string, string>> = {
  path_silent: 'the peer did not answer on the path before',
  preferred_answers: 'the preferred path answers again',
  own_addresses: 'the addresses of this edge changed',
  peer_moved: 'the peer went there',
  path_refused: 'the peer did not take the path before',
};
