import { type AddressSet, wholeOwners } from '../src/address/address-set.js';
import { emptyBits, setBit } from '../src/bitset.js';
import type { CompiledFabric } from '../src/fabric/compile-shared.js';
import type { PeerEntry } from '../src/fabric/peer-section.js';
import type { SharedBundle } from '../src/fabric/shared-bundle.js';
import type { SpdEntry } from '../src/fabric/spd-entry.js';

/** Whether an entry is the one to be spoilt. */
export type Which = (entry: SpdEntry) => boolean;

export function withBundle(
  fabric: CompiledFabric,
  edge: number,
  edit: (bundle: SharedBundle) => Partial<SharedBundle>,
): CompiledFabric {
  return {
    ...fabric,
    bundles: fabric.bundles.map((bundle, number) => (number === edge ? { ...bundle, ...edit(bundle) } : bundle)),
  };
}

/** Puts other entries in the place of those that are meant, in the SPD of one edge. */
export function withEntries(
  fabric: CompiledFabric,
  edge: number,
  which: Which,
  edit: (entry: SpdEntry) => readonly SpdEntry[],
  list: 'policies' | 'transit' = 'policies',
): CompiledFabric {
  let met = false;
  const mutated = withBundle(fabric, edge, (bundle) => ({
    [list]: bundle[list].map((section) => ({
      ...section,
      entries: section.entries.flatMap((entry) => {
        if (!which(entry)) return [entry];
        met = true;
        return edit(entry);
      }),
    })),
  }));
  if (!met) throw new Error(`edge ${edge} has no such entry`);
  return mutated;
}

export function withPeers(
  fabric: CompiledFabric,
  edge: number,
  edit: (peers: readonly PeerEntry[]) => readonly PeerEntry[],
): CompiledFabric {
  return withBundle(fabric, edge, ({ peers }) => {
    const edited = edit(peers.flatMap((section) => section.peers));
    return { peers: [{ peers: edited, tunnelCount: edited.length, digest: new Uint8Array(32) }] };
  });
}

export function withPeer(
  fabric: CompiledFabric,
  edge: number,
  owner: number,
  edit: (peer: PeerEntry) => Partial<PeerEntry>,
): CompiledFabric {
  return withPeers(fabric, edge, (peers) =>
    peers.map((peer) => (peer.owner === owner ? { ...peer, ...edit(peer) } : peer)),
  );
}

export function withRoutes(
  fabric: CompiledFabric,
  edge: number,
  edit: (prefixes: readonly string[]) => readonly string[],
): CompiledFabric {
  return withBundle(fabric, edge, ({ routes }) => ({
    routes: [{ prefixes: edit(routes.flatMap(({ prefixes }) => prefixes)), digest: new Uint8Array(32) }],
  }));
}

/** All addresses of these owners. */
export function ownersSet({ plan }: CompiledFabric, owners: readonly number[]): AddressSet {
  const bits = emptyBits(plan.topology.owners.length);
  for (const owner of owners) setBit(bits, owner);
  return wholeOwners(bits, plan.topology.ownership);
}
