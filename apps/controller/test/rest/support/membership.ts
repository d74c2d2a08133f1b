import type postgres from 'postgres';
import type { Role } from '../../../src/platform/http/role.js';

/** Makes a user a member of a tenant without the API. */
export async function join(
  sql: Pick<postgres.Sql, 'begin'>,
  user: { readonly id: string; readonly name: string },
  tenantId: string,
  role: Role,
): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select set_config('weft.scope', 'installation', true)`;
    await transaction`
      insert into tenant_members (tenant_id, user_id, user_name, role) values (${tenantId}, ${user.id}, ${user.name}, ${role})`;
  });
}
