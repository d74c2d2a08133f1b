import { sameValue } from '../same-value.js';
import type { Topology } from '../topology.js';
import type { CompiledFabric } from './compile-shared.js';

/**
 * The edges whose delivered bundle may be another one than before, by identifier; undefined: all of them. It goes by the bundles that are
 * shared, and by what is not in these: when a tunnel starts is for all rules to say that send packets there; and the traffic selectors of tunnels with external peers are made of all rules.
 */
export function affectedEdges(before: CompiledFabric, after: CompiledFabric): ReadonlySet<string> | undefined {
  const { topology } = after.plan;
  if (before.plan !== after.plan) return undefined;
  if (!sameValue(startsOf(before), startsOf(after))) return undefined;
  const sites = new Set(gatewaysOf(topology));
  for (const [site, { digest }] of after.bundles.entries()) {
    const old = before.bundles[site]?.digest;
    if (!digest.every((octet, index) => octet === old?.[index])) sites.add(site);
  }
  return new Set([...sites].flatMap((site) => (topology.served[site]?.edges ?? []).map(({ edgeId }) => edgeId)));
}

/** By rule, of those that say it. */
function startsOf({ rules }: CompiledFabric): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    rules.flatMap(({ ruleId, tunnelStart }) => (tunnelStart === undefined ? [] : [[ruleId, tunnelStart] as const])),
  );
}

/** Of external peers, by number of the owner. */
function gatewaysOf({ owners, numbers }: Topology): readonly number[] {
  return owners.flatMap((owner) =>
    owner.kind === 'external' ? owner.peer.gatewaySiteIds.flatMap((siteId) => numbers.get(siteId) ?? []) : [],
  );
}
