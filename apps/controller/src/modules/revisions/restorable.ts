import type { FabricIntent, IntentPolicyTest } from '@weft/fabric-compiler';

/**
 * An earlier intent as it would be read from the tables today: with what has become explicit since, and in their order. The
 * policy tests are those of today; what must hold does not come back with what did.
 */
export function restorable(
  { policyTests: _then, ...intent }: FabricIntent,
  policyTests: readonly IntentPolicyTest[] | undefined,
): FabricIntent {
  return {
    ...intent,
    keyingMode: intent.keyingMode ?? 'ike-less',
    encapsulation: intent.encapsulation ?? 'udp',
    sites: byId(intent.sites),
    networks: byId(intent.networks),
    edges: byId(intent.edges),
    ...(intent.addressPools === undefined ? {} : { addressPools: byId(intent.addressPools) }),
    ...(intent.externalPeers === undefined ? {} : { externalPeers: byId(intent.externalPeers) }),
    ...(intent.groups === undefined ? {} : { groups: byId(intent.groups) }),
    ...(intent.services === undefined ? {} : { services: byId(intent.services) }),
    ...(intent.profiles === undefined ? {} : { profiles: byId(intent.profiles) }),
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule) => ({ ...rule, enabled: rule.enabled ?? true })),
    })),
    ...(policyTests === undefined ? {} : { policyTests }),
  };
}

/** UUIDs in small letters sort as text as Postgres sorts them. */
function byId<Item extends { readonly id: string }>(items: readonly Item[]): readonly Item[] {
  return [...items].sort((left, right) => (left.id < right.id ? -1 : 1));
}
