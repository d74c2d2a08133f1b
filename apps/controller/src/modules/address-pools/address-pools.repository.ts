import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { AddressPool, AddressPoolInput } from './address-pool.dto.js';

type AddressPoolRow = Omit<AddressPool, 'createdAt' | 'updatedAt'> & {
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A host with an address that it is assigned. */
export interface AssignedHost {
  readonly name: string;
  readonly address: string;
}

export interface OverlappingPool {
  readonly name: string;
  readonly prefix: string;
}

/** Address pools of a tenant as they are stored. */
@Injectable()
export class AddressPoolsRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<AddressPool[]> {
    const rows = await sql<AddressPoolRow[]>`
      select ${columns(sql)} from address_pools p where tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(addressPoolOf);
  }

  async read(sql: SqlExecutor, tenantId: string, poolId: string): Promise<AddressPool | undefined> {
    const [row] = await sql<AddressPoolRow[]>`
      select ${columns(sql)} from address_pools p where tenant_id = ${tenantId} and id = ${poolId}`;
    return row && addressPoolOf(row);
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from address_pools where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  /** Version and site of a pool, which nobody else changes until the end of the transaction; nor is anything assigned of it. */
  async lock(
    sql: SqlExecutor,
    tenantId: string,
    poolId: string,
  ): Promise<Pick<AddressPool, 'version' | 'siteId'> | undefined> {
    const [row] = await sql<Pick<AddressPool, 'version' | 'siteId'>[]>`
      select version, site_id from address_pools where tenant_id = ${tenantId} and id = ${poolId} for update`;
    return row;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, pool: AddressPoolInput): Promise<void> {
    await sql`
      insert into address_pools (id, tenant_id, site_id, name, description, prefix, name_servers, domains)
      values (${id}, ${tenantId}, ${pool.siteId}, ${pool.name}, ${pool.description}, ${pool.prefix}::text::cidr,
        ${pool.nameServers}::text[]::inet[], ${pool.domains}::text[])`;
  }

  /** What is assigned of the pool goes with it. */
  async update(sql: SqlExecutor, tenantId: string, poolId: string, pool: AddressPoolInput): Promise<void> {
    await sql`
      update address_pools set
        site_id = ${pool.siteId}, name = ${pool.name}, description = ${pool.description}, prefix = ${pool.prefix}::text::cidr,
        name_servers = ${pool.nameServers}::text[]::inet[], domains = ${pool.domains}::text[], updated_at = now()
      where tenant_id = ${tenantId} and id = ${poolId}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, poolId: string): Promise<boolean> {
    const { count } = await sql`delete from address_pools where tenant_id = ${tenantId} and id = ${poolId}`;
    return count > 0;
  }

  /** Hosts with an address of the pool that is not in the prefix, by address; without a prefix all of its hosts. */
  async hostsOutside(
    sql: SqlExecutor,
    tenantId: string,
    poolId: string,
    prefix: string | null,
  ): Promise<AssignedHost[]> {
    return sql<AssignedHost[]>`
      select x.name, host(a.address) as address
      from assigned_addresses a join external_peers x on x.tenant_id = a.tenant_id and x.id = a.external_peer_id
      where a.tenant_id = ${tenantId} and a.address_pool_id = ${poolId}
        and (a.address <<= ${prefix}::text::cidr) is not true
      order by a.address`;
  }

  /** Another one than `poolId` that has an address of the prefix. */
  async overlapping(
    sql: SqlExecutor,
    tenantId: string,
    prefix: string,
    poolId?: string,
  ): Promise<OverlappingPool | undefined> {
    const [pool] = await sql<OverlappingPool[]>`
      select name, prefix::text from address_pools
      where tenant_id = ${tenantId} and prefix && ${prefix}::text::cidr and id is distinct from ${poolId ?? null}::uuid
      order by address_pools.prefix limit 1`;
    return pool;
  }

  /** What refers to a pool, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, poolId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from rule_endpoints e
      join policy_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
      join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where e.tenant_id = ${tenantId} and e.address_pool_id = ${poolId}
      union all
      select phrase from (
        select format('the external peer "%s"', x.name) as phrase
        from assigned_addresses a join external_peers x on x.tenant_id = a.tenant_id and x.id = a.external_peer_id
        where a.tenant_id = ${tenantId} and a.address_pool_id = ${poolId} order by a.address
      ) as hosts`;
    return rows.map(({ phrase }) => phrase);
  }

  /** Makes the pools those of the intent; descriptions stay. No host is assigned anything, and nothing names a pool. */
  async replaceAll(sql: SqlExecutor, { tenantId, addressPools = [] }: FabricIntent): Promise<void> {
    const ids = addressPools.map(({ id }) => id);
    await sql`delete from address_pools where tenant_id = ${tenantId} and id <> all (${ids}::uuid[])`;
    // Names and prefixes may have changed hands.
    await sql`update address_pools set name = id::text where tenant_id = ${tenantId}`;
    await sql`set constraints address_pools_prefix_overlap deferred`;
    await sql`
      insert into address_pools (id, tenant_id, site_id, name, prefix, name_servers, domains)
      select id, ${tenantId}::uuid, "siteId", name, prefix, coalesce("nameServers", '{}'), coalesce(domains, '{}')
      from jsonb_to_recordset(${JSON.stringify(addressPools)}::text::jsonb)
        as wanted (id uuid, "siteId" uuid, name text, prefix cidr, "nameServers" inet[], domains text[])
      on conflict (id) do update set
        site_id = excluded.site_id, name = excluded.name, prefix = excluded.prefix, name_servers = excluded.name_servers,
        domains = excluded.domains, updated_at = now()`;
  }
}

/** The address pools of the tenant `t`, as an intent has them; null without any. */
export function addressPoolsJson(sql: SqlExecutor) {
  return sql`(
    select json_agg(json_strip_nulls(json_build_object(
      'id', p.id, 'siteId', p.site_id, 'name', p.name, 'prefix', p.prefix::text,
      'nameServers', nullif(${nameServers(sql)}, '{}'), 'domains', nullif(p.domains, '{}'))) order by p.id)
    from address_pools p where p.tenant_id = t.id)`;
}

function columns(sql: SqlExecutor) {
  return sql`id, site_id, name, description, prefix::text, ${nameServers(sql)} as name_servers, domains, version, created_at,
    updated_at`;
}

/** Of the pool `p`, in order. */
function nameServers(sql: SqlExecutor) {
  return sql`array(
    select host(server) from unnest(p.name_servers) with ordinality as servers (server, place) order by place)`;
}

function addressPoolOf(row: AddressPoolRow): AddressPool {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
