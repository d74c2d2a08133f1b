import { randomUUID } from 'node:crypto';
import type { SqlExecutor } from '../../src/platform/database/connection-options.js';

/** A tenant with one site and one edge, put there without the API. */
export async function seedEdge(sql: SqlExecutor): Promise<{ tenantId: string; edgeId: string; edgeName: string }> {
  const [tenantId, siteId, edgeId] = [randomUUID(), randomUUID(), randomUUID()];
  const edgeName = `edge-${edgeId.slice(0, 8)}`;
  await sql`insert into tenants (id, name) values (${tenantId}, ${`tenant-${tenantId}`})`;
  await sql`insert into sites (id, tenant_id, name) values (${siteId}, ${tenantId}, 'site')`;
  await sql`
    insert into edges (id, tenant_id, site_id, name, underlay_address, underlay_port)
    values (${edgeId}, ${tenantId}, ${siteId}, ${edgeName}, '192.0.2.1', 4500)`;
  return { tenantId, edgeId, edgeName };
}
