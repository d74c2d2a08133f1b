import type { Endpoint } from './connection.js';
import type { Lineage } from './lineage.js';

/** Where the two ends of an IKE SA meet on the underlay, and what lies between (RFC 7296 section 2.23). */
export interface EstablishedPath {
  readonly connection: string;
  readonly local: Endpoint;
  /** Where we see the peer: of one behind a NAT, the outside of that. */
  readonly remote: Endpoint;
  readonly localBehindNat: boolean;
  readonly remoteBehindNat: boolean;
}

/** Of each IKE SA whose ends have proved who they are; of a connection that has several, as when one replaces another, the youngest comes last. */
export function establishedPaths(lineages: Iterable<Lineage>): readonly EstablishedPath[] {
  const proved = [...lineages].flatMap((lineage) =>
    lineage.establishedAt === undefined ? [] : [{ lineage, at: lineage.establishedAt }],
  );
  return proved
    .sort((left, right) => left.at - right.at)
    .map(({ lineage: { connection, path, nat } }) => ({
      connection: connection.name,
      local: path.local,
      remote: path.remote,
      localBehindNat: nat.weBehind,
      remoteBehindNat: nat.peerBehind,
    }));
}
