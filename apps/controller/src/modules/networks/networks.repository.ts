import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { CreateNetwork, Network, UpdateNetwork } from './network.dto.js';

type NetworkRow = Omit<Network, 'createdAt' | 'mappedPrefix'> & {
  readonly createdAt: Date;
  readonly mappedPrefix: string | null;
};

export interface OverlappingNetwork {
  readonly name: string;
  /** On the fabric. */
  readonly prefix: string;
  readonly siteName: string;
}

@Injectable()
export class NetworksRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Network[]> {
    const rows = await sql<NetworkRow[]>`
      select id, site_id, name, prefix::text, mapped_prefix::text, labels, version, created_at from networks
      where tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`networks.prefix`, sql`id`])}`;
    return rows.map(networkOf);
  }

  async read(sql: SqlExecutor, tenantId: string, networkId: string): Promise<Network | undefined> {
    const rows = await sql<NetworkRow[]>`
      select id, site_id, name, prefix::text, mapped_prefix::text, labels, version, created_at from networks
      where tenant_id = ${tenantId} and id = ${networkId}`;
    return rows.map(networkOf)[0];
  }

  /** Version of a network, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, networkId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from networks where tenant_id = ${tenantId} and id = ${networkId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, network: CreateNetwork): Promise<Network[]> {
    const { siteId, name, prefix, mappedPrefix = null, labels = {} } = network;
    const rows = await sql<NetworkRow[]>`
      insert into networks (id, tenant_id, site_id, name, prefix, mapped_prefix, labels)
      values (${id}, ${tenantId}, ${siteId}, ${name}, ${prefix}::text::cidr, ${mappedPrefix}::text::cidr,
        ${JSON.stringify(labels)}::text::jsonb)
      returning id, site_id, name, prefix::text, mapped_prefix::text, labels, version, created_at`;
    return rows.map(networkOf);
  }

  async update(sql: SqlExecutor, tenantId: string, networkId: string, change: UpdateNetwork): Promise<Network[]> {
    const labels = change.labels === undefined ? null : JSON.stringify(change.labels);
    const rows = await sql<NetworkRow[]>`
      update networks set name = coalesce(${change.name ?? null}, name), labels = coalesce(${labels}::text::jsonb, labels),
        mapped_prefix = case when ${change.mappedPrefix === undefined} then mapped_prefix
          else ${change.mappedPrefix ?? null}::text::cidr end
      where tenant_id = ${tenantId} and id = ${networkId}
      returning id, site_id, name, prefix::text, mapped_prefix::text, labels, version, created_at`;
    return rows.map(networkOf);
  }

  /** What an import may change of a network. */
  async rewrite(
    sql: SqlExecutor,
    tenantId: string,
    networkId: string,
    { prefix, mappedPrefix, labels = {} }: Pick<CreateNetwork, 'prefix' | 'mappedPrefix' | 'labels'>,
  ): Promise<void> {
    await sql`
      update networks set prefix = ${prefix}::text::cidr, mapped_prefix = ${mappedPrefix ?? null}::text::cidr,
        labels = ${JSON.stringify(labels)}::text::jsonb
      where tenant_id = ${tenantId} and id = ${networkId}`;
  }

  /** Another one than `networkId` that has an address of the prefix on the fabric. */
  async overlapping(
    sql: SqlExecutor,
    tenantId: string,
    prefix: string,
    networkId?: string,
  ): Promise<OverlappingNetwork | undefined> {
    const [network] = await sql<OverlappingNetwork[]>`
      select n.name, coalesce(n.mapped_prefix, n.prefix)::text as prefix, s.name as site_name
      from networks n join sites s on s.tenant_id = n.tenant_id and s.id = n.site_id
      where n.tenant_id = ${tenantId} and coalesce(n.mapped_prefix, n.prefix) && ${prefix}::text::cidr
        and n.id is distinct from ${networkId ?? null}::uuid
      order by coalesce(n.mapped_prefix, n.prefix) limit 1`;
    return network;
  }

  async remove(sql: SqlExecutor, tenantId: string, networkId: string): Promise<void> {
    await sql`delete from networks where tenant_id = ${tenantId} and id = ${networkId}`;
  }

  /** What refers to a network, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, networkId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from rule_endpoints e
      join policy_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
      join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where e.tenant_id = ${tenantId} and e.network_id = ${networkId}
      union all
      select distinct format('the group "%s"', g.name)
      from group_members m join groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
      where m.tenant_id = ${tenantId} and m.network_id = ${networkId}`;
    return rows.map(({ phrase }) => phrase);
  }
}

function networkOf({ mappedPrefix, ...row }: NetworkRow): Network {
  return { ...row, ...(mappedPrefix === null ? {} : { mappedPrefix }), createdAt: row.createdAt.toISOString() };
}
