import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { CreateSite, Site, UpdateSite } from './site.dto.js';

type SiteRow = Omit<Site, 'createdAt' | 'updatedAt'> & { readonly createdAt: Date; readonly updatedAt: Date };

@Injectable()
export class SitesRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Site[]> {
    const rows = await sql<SiteRow[]>`
      select id, name, description, labels, version, created_at, updated_at from sites where tenant_id = ${tenantId}
      ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(siteOf);
  }

  async read(sql: SqlExecutor, tenantId: string, siteId: string): Promise<Site | undefined> {
    const [row] = await sql<SiteRow[]>`
      select id, name, description, labels, version, created_at, updated_at from sites where tenant_id = ${tenantId} and id = ${siteId}`;
    return row && siteOf(row);
  }

  /** Version of a site, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, siteId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from sites where tenant_id = ${tenantId} and id = ${siteId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, site: CreateSite): Promise<void> {
    await sql`
      insert into sites (id, tenant_id, name, description, labels)
      values (${id}, ${tenantId}, ${site.name}, ${site.description ?? ''},
        ${JSON.stringify(site.labels ?? {})}::text::jsonb)`;
  }

  async update(sql: SqlExecutor, tenantId: string, siteId: string, change: UpdateSite): Promise<void> {
    await sql`
      update sites set
        name = coalesce(${change.name ?? null}, name),
        description = coalesce(${change.description ?? null}, description),
        labels = coalesce(${change.labels === undefined ? null : JSON.stringify(change.labels)}::text::jsonb, labels),
        updated_at = now()
      where tenant_id = ${tenantId} and id = ${siteId}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, siteId: string): Promise<void> {
    await sql`delete from sites where tenant_id = ${tenantId} and id = ${siteId}`;
  }

  /** What refers to a site, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, siteId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select format('the network "%s"', name) as phrase from networks
        where tenant_id = ${tenantId} and site_id = ${siteId}
      union all
      select format('the edge "%s"', name) from edges where tenant_id = ${tenantId} and site_id = ${siteId}
      union all
      select format('the external peer "%s"', name) from external_peers
        where tenant_id = ${tenantId} and site_id = ${siteId}
      union all
      select format('the address pool "%s"', name) from address_pools
        where tenant_id = ${tenantId} and site_id = ${siteId}
      union all
      select distinct format('the group "%s"', g.name)
        from group_members m join groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
        where m.tenant_id = ${tenantId} and m.site_id = ${siteId}
      union all
      select 'the topology' where exists (
        select from topology_members
        where tenant_id = ${tenantId} and ${siteId}::uuid in (site_id, other_site_id))
      union all
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name)
        from rule_endpoints e
        join policy_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
        join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
        where e.tenant_id = ${tenantId} and e.site_id = ${siteId}`;
    return rows.map(({ phrase }) => phrase);
  }
}

function siteOf(row: SiteRow): Site {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
