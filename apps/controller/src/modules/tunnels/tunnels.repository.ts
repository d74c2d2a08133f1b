import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';

/** What people call an edge and its site. */
export interface EdgeNames {
  readonly edgeId: string;
  readonly edgeName: string;
  readonly siteId: string;
  readonly siteName: string;
}

@Injectable()
export class TunnelsRepository {
  edgeNames(sql: SqlExecutor, tenantId: string): Promise<EdgeNames[]> {
    return sql<EdgeNames[]>`
      select e.id as edge_id, e.name as edge_name, s.id as site_id, s.name as site_name
      from edges e join sites s on s.tenant_id = e.tenant_id and s.id = e.site_id
      where e.tenant_id = ${tenantId}`;
  }
}
