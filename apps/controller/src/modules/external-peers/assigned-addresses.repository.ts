import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { AssignedAddress } from './stored-external-peer.js';

/** Of an address pool what matters to whoever is assigned an address of it. */
export interface AssigningPool {
  readonly id: string;
  readonly name: string;
  readonly siteId: string;
  readonly prefix: string;
}

/** Addresses that remote hosts are assigned of address pools. */
@Injectable()
export class AssignedAddressesRepository {
  /** The pools, by identifier. Until the end of the transaction nobody else is assigned anything of them, and none changes. */
  async lockPools(sql: SqlExecutor, tenantId: string, ids: readonly string[]): Promise<Map<string, AssigningPool>> {
    const pools = await sql<AssigningPool[]>`
      select id, name, site_id, prefix::text from address_pools
      where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[]) order by id for update`;
    return new Map(pools.map((pool) => [pool.id, pool]));
  }

  async isWithin(sql: SqlExecutor, address: string, prefix: string): Promise<boolean> {
    const [row] = await sql<{ within: boolean }[]>`
      select ${address}::text::inet <<= ${prefix}::text::cidr as within`;
    return row?.within === true;
  }

  /** The name of another host that has the address. */
  async holder(sql: SqlExecutor, tenantId: string, address: string, peerId: string): Promise<string | undefined> {
    const [row] = await sql<{ name: string }[]>`
      select x.name from assigned_addresses a join external_peers x on x.tenant_id = a.tenant_id and x.id = a.external_peer_id
      where a.tenant_id = ${tenantId} and a.address = ${address}::text::inet and x.id <> ${peerId}`;
    return row?.name;
  }

  /** What a host has of a pool. */
  async held(sql: SqlExecutor, tenantId: string, poolId: string, peerId: string): Promise<string | undefined> {
    const [row] = await sql<{ address: string }[]>`
      select host(address) as address from assigned_addresses
      where tenant_id = ${tenantId} and address_pool_id = ${poolId} and external_peer_id = ${peerId}`;
    return row?.address;
  }

  /**
   * The lowest address of a pool that nobody has; undefined when it is full. The first and the last address of an IPv4 prefix are nobody's
   * unless it is /31 (RFC 3021) or /32, and the first of IPv6 is that of routers (RFC 4291 section 2.6.1).
   */
  async lowestFree(sql: SqlExecutor, tenantId: string, poolId: string): Promise<string | undefined> {
    const [row] = await sql<{ address: string }[]>`
      with bounds as (
        select host(prefix)::inet + (case when family(prefix) = 6 or masklen(prefix) < 31 then 1 else 0 end) as first,
          host(broadcast(prefix))::inet - (case when family(prefix) = 4 and masklen(prefix) < 31 then 1 else 0 end) as last
        from address_pools
        -- An IPv6 prefix of one address has none for a host.
        where tenant_id = ${tenantId} and id = ${poolId} and masklen(prefix) < 128
      ), taken as (
        select address from assigned_addresses where tenant_id = ${tenantId} and address_pool_id = ${poolId}
      ), candidates as (
        -- The lowest is the first, or follows one that is taken.
        select first as address from bounds
        union all
        select taken.address + 1 from taken, bounds where taken.address >= first and taken.address < last
      )
      select host(address) as address from candidates where address not in (select address from taken)
      order by candidates.address limit 1`;
    return row?.address;
  }

  /** Makes these the addresses of a host; a pool that there is not breaks a constraint. */
  async replace(
    sql: SqlExecutor,
    tenantId: string,
    peerId: string,
    assigned: readonly AssignedAddress[],
  ): Promise<void> {
    await this.remove(sql, tenantId, peerId);
    await sql`
      insert into assigned_addresses (tenant_id, external_peer_id, address_pool_id, site_id, prefix, address)
      select ${tenantId}, ${peerId}, wanted."addressPoolId", p.site_id, p.prefix, wanted.address
      from jsonb_to_recordset(${JSON.stringify(assigned)}::text::jsonb) as wanted ("addressPoolId" uuid, address inet)
      left join address_pools p on p.tenant_id = ${tenantId} and p.id = wanted."addressPoolId"`;
  }

  /** Of one host, or of all of them. */
  async remove(sql: SqlExecutor, tenantId: string, peerId?: string): Promise<void> {
    await sql`
      delete from assigned_addresses
      where tenant_id = ${tenantId} and external_peer_id = coalesce(${peerId ?? null}::uuid, external_peer_id)`;
  }
}

/** What the external peer `x` is assigned, IPv4 first; null of a gateway. */
export function assignedJson(sql: SqlExecutor) {
  return sql`(
    select json_agg(json_build_object('addressPoolId', a.address_pool_id, 'address', host(a.address)) order by family(a.address))
    from assigned_addresses a where a.tenant_id = x.tenant_id and a.external_peer_id = x.id)`;
}
