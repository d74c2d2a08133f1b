import { FAMILIES } from '../address/family.js';
import { hasBit } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import { pathBetween } from '../fabric/paths.js';
import type { TunnelStart } from '../intent.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { AT_ONCE, soonestStart } from '../tunnel-starts.js';

/**
 * When the tunnels between two owners start that are neighbours on some way: what is not in bundles that are shared, and in those that edges
 * are given follows from the rules of all pairs whose traffic goes there.
 */
export function startBetween({ intent, plan, rules }: CompiledFabric, one: number, other: number): TunnelStart {
  const { owners } = plan.topology;
  const several = [one, other].some((owner) => {
    const gateway = owners[owner];
    return gateway?.kind === 'edge' && gateway.edges.length > 1;
  });
  if (several) return AT_ONCE;
  const pairs = pairsThrough(plan, one, other);
  const wanted = rules
    .filter((rule) => rule.action === 'PROTECT' && pairs.some(([from, to]) => opens(rule, from, to)))
    .map(({ tunnelStart }) => tunnelStart ?? intent.tunnelStart ?? AT_ONCE);
  return wanted.length === 0 ? AT_ONCE : wanted.reduce(soonestStart);
}

/** Both directions of each. In a full mesh nobody else goes there. */
function pairsThrough(
  { paths, topology }: CompiledFabric['plan'],
  one: number,
  other: number,
): readonly (readonly [number, number])[] {
  if (paths.kind === 'direct') {
    return [
      [one, other],
      [other, one],
    ];
  }
  const numbers = [...topology.owners.keys()];
  return numbers.flatMap((from) =>
    numbers
      .filter((to) => {
        const way = from === to ? [] : (pathBetween(paths, from, to) ?? []);
        const at = way.indexOf(one);
        return at !== -1 && (way[at + 1] === other || way[at - 1] === other);
      })
      .map((to) => [from, to] as const),
  );
}

function opens({ sources, destinations, services }: ResolvedRule, from: number, to: number): boolean {
  return FAMILIES.some(
    (family) =>
      services[family].length > 0 && hasBit(sources.present[family], from) && hasBit(destinations.present[family], to),
  );
}
