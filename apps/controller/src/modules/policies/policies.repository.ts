import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import { tunnelStartJson } from '../stored-tunnel-start.js';
import type { CurrentPolicyOrder, Policy, PolicyInput, Rule } from './policy.dto.js';

type PolicyRow = Omit<Policy, 'createdAt' | 'updatedAt'> & { readonly createdAt: Date; readonly updatedAt: Date };

@Injectable()
export class PoliciesRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Policy[]> {
    const rows = await sql<PolicyRow[]>`
      ${this.#select(sql)} where p.tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`p.position`, sql`p.id`])}`;
    return rows.map(policyOf);
  }

  async read(sql: SqlExecutor, tenantId: string, policyId: string): Promise<Policy | undefined> {
    const [row] = await sql<PolicyRow[]>`
      ${this.#select(sql)} where p.tenant_id = ${tenantId} and p.id = ${policyId}`;
    return row && policyOf(row);
  }

  /** Version of a policy, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, policyId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from policies where tenant_id = ${tenantId} and id = ${policyId} for update`;
    return row?.version;
  }

  /** Behind the others. The tenant is locked. */
  async insert(
    sql: SqlExecutor,
    tenantId: string,
    id: string,
    policy: PolicyInput,
    position: number,
    version = 1,
  ): Promise<void> {
    await sql`
      insert into policies (id, tenant_id, name, description, enabled, confidential, position, version)
      values (
        ${id}, ${tenantId}, ${policy.name}, ${policy.description}, ${policy.enabled}, ${policy.confidential}, ${position},
        ${version})`;
  }

  async update(sql: SqlExecutor, tenantId: string, policyId: string, policy: PolicyInput): Promise<void> {
    await sql`
      update policies set
        name = ${policy.name}, description = ${policy.description}, enabled = ${policy.enabled},
        confidential = ${policy.confidential}, version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${policyId}`;
  }

  /** Replaces the rules of a policy by these, in this order. */
  async replaceRules(sql: SqlExecutor, tenantId: string, policyId: string, rules: readonly Rule[]): Promise<void> {
    const json = JSON.stringify(rules);
    await sql`delete from policy_rules where tenant_id = ${tenantId} and policy_id = ${policyId}`;
    await sql`
      insert into policy_rules (tenant_id, id, policy_id, position, name, action, enabled, profile_id, tunnel_start,
        idle_seconds)
      select ${tenantId}, (rule ->> 'id')::uuid, ${policyId}, place - 1, rule ->> 'name', rule ->> 'action',
        (rule -> 'enabled')::boolean, (rule ->> 'profileId')::uuid, rule #>> '{tunnelStart,kind}',
        (rule #>> '{tunnelStart,idleSeconds}')::integer
      from jsonb_array_elements(${json}::text::jsonb) with ordinality as rules (rule, place)`;
    await sql`
      insert into rule_endpoints (tenant_id, rule_id, side, position, kind, site_id, network_id, prefix, address_pool_id,
        external_peer_id, group_id)
      select ${tenantId}, (rule ->> 'id')::uuid, side, place - 1, selector ->> 'kind', (selector ->> 'siteId')::uuid,
        (selector ->> 'networkId')::uuid, (selector ->> 'prefix')::cidr, (selector ->> 'addressPoolId')::uuid,
        (selector ->> 'externalPeerId')::uuid, (selector ->> 'groupId')::uuid
      from jsonb_array_elements(${json}::text::jsonb) as rules (rule),
        unnest(array['sources', 'destinations']) as sides (side),
        jsonb_array_elements(rule -> side) with ordinality as selectors (selector, place)`;
    await sql`
      insert into rule_services (tenant_id, rule_id, position, protocol, ports)
      select ${tenantId}, (rule ->> 'id')::uuid, place - 1, service ->> 'protocol', array(
        select int4range((port ->> 'first')::integer, (port ->> 'last')::integer, '[]')
        from jsonb_array_elements(service -> 'ports') with ordinality as ports (port, n) order by n)
      from jsonb_array_elements(${json}::text::jsonb) as rules (rule),
        jsonb_array_elements(rule -> 'services') with ordinality as services (service, place)`;
    await sql`
      insert into rule_named_services (tenant_id, rule_id, position, service_id)
      select ${tenantId}, (rule ->> 'id')::uuid, place - 1, named::uuid
      from jsonb_array_elements(${json}::text::jsonb) as rules (rule),
        jsonb_array_elements_text(rule -> 'serviceIds') with ordinality as services (named, place)`;
  }

  /** Identifiers in order. */
  async order(sql: SqlExecutor, tenantId: string): Promise<string[]> {
    const rows = await sql<{ id: string }[]>`select id from policies where tenant_id = ${tenantId} order by position`;
    return rows.map(({ id }) => id);
  }

  /** The order with its version, as of one moment. */
  async currentOrder(sql: SqlExecutor, tenantId: string): Promise<CurrentPolicyOrder | undefined> {
    const [order] = await sql<CurrentPolicyOrder[]>`
      select policy_order_version as version,
        array(select p.id::text from policies p where p.tenant_id = t.id order by p.position) as policy_ids
      from tenants t where t.id = ${tenantId}`;
    return order;
  }

  /** The tenant is locked, and the identifiers are all of its policies. */
  async reorder(sql: SqlExecutor, tenantId: string, policyIds: readonly string[]): Promise<void> {
    await sql`
      update policies set position = place - 1
      from unnest(${[...policyIds]}::uuid[]) with ordinality as places (id, place)
      where policies.tenant_id = ${tenantId} and policies.id = places.id`;
  }

  async remove(sql: SqlExecutor, tenantId: string, policyId: string): Promise<boolean> {
    const { count } = await sql`delete from policies where tenant_id = ${tenantId} and id = ${policyId}`;
    return count > 0;
  }

  /** Which of the identifiers name a site, a network, an address pool, an external peer, a group, a service or a profile of the tenant. */
  async known(sql: SqlExecutor, tenantId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await sql<{ id: string }[]>`
      select id from sites where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from networks where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from address_pools where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from external_peers where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from groups where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from services where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])
      union all
      select id from profiles where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[])`;
    return new Set(rows.map(({ id }) => id));
  }

  #select(sql: SqlExecutor) {
    return sql`
      select p.id, p.name, p.description, p.enabled, p.confidential, p.position, p.version, p.created_at, p.updated_at,
        ${rulesJson(sql, sql`'[]'`)} as rules
      from policies p`;
  }
}

/** The rules of the policy `p` in order, as an intent has them: what came later is null without any. */
export function intendedRulesJson(sql: SqlExecutor) {
  return rulesJson(sql, sql`null`);
}

function rulesJson(sql: SqlExecutor, noNames: ReturnType<SqlExecutor>) {
  return sql`coalesce((
    select json_agg(json_build_object(
      'id', r.id, 'name', r.name, 'action', r.action, 'enabled', r.enabled, 'profileId', r.profile_id,
      'tunnelStart', ${tunnelStartJson(sql, sql`r`)},
      'sources', ${endpointsJson(sql, 'sources')},
      'destinations', ${endpointsJson(sql, 'destinations')},
      'services', coalesce((
        select json_agg(json_build_object('protocol', s.protocol, 'ports', coalesce((
          select json_agg(json_build_object('first', lower(range), 'last', upper(range) - 1) order by n)
          from unnest(s.ports) with ordinality as ranges (range, n)), '[]')) order by s.position)
        from rule_services s where s.tenant_id = r.tenant_id and s.rule_id = r.id), '[]'),
      'serviceIds', coalesce((
        select json_agg(n.service_id order by n.position)
        from rule_named_services n where n.tenant_id = r.tenant_id and n.rule_id = r.id), ${noNames})
    ) order by r.position)
    from policy_rules r where r.tenant_id = p.tenant_id and r.policy_id = p.id), '[]')`;
}

function endpointsJson(sql: SqlExecutor, side: 'sources' | 'destinations') {
  return sql`coalesce((
    select json_agg(json_strip_nulls(json_build_object(
      'kind', e.kind, 'siteId', e.site_id, 'networkId', e.network_id, 'prefix', e.prefix::text,
      'addressPoolId', e.address_pool_id, 'externalPeerId', e.external_peer_id, 'groupId', e.group_id)) order by e.position)
    from rule_endpoints e where e.tenant_id = r.tenant_id and e.rule_id = r.id and e.side = ${side}), '[]')`;
}

function policyOf(row: PolicyRow): Policy {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
