import type { BundleAddressRange, BundleSecurityPolicy, BundleSelector, EdgeBundle } from '../bundle.js';
import type { FabricIntent } from '../intent.js';
import { sameValue } from '../same-value.js';
import type { Finding } from './finding.js';

/**
 * Proves of the bundles that edges are given that a site with several edges is safe through any of them, whatever is alive and
 * whichever way the two directions of a flow take: all edges of a site decide every packet alike; what is protected for such a
 * site has a tunnel with each of its edges, in their order and with one profile; and the edge at the other end of each takes
 * out of it exactly what goes in. Then no failure makes a packet travel in the clear that does not do so now, for what changes
 * is only which of the tunnels carries it. The bundles are read as they are, and not how they were made.
 */
export function proveAlternatives(
  bundles: ReadonlyMap<string, EdgeBundle>,
  { edges }: FabricIntent,
): readonly Finding[] {
  const sites = edgesBySite(edges);
  if ([...sites.values()].every(({ length }) => length < 2)) return [];
  const siteOf = new Map(edges.map(({ id, siteId }) => [id, siteId]));
  const entries = new Map([...bundles].map(([edgeId, bundle]) => [edgeId, new Entries(bundle)]));
  const findings: Finding[] = [];
  for (const members of sites.values()) findings.push(...unequalEdges(members, bundles));
  for (const bundle of bundles.values()) {
    const checked = new Set<string>();
    for (const policy of bundle.securityPolicies) {
      // A gateway that is not ours is no site with several edges: there is one tunnel with it.
      if (policy.action !== 'PROTECT' || isExternal(bundle, policy.tunnelId)) continue;
      if (!checked.has(policy.tunnelId)) {
        checked.add(policy.tunnelId);
        findings.push(...wrongMembers(bundle, policy, sites, siteOf));
      }
      findings.push(...unmirrored(bundle, policy, bundles, entries));
      if (findings.length >= MAX_FINDINGS) return findings.slice(0, MAX_FINDINGS);
    }
  }
  return findings;
}

/** Preferred first. */
function edgesBySite(edges: FabricIntent['edges']): ReadonlyMap<string, readonly string[]> {
  const sites = new Map<string, string[]>();
  for (const { id, siteId } of [...edges].sort((one, other) => (one.preference ?? 1) - (other.preference ?? 1))) {
    sites.set(siteId, [...(sites.get(siteId) ?? []), id]);
  }
  return sites;
}

/** Of one edge, to be found by what they are called at the other end, or by what they decide. */
class Entries {
  readonly #policies: readonly BundleSecurityPolicy[];
  readonly #byId: ReadonlyMap<string, BundleSecurityPolicy>;
  #byDecision: ReadonlyMap<string, BundleSecurityPolicy> | undefined;

  constructor({ securityPolicies }: EdgeBundle) {
    this.#policies = securityPolicies;
    this.#byId = new Map(securityPolicies.map((policy) => [policy.entryId, policy]));
  }

  /** The one that a rule has there for exactly these packets; at a relay, which has two for a pair, under another identifier. */
  of({ entryId, ruleId }: BundleSecurityPolicy, selector: BundleSelector): BundleSecurityPolicy | undefined {
    const named = this.#byId.get(entryId);
    if (named !== undefined && sameValue(named.selector, selector)) return named;
    this.#byDecision ??= new Map(this.#policies.map((each) => [decisionKey(each.ruleId, each.selector), each]));
    return this.#byDecision.get(decisionKey(ruleId, selector));
  }
}

function decisionKey(ruleId: string, selector: BundleSelector): string {
  const range = ({ first, last }: BundleAddressRange) => `${first.join('.')}-${last.join('.')}`;
  const port = ({ first, last }: { readonly first: number; readonly last: number }) => `${first}-${last}`;
  return [
    ruleId,
    selector.localAddresses.map(range),
    selector.remoteAddresses.map(range),
    selector.protocol,
    selector.localPorts.map(port),
    selector.remotePorts.map(port),
  ].join(' ');
}

/** Entry by entry, in their order: where they send is looked at elsewhere. */
function unequalEdges(members: readonly string[], bundles: ReadonlyMap<string, EdgeBundle>): readonly Finding[] {
  const [first, ...others] = members.flatMap((edgeId) => bundles.get(edgeId) ?? []);
  if (first === undefined) return [];
  return others.flatMap((other) => {
    const length = Math.max(first.securityPolicies.length, other.securityPolicies.length);
    for (let index = 0; index < length; index += 1) {
      const [one, two] = [first.securityPolicies[index], other.securityPolicies[index]];
      if (one !== undefined && two !== undefined && sameValue(decisionOf(one), decisionOf(two))) continue;
      return [unequal([other, first], (one ?? two)?.ruleId, 'decide some packets otherwise')];
    }
    const alike = sameValue(addressesOf(first), addressesOf(other));
    return alike ? [] : [unequal([other, first], undefined, 'have other routes or networks')];
  });
}

function addressesOf({ routes, localNetworks, networkMappings }: EdgeBundle) {
  return { routes, localNetworks, networkMappings };
}

function decisionOf({ entryId, ruleId, action, selector }: BundleSecurityPolicy) {
  return { entryId, ruleId, action, selector };
}

/** The tunnels of an entry go to all edges of one site, the preferred one first, and protect alike. */
function wrongMembers(
  bundle: EdgeBundle,
  policy: Extract<BundleSecurityPolicy, { readonly action: 'PROTECT' }>,
  sites: ReadonlyMap<string, readonly string[]>,
  siteOf: ReadonlyMap<string, string>,
): readonly Finding[] {
  const tunnels = tunnelsOf(bundle, policy.tunnelId);
  const peers = tunnels.map(({ peerEdgeId }) => peerEdgeId);
  const wanted = sites.get(siteOf.get(peers[0] ?? '') ?? '') ?? [];
  if (wanted.length === 0 || !sameValue(peers, wanted)) {
    return [
      unequal([bundle], policy.ruleId, 'do not have its tunnels with each edge of the other site, in their order'),
    ];
  }
  const [first, ...others] = tunnels;
  const alike = others.every(
    ({ profile, keying }) => sameValue(profile, first?.profile) && sameValue(keying, first?.keying),
  );
  return alike ? [] : [unequal([bundle], policy.ruleId, 'protect with another profile in some of its tunnels')];
}

/** Each edge that the packets of an entry may come to lets them out, and sends their answers back in the same tunnel. */
function unmirrored(
  bundle: EdgeBundle,
  policy: Extract<BundleSecurityPolicy, { readonly action: 'PROTECT' }>,
  bundles: ReadonlyMap<string, EdgeBundle>,
  entries: ReadonlyMap<string, Entries>,
): readonly Finding[] {
  const selector = mirrored(policy.selector);
  return tunnelsOf(bundle, policy.tunnelId).flatMap(({ tunnelId, peerEdgeId }) => {
    const peer = bundles.get(peerEdgeId);
    const mirror = entries.get(peerEdgeId)?.of(policy, selector);
    const carried =
      peer !== undefined &&
      mirror?.action === 'PROTECT' &&
      tunnelsOf(peer, mirror.tunnelId).some((tunnel) => tunnel.tunnelId === tunnelId);
    if (carried) return [];
    const edges = peer === undefined ? [bundle] : [peer, bundle];
    return [unequal(edges, policy.ruleId, 'would not take out of a tunnel what goes into it')];
  });
}

function tunnelsOf({ tunnels, tunnelGroups }: EdgeBundle, target: string): EdgeBundle['tunnels'] {
  const tunnelIds = tunnelGroups.find(({ groupId }) => groupId === target)?.tunnelIds ?? [target];
  return tunnelIds.flatMap((tunnelId) => tunnels.find((tunnel) => tunnel.tunnelId === tunnelId) ?? []);
}

function isExternal({ tunnels }: EdgeBundle, target: string): boolean {
  return tunnels.some(({ tunnelId, external }) => tunnelId === target && external !== undefined);
}

function mirrored(selector: BundleSelector): BundleSelector {
  return {
    localAddresses: selector.remoteAddresses,
    remoteAddresses: selector.localAddresses,
    protocol: selector.protocol,
    localPorts: selector.remotePorts,
    remotePorts: selector.localPorts,
  };
}

function unequal(edges: readonly EdgeBundle[], ruleId: string | undefined, what: string): Finding {
  const edgeIds = edges.map(({ edgeId }) => edgeId);
  return {
    kind: 'unequal_alternatives',
    detail: `Edges of a site with several of them are not alike: ${edgeIds.join(' and ')} ${what}.`,
    fix: 'Compile the revision anew; the bundles were not made from it.',
    edgeIds,
    ruleId,
    counterexample: undefined,
  };
}

const MAX_FINDINGS = 50;
