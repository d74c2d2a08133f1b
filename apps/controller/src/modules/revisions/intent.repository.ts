import { Injectable } from '@nestjs/common';
import type {
  FabricIntent,
  IntentAddressPool,
  IntentGroup,
  IntentPolicyTest,
  IntentService,
  IpsecMode,
  SecurityProtocol,
  TunnelStart,
} from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { addressPoolsJson } from '../address-pools/address-pools.repository.js';
import { otherUnderlayAddresses } from '../edges/edges.repository.js';
import { externalPeersJson, withExternalPeers } from '../external-peers/external-peers.repository.js';
import type { IntendedFields } from '../external-peers/stored-external-peer.js';
import { groupsJson } from '../groups/groups.repository.js';
import { namedServicesJson } from '../named-services/named-services.repository.js';
import { intendedRulesJson } from '../policies/policies.repository.js';
import { profilesJson } from '../profiles/profiles.repository.js';
import { intendedProfile, type WrittenProfile } from '../profiles/stored-profile.js';
import { tunnelStartJson } from '../stored-tunnel-start.js';
import { type StoredTopology, topologyJson, topologyOf } from '../topology/stored-topology.js';

/** The intent of a tenant as it stands in the tables that people edit. */
@Injectable()
export class IntentRepository {
  /** One statement, so one snapshot: a change made meanwhile is in it whole or not at all. Every list has a fixed order. */
  async read(sql: SqlExecutor, tenantId: string): Promise<FabricIntent> {
    const [row] = await sql<IntentRow[]>`
      select json_build_object(
        'tenantId', t.id,
        'keyingMode', t.keying_mode,
        'encapsulation', t.encapsulation,
        'sites', coalesce((
          select json_agg(json_strip_nulls(json_build_object(
            'id', s.id, 'name', s.name, 'labels', nullif(s.labels, '{}'))) order by s.id)
          from sites s where s.tenant_id = t.id), '[]'),
        'networks', coalesce((
          select json_agg(json_strip_nulls(json_build_object(
            'id', n.id, 'siteId', n.site_id, 'name', n.name, 'prefix', n.prefix::text,
            'labels', nullif(n.labels, '{}'), 'mappedPrefix', n.mapped_prefix::text)) order by n.id)
          from networks n where n.tenant_id = t.id), '[]'),
        'edges', coalesce((
          select json_agg(json_strip_nulls(json_build_object(
            'id', e.id, 'siteId', e.site_id, 'name', e.name,
            'underlayAddress', host(e.underlay_address), 'underlayPort', e.underlay_port,
            'otherUnderlayAddresses', nullif(${otherUnderlayAddresses(sql)}, '{}'),
            'preference', nullif(e.preference, 1))) order by e.id)
          from edges e where e.tenant_id = t.id), '[]'),
        'policies', coalesce((
          select json_agg(json_strip_nulls(json_build_object(
            'id', p.id, 'name', p.name, 'enabled', p.enabled, 'confidential', nullif(p.confidential, false),
            'rules', ${intendedRulesJson(sql)})) order by p.position)
          from policies p where p.tenant_id = t.id), '[]')
      ) as intent,
      nullif(t.security_protocol, 'esp') as security_protocol,
      nullif(t.mode, 'tunnel') as mode,
      t.default_profile_id,
      case when t.tunnel_start <> 'start' then ${tunnelStartJson(sql, sql`t`)} end as tunnel_start,
      (
        select json_agg(json_build_object(
          'id', y.id, 'name', y.name, 'sources', y.sources, 'destinations', y.destinations, 'services', y.services,
          'expect', y.expect) order by y.id)
        from policy_tests y where y.tenant_id = t.id
      ) as policy_tests,
      ${addressPoolsJson(sql)} as address_pools,
      ${externalPeersJson(sql)} as external_peers,
      ${groupsJson(sql)} as groups,
      ${namedServicesJson(sql)} as services,
      ${profilesJson(sql)} as profiles,
      ${topologyJson(sql)} as topology
      from tenants t where t.id = ${tenantId}`;
    if (row === undefined) throw new Error(`there is no tenant ${tenantId}`);
    // A tenant without what came later has the intents that it had before there was any.
    const { securityProtocol, mode, tunnelStart, defaultProfileId, topology } = row;
    const { addressPools, groups, services, profiles } = row;
    const chosen = {
      ...row.intent,
      ...(securityProtocol === null ? {} : { securityProtocol }),
      ...(mode === null ? {} : { mode }),
      ...(defaultProfileId === null ? {} : { defaultProfileId }),
      ...(tunnelStart === null ? {} : { tunnelStart }),
      ...(topology === null ? {} : { topology: topologyOf(topology) }),
    };
    const peered = withExternalPeers(chosen, row.externalPeers);
    const intent = {
      ...peered,
      ...(addressPools === null ? {} : { addressPools }),
      ...(groups === null ? {} : { groups }),
      ...(services === null ? {} : { services }),
      ...(profiles === null ? {} : { profiles: profiles.map(intendedProfile) }),
    };
    return row.policyTests === null ? intent : { ...intent, policyTests: row.policyTests };
  }
}

interface IntentRow {
  readonly intent: FabricIntent;
  readonly securityProtocol: SecurityProtocol | null;
  readonly mode: IpsecMode | null;
  readonly defaultProfileId: string | null;
  readonly tunnelStart: TunnelStart | null;
  readonly policyTests: IntentPolicyTest[] | null;
  readonly addressPools: IntentAddressPool[] | null;
  readonly externalPeers: IntendedFields[] | null;
  readonly groups: IntentGroup[] | null;
  readonly services: IntentService[] | null;
  readonly profiles: (WrittenProfile & { readonly id: string })[] | null;
  readonly topology: StoredTopology | null;
}
