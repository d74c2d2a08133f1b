import type { BundleProfile, BundleSecurityPolicy, EdgeBundle } from '../src/bundle.js';
import { CarriedParts } from '../src/delivery/carried-parts.js';
import { deliverFabric } from '../src/delivery/deliver-fabric.js';
import { compileShared } from '../src/fabric/compile-shared.js';
import type { FabricIntent, KeyingMode } from '../src/intent.js';
import type { CompileProblem } from '../src/problem.js';

export type CompileResult =
  | {
      readonly ok: true;
      /** By edge id. */
      readonly bundles: ReadonlyMap<string, EdgeBundle>;
      /** Between edges, by tunnel id. */
      readonly tunnels: readonly FabricTunnel[];
    }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/** A pair of edges that share security associations. */
export interface FabricTunnel {
  readonly tunnelId: string;
  /** Sorted. */
  readonly edgeIds: readonly [string, string];
  readonly keyingMode: KeyingMode;
  readonly profile: BundleProfile;
}

/** From an intent to what its edges are given, or to some of them. */
export function compileFabric(intent: FabricIntent, edgeIds?: ReadonlySet<string>): CompileResult {
  const compiled = compileShared(intent);
  const delivered = compiled.ok ? deliverFabric(compiled.fabric, edgeIds) : compiled;
  if (!delivered.ok) return delivered;
  const tunnels = new Map(
    [...delivered.bundles].flatMap(([edgeId, bundle]) =>
      bundle.tunnels
        .filter(({ external }) => external === undefined)
        .map(({ tunnelId, peerEdgeId, keying, profile }): [string, FabricTunnel] => {
          const edgeIds = edgeId < peerEdgeId ? ([edgeId, peerEdgeId] as const) : ([peerEdgeId, edgeId] as const);
          return [tunnelId, { tunnelId, edgeIds, keyingMode: keying.mode, profile }];
        }),
    ),
  );
  return {
    ok: true,
    bundles: delivered.bundles,
    tunnels: [...tunnels.values()].sort((left, right) => (left.tunnelId < right.tunnelId ? -1 : 1)),
  };
}

/** Throws where there is none. */
export function bundleOf(bundles: ReadonlyMap<string, EdgeBundle>, id: string): EdgeBundle {
  const bundle = bundles.get(id);
  if (bundle === undefined) throw new Error(`no bundle for ${id}`);
  return bundle;
}

/** An entry that names its tunnel, or its group. */
export type NamedEntry = BundleSecurityPolicy &
  ({ readonly action: 'PROTECT'; readonly tunnelId: string } | { readonly action: 'DISCARD' | 'BYPASS' });

/** The SPD of an edge with an entry for each tunnel or group that carries packets of one that names none; the same otherwise. */
export function namedEntries({ securityPolicies, tunnels, tunnelGroups }: EdgeBundle): readonly NamedEntry[] {
  const parts = new CarriedParts([
    ...tunnels.map(({ tunnelId, carries = [] }) => ({ tunnelId, carries })),
    ...tunnelGroups.map(({ groupId: tunnelId, carries = [] }) => ({ tunnelId, carries })),
  ]);
  return securityPolicies.flatMap((entry): NamedEntry[] => {
    if (entry.action !== 'PROTECT') return [entry];
    const { tunnelId } = entry;
    if (tunnelId !== undefined) return [{ ...entry, tunnelId }];
    return parts.of(entry.selector.remoteAddresses).map((part) => ({
      ...entry,
      tunnelId: part.tunnelId,
      selector: { ...entry.selector, remoteAddresses: part.addresses },
    }));
  });
}
