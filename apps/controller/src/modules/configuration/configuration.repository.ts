import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';

export interface OverlappingPair {
  readonly name: string;
  readonly siteName: string;
  readonly prefix: string;
  readonly otherName: string;
  readonly otherSiteName: string;
  readonly otherPrefix: string;
}

@Injectable()
export class ConfigurationRepository {
  /** Prefixes and addresses as Postgres writes them, by how somebody else did. */
  async canonical(
    sql: SqlExecutor,
    prefixes: readonly string[],
    addresses: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const rows = await sql<{ given: string; canonical: string }[]>`
      select given, given::cidr::text as canonical from unnest(${[...prefixes]}::text[]) as given
      union
      select given, host(given::inet) from unnest(${[...addresses]}::text[]) as given`;
    return new Map(rows.map(({ given, canonical }) => [given, canonical]));
  }

  /** When it is looked whether prefixes overlap and preferences are taken: to the end of the transaction, or to the next call. */
  async checkPlaces(sql: SqlExecutor, when: 'deferred' | 'immediate'): Promise<void> {
    if (when === 'deferred')
      await sql`
        set constraints networks_prefix_overlap, edges_preference_key, address_pools_prefix_overlap deferred`;
    else
      await sql`
        set constraints networks_prefix_overlap, edges_preference_key, address_pools_prefix_overlap immediate`;
  }

  async overlappingPair(sql: SqlExecutor, tenantId: string): Promise<OverlappingPair | undefined> {
    const [pair] = await sql<OverlappingPair[]>`
      select n.name, s.name as site_name, coalesce(n.mapped_prefix, n.prefix)::text as prefix, o.name as other_name,
        t.name as other_site_name, coalesce(o.mapped_prefix, o.prefix)::text as other_prefix
      from networks n join networks o on o.tenant_id = n.tenant_id and o.id > n.id
        and coalesce(o.mapped_prefix, o.prefix) && coalesce(n.mapped_prefix, n.prefix)
      join sites s on s.id = n.site_id join sites t on t.id = o.site_id
      where n.tenant_id = ${tenantId} order by coalesce(n.mapped_prefix, n.prefix), coalesce(o.mapped_prefix, o.prefix) limit 1`;
    return pair;
  }
}
