import type { FabricIntent, GroupMember, Selector } from '@weft/fabric-compiler';
import { meshIntent } from '../../../packages/fabric-compiler/bench/mesh-intent.js';

/** The mesh that `bench:compile` compiles, as a document that a tenant is imported from: names in place of identifiers. */
export function meshDocument(sites: number, rules: number): object {
  const intent: FabricIntent = meshIntent(sites, rules);
  const siteNames = new Map(intent.sites.map(({ id, name }) => [id, name]));
  const nameOf = (siteId: string) => siteNames.get(siteId) ?? '';
  const named = (selector: Selector | GroupMember) => namedSelector(selector, nameOf);
  const all = (intent.policies[0]?.rules ?? []).map(
    ({ name, action, sources, destinations, services, serviceIds }) => ({
      name,
      action,
      sources: sources.map(named),
      destinations: destinations.map(named),
      services,
      namedServices: serviceIds ?? [],
    }),
  );
  const policies = Array.from({ length: Math.ceil(all.length / RULES_IN_A_POLICY) }, (_, index) => ({
    name: `policy ${index}`,
    rules: all.slice(index * RULES_IN_A_POLICY, (index + 1) * RULES_IN_A_POLICY),
  }));
  return {
    version: 1,
    fabric: { keyingMode: 'ikev2' },
    sites: intent.sites.map(({ name, labels }) => ({ name, labels })),
    networks: intent.networks.map(({ siteId, name, prefix }) => ({ site: nameOf(siteId), name, prefix })),
    edges: intent.edges.map(({ name, siteId, underlayAddress }) => ({ name, site: nameOf(siteId), underlayAddress })),
    groups: (intent.groups ?? []).map(({ name, members }) => ({ name, members: members.map(named) })),
    services: (intent.services ?? []).map(({ name, services }) => ({ name, services })),
    policies,
  };
}

/** Those that the mesh has. Its groups are called by their identifiers. */
function namedSelector(selector: Selector | GroupMember, nameOf: (siteId: string) => string): object {
  switch (selector.kind) {
    case 'site':
      return { kind: 'site', site: nameOf(selector.siteId) };
    case 'group':
      return { kind: 'group', group: selector.groupId };
    default:
      return selector;
  }
}

/** As many as a policy may have. */
const RULES_IN_A_POLICY = 500;
