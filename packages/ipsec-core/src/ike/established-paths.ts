import type { Endpoint } from './connection.js';
import type { Lineage } from './lineage.js';

/**
 * Where the two ends of an IKE SA meet on the underlay. Whether a NAT changes the addresses of the peer cannot be told from here: one that
 * wants ESP in UDP says so by a NAT that there is not (RFC 7296 section 2.23); it knows of its own end.
 */
export interface EstablishedPath {
  readonly connection: string;
  readonly local: Endpoint;
  /** Where we see the peer: of one behind a NAT, the outside of that. */
  readonly remote: Endpoint;
  /** A NAT changes our addresses on the way to the peer, which has told what it sees. */
  readonly localBehindNat: boolean;
}

/**
 * Of each IKE SA whose ends have proved who they are, until it is deleted; of a connection that has several, as when one replaces another,
 * the youngest comes last.
 */
export function establishedPaths(lineages: Iterable<Lineage>): readonly EstablishedPath[] {
  const proved = [...lineages].flatMap((lineage) =>
    lineage.establishedAt === undefined || !lineage.standing ? [] : [{ lineage, at: lineage.establishedAt }],
  );
  return proved
    .sort((left, right) => left.at - right.at)
    .map(({ lineage: { connection, path, nat } }) => ({
      connection: connection.name,
      local: path.local,
      remote: path.remote,
      localBehindNat: nat.weBehind,
    }));
}
