import fc from 'fast-check';
import type { FabricIntent, IntentEdge, IntentNetwork, IntentTopology } from '../src/intent.js';
import { arbitraryRule, arbitraryTopology, siteId, universe } from './small-universe.js';

/** Of every kind of topology, sites with two edges and edges with several uplinks among them. */
export function arbitraryFabric(): fc.Arbitrary<FabricIntent> {
  return fc
    .record({
      rules: fc.array(arbitraryRule(), { minLength: 1, maxLength: 7 }),
      topology: fc.oneof({ weight: 3, arbitrary: arbitraryTopology() }, arbitraryMeshes()),
      withoutEdge: fc.option(fc.nat(3), { freq: 5, nil: undefined }),
      doubled: fc.subarray([0, 1, 2, 3]),
      mapped: fc.subarray([0, 1, 2, 3]),
      uplinks: fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
    })
    .map(({ rules, topology, withoutEdge, doubled, mapped, uplinks }) => {
      const unmapped = universe(
        rules.map((rule) => ({ ...rule, profileId: '' })),
        topology,
        withoutEdge,
      );
      const intent = { ...unmapped, networks: unmapped.networks.map((network) => mapAt(mapped.map(siteId), network)) };
      const edges = intent.edges.flatMap((edge, index) =>
        doubled.includes(index)
          ? [
              { ...edge, preference: 2 },
              { ...edge, id: `a-${edge.id}`, underlayAddress: `198.51.100.${index + 1}`, preference: 1 },
            ]
          : [edge],
      );
      return { ...intent, edges: edges.map((edge, index) => withUplinks(edge, index, uplinks[index])), profiles: [] };
    });
}

/** Of addresses that no other edge has. */
function withUplinks(edge: IntentEdge, index: number, count = 0): IntentEdge {
  if (count === 0) return edge;
  const others = Array.from({ length: count }, (_, place) => `198.51.100.${10 * (index + 1) + place}`);
  return { ...edge, otherUnderlayAddresses: others };
}

/** As edges have to be that do not negotiate, or send anything but ESP in UDP. */
export function withoutUplinks(intent: FabricIntent): FabricIntent {
  return { ...intent, edges: intent.edges.map(({ otherUnderlayAddresses: _, ...edge }) => edge) };
}

/** Sites that know their networks by one and the same set of prefixes; what the fabric knows of them stays. */
function mapAt(siteIds: readonly string[], network: IntentNetwork): IntentNetwork {
  if (!siteIds.includes(network.siteId)) return network;
  const prefix = OWN_PREFIXES[Number(network.id.split('-')[2])] ?? '';
  return { ...network, prefix, mappedPrefix: network.prefix };
}

const OWN_PREFIXES = ['192.168.0.0/31', '192.168.7.6/31', 'fd99::8/127'];

/** One mesh of all sites, or several that share sites, or leave some out. */
function arbitraryMeshes(): fc.Arbitrary<IntentTopology> {
  const mesh = fc.uniqueArray(fc.nat(3), { minLength: 1 }).map((sites) => sites.map(siteId));
  return fc.oneof(
    fc.constant<IntentTopology>({ kind: 'full_mesh' }),
    fc.array(mesh, { maxLength: 3 }).map((meshes): IntentTopology => ({ kind: 'partial_mesh', meshes })),
  );
}
