import type { ResolvedRule } from '../resolved-rule.js';
import { sameList, sameValue } from '../same-value.js';
import type { Topology } from '../topology.js';
import type { CompiledFabric } from './compile-shared.js';
import type { Paths } from './paths.js';

/**
 * The edges whose delivered bundle may be another one than before, by identifier; undefined: all of them. It goes by the bundles that are
 * shared, and by what is not in these: edges of one site are looked at together; when a tunnel starts is for the rules of all pairs to
 * say whose packets go there; the traffic selectors of tunnels with external peers are made of all rules; and relays are given what
 * they discard for pairs, also of those that nothing lets talk.
 */
export function affectedEdges(before: CompiledFabric, after: CompiledFabric): ReadonlySet<string> | undefined {
  const { topology, paths } = after.plan;
  if (before.plan !== after.plan || topology.served.some(({ edges }) => edges.length > 1)) return undefined;
  if (!sameValue(startsOf(before), startsOf(after))) return undefined;
  const sites = new Set(gatewaysOf(topology));
  if (!sameList(discardsOf(before), discardsOf(after))) for (const relay of relaysOf(paths)) sites.add(relay);
  for (const [site, { digest }] of after.bundles.entries()) {
    const old = before.bundles[site]?.digest;
    if (!digest.every((octet, index) => octet === old?.[index])) sites.add(site);
  }
  return new Set([...sites].flatMap((site) => topology.served[site]?.edge.edgeId ?? []));
}

/** By rule, of those that say it. */
function startsOf({ rules }: CompiledFabric): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    rules.flatMap(({ ruleId, tunnelStart }) => (tunnelStart === undefined ? [] : [[ruleId, tunnelStart] as const])),
  );
}

/** A rule that was not edited is the same one. */
function discardsOf({ rules }: CompiledFabric): readonly ResolvedRule[] {
  return rules.filter(({ action }) => action === 'DISCARD');
}

/** Of external peers, by number of the owner. */
function gatewaysOf({ owners, numbers }: Topology): readonly number[] {
  return owners.flatMap((owner) =>
    owner.kind === 'external' ? owner.peer.gatewaySiteIds.flatMap((siteId) => numbers.get(siteId) ?? []) : [],
  );
}

/** Whoever is next on some way and not its end, by number of the owner. */
function relaysOf(paths: Paths): ReadonlySet<number> {
  const relays = new Set<number>();
  if (paths.kind === 'direct') return relays;
  for (const [pair, next] of paths.next.entries()) {
    if (next >= 0 && next !== pair % paths.ownerCount) relays.add(next);
  }
  return relays;
}
