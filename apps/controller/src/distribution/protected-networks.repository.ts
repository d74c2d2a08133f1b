import { Injectable } from '@nestjs/common';
import type { ProtectedNetworks } from '@weft/contracts/southbound';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { decodeBundle } from './bundle-content.js';

/** What an edge is to keep in before it has a bundle. */
@Injectable()
export class ProtectedNetworksRepository {
  /**
   * What the newest revision will have it reach, and everything that the tenant has elsewhere, whether that is published or not:
   * which of it policies will let through is not known before the first bundle, and none of it may pass in the clear until then.
   * Behind external peers is elsewhere for every edge, all of every address pool is, and so is what the fabric knows a mapped network of its own site by: no machine
   * there has such an address. What other sites know theirs by is nobody's outside of them. Undefined when there is no such edge.
   */
  async of(
    sql: SqlExecutor,
    { tenantId, edgeId }: { readonly tenantId: string; readonly edgeId: string },
  ): Promise<ProtectedNetworks | undefined> {
    const [row] = await sql<FoundNetworks[]>`
      select
        array(select coalesce(mapped_prefix, prefix)::text from networks n
          where n.tenant_id = e.tenant_id and (n.site_id <> e.site_id or mapped_prefix is not null)
          order by coalesce(mapped_prefix, prefix)) as elsewhere,
        array(select distinct prefix::text from external_peers p, unnest(p.prefixes) as prefix
          where p.tenant_id = e.tenant_id order by 1) as external,
        array(select prefix::text from address_pools p where p.tenant_id = e.tenant_id order by prefix) as pools,
        array(select prefix::text from networks n
          where n.tenant_id = e.tenant_id and n.site_id = e.site_id order by prefix) as local,
        (select content from edge_bundles b where b.tenant_id = e.tenant_id and b.edge_id = e.id) as content
      from edges e where e.tenant_id = ${tenantId} and e.id = ${edgeId}`;
    if (row === undefined) return undefined;
    const published = row.content === null ? undefined : decodeBundle(row.content);
    const mapped = new Map((published?.networkMappings ?? []).map(({ local, overlay }) => [overlay, local]));
    const local = (published?.localNetworks ?? []).map((network) => mapped.get(network) ?? network);
    return {
      routes: [
        ...new Set([...(published?.routes ?? []), ...mapped.keys(), ...row.elsewhere, ...row.external, ...row.pools]),
      ],
      localNetworks: [...new Set([...local, ...row.local])],
    };
  }
}

interface FoundNetworks {
  readonly elsewhere: readonly string[];
  readonly external: readonly string[];
  readonly pools: readonly string[];
  readonly local: readonly string[];
  readonly content: Buffer | null;
}
