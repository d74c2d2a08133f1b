import { addressesOf, sameSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import type { RangeSet } from './address/range-set.js';
import type { BundleAddressRange, BundleSecurityPolicy } from './bundle.js';
import type { ExternalTunnel } from './external-tunnels.js';
import { entryIdOf } from './identifiers.js';
import type { FabricIntent } from './intent.js';
import type { CompileProblem } from './problem.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { ServedSite, Topology } from './topology.js';

/**
 * What a rule means for the edge that has a tunnel with an external peer: entries as of any pair, of which the other end is not
 * ours. Traffic of other sites would need that edge to relay it, which its bundle cannot say: it is reported.
 */
export function* externalEntries(
  rule: ResolvedRule,
  topology: Topology,
  tunnels: ReadonlyMap<number, ExternalTunnel>,
  reportElsewhere: (rule: ResolvedRule, site: ServedSite, external: ExternalTunnel) => void,
): Generator<readonly [edgeId: string, entry: BundleSecurityPolicy, external: ExternalTunnel]> {
  for (const [number, external] of tunnels) {
    for (const [owner, site] of topology.served.entries()) {
      for (const opener of ['site', 'peer'] as const) {
        for (const entry of entriesBetween(rule, topology, { owner, site }, { number, external }, opener)) {
          if (site === external.site) yield [external.edge.edgeId, entry, external];
          else if (rule.action === 'PROTECT') reportElsewhere(rule, site, external);
        }
      }
    }
  }
}

function* entriesBetween(
  rule: ResolvedRule,
  { ownership }: Topology,
  { owner, site }: { readonly owner: number; readonly site: ServedSite },
  { number, external }: { readonly number: number; readonly external: ExternalTunnel },
  opener: 'site' | 'peer',
): Generator<BundleSecurityPolicy> {
  const peerId = external.tunnel.peerEdgeId;
  const [local, remote] = opener === 'site' ? [rule.sources, rule.destinations] : [rule.destinations, rule.sources];
  for (const family of FAMILIES) {
    const here = addressesOf(local, owner, ownership)[family];
    const there = addressesOf(remote, number, ownership)[family];
    if (here.length === 0 || there.length === 0) continue;
    // The pair was met before, the other way round: what has no ports would be the same entry again.
    const repeated =
      opener === 'peer' &&
      sameSet(addressesOf(rule.sources, owner, ownership)[family], here) &&
      sameSet(addressesOf(rule.destinations, number, ownership)[family], there);
    for (const { protocol, ports } of rule.services[family]) {
      if (repeated && ports.length === 0) continue;
      const [sourceEdgeId, destinationEdgeId] =
        opener === 'site' ? [site.edge.edgeId, peerId] : [peerId, site.edge.edgeId];
      yield {
        entryId: entryIdOf({ ruleId: rule.ruleId, sourceEdgeId, destinationEdgeId, family, protocol }),
        ruleId: rule.ruleId,
        ...(rule.action === 'PROTECT'
          ? { action: 'PROTECT', tunnelId: external.tunnel.tunnelId }
          : { action: 'DISCARD' as const }),
        selector: {
          localAddresses: asOctets(here, family),
          remoteAddresses: asOctets(there, family),
          protocol,
          localPorts: opener === 'site' ? [] : ports,
          remotePorts: opener === 'site' ? ports : [],
        },
      };
    }
  }
}

/** Reports, once for each rule, site and peer, traffic that the edge of another site would have to relay. */
export function elsewhereReporter(
  { policies }: Pick<FabricIntent, 'policies'>,
  problems: CompileProblem[],
): (rule: ResolvedRule, site: ServedSite, external: ExternalTunnel) => void {
  const pointers = new Map(
    policies.flatMap(({ rules }, policy) =>
      rules.map(({ id }, rule) => [id, `/policies/${policy}/rules/${rule}`] as const),
    ),
  );
  return ({ ruleId, name: ruleName }, { name }, { site, tunnel }) => {
    const pointer = pointers.get(ruleId) ?? '';
    const detail = `The rule "${ruleName}" lets the site "${name}" talk to the external peer "${tunnel.peerName}", whose tunnel is with the site "${site.name}": the edge there does not relay.`;
    if (problems.some((problem) => problem.pointer === pointer && problem.detail === detail)) return;
    problems.push({
      pointer,
      rule: 'external_peer_elsewhere',
      detail,
      fix: `Let only "${site.name}" talk to "${tunnel.peerName}", or give the peer's tunnel to "${name}".`,
    });
  };
}

function asOctets(ranges: RangeSet, family: Family): readonly BundleAddressRange[] {
  return ranges.map(({ first, last }) => ({
    first: octetsFromNumber(first, family),
    last: octetsFromNumber(last, family),
  }));
}
