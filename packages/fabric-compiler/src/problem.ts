/** One reason why an intent cannot be compiled, addressed to the operator. */
export interface CompileProblem {
  /** JSON pointer into the intent (RFC 6901). */
  readonly pointer: string;
  readonly rule: ProblemRule;
  /** What is wrong, one sentence. */
  readonly detail: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
}

/** Every rule an intent can break. */
export type ProblemRule =
  | 'duplicate_id'
  | 'unknown_site'
  | 'unknown_network'
  | 'invalid_prefix'
  | 'host_bits'
  | 'unusable_prefix'
  | 'overlapping_networks'
  | 'invalid_address'
  | 'unusable_address'
  | 'invalid_port'
  | 'duplicate_endpoint'
  | 'underlay_inside_overlay'
  | 'underlay_family_mismatch'
  | 'too_many_uplinks'
  | 'uplinks_without_negotiation'
  | 'uplinks_in_transport_mode'
  | 'uplinks_without_udp'
  | 'invalid_preference'
  | 'duplicate_preference'
  | 'empty_list'
  | 'ports_without_protocol'
  | 'invalid_port_range'
  | 'bypass_between_sites'
  | 'matches_no_network'
  | 'family_mismatch'
  | 'within_one_site'
  | 'unknown_group'
  | 'unknown_service'
  | 'unknown_profile'
  | 'several_profiles'
  | 'unknown_address_pool'
  | 'address_outside_pool'
  | 'address_assigned_twice'
  | 'several_addresses_of_version'
  | 'pool_of_another_site'
  | 'invalid_domain'
  | 'domains_without_name_servers'
  | 'unknown_external_peer'
  | 'invalid_identity'
  | 'duplicate_identity'
  | 'missing_pre_shared_key'
  | 'invalid_certificate'
  | 'mapping_length'
  | 'ambiguous_network'
  | 'ah_is_not_confidential'
  | 'ah_without_negotiation'
  | 'ah_with_several_edges'
  | 'ah_behind_nat'
  | 'transport_without_negotiation'
  | 'trap_without_negotiation'
  | 'transport_through_relay'
  | 'transport_to_external_peer'
  | 'transport_with_several_edges'
  | 'transport_beyond_host'
  | 'not_deliverable'
  | 'too_many_tunnels'
  | 'too_many_entries'
  | 'too_many_routes'
  | 'too_many_mappings';

/** Reports every identifier that stands twice in one collection. */
export function reportDuplicateIds(
  pointer: string,
  items: readonly { readonly id: string }[],
  problems: CompileProblem[],
): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const before = seen.get(item.id);
    if (before === undefined) {
      seen.set(item.id, index);
      continue;
    }
    problems.push({
      pointer: `${pointer}/${index}/id`,
      rule: 'duplicate_id',
      detail: `The identifier ${item.id} already stands at ${pointer}/${before}.`,
      fix: 'Give each object an identifier of its own.',
    });
  }
}
