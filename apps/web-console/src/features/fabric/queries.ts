import { client, type Tenant, unwrap } from '../../api/index.js';
import type { FabricSettings } from './settings.js';

/** In the draft: in force with the next revision. */
export function changeSettings(tenantId: string, body: Partial<FabricSettings>): Promise<Tenant> {
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body }));
}
