import { Injectable } from '@nestjs/common';
import type { IntentTopology } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type StoredTopology, storedTopology, topologyJson, topologyOf } from './stored-topology.js';
import type { Topology } from './topology.dto.js';

@Injectable()
export class TopologyRepository {
  async read(sql: SqlExecutor, tenantId: string): Promise<Topology | undefined> {
    const [row] = await sql<{ version: number; topology: StoredTopology | null }[]>`
      select t.topology_version as version, ${topologyJson(sql)} as topology from tenants t where t.id = ${tenantId}`;
    return row && { topology: topologyOf(row.topology), version: row.version };
  }

  /** In the place of whatever was there. The tenant is locked. */
  async replace(sql: SqlExecutor, tenantId: string, topology: IntentTopology): Promise<void> {
    await sql`delete from topologies where tenant_id = ${tenantId}`;
    const stored = storedTopology(topology);
    if (stored === undefined) return;
    await sql`insert into topologies (tenant_id, kind) values (${tenantId}, ${stored.kind})`;
    await sql`
      insert into topology_members (tenant_id, topology, position, kind, site_id, other_site_id, mesh)
      select ${tenantId}, ${stored.kind}, place - 1, member ->> 'kind', (member ->> 'siteId')::uuid,
        (member ->> 'otherSiteId')::uuid, (member ->> 'mesh')::integer
      from jsonb_array_elements(${JSON.stringify(stored.members)}::text::jsonb) with ordinality as members (member, place)`;
  }
}
