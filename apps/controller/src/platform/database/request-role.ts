import postgres from 'postgres';
import type { SqlExecutor, SqlTypes } from './connection-options.js';
import { PostgresStartError } from './postgres-start-error.js';

/** Whom the policies hold for when they do not hold for the user that the controller connects as. */
export const REQUEST_ROLE = 'weft_request';

/**
 * Finds out as whom statements run so that row-level security holds for them. An ordinary user that owns the tables needs nothing:
 * the policies are forced. Superusers, and users with BYPASSRLS, are exempt from every policy and take on a role that is not; it is made
 * when it is missing.
 *
 * @param connection nobody else makes or grants the role meanwhile
 * @returns undefined when the user itself is held
 * @throws PostgresStartError 'bypasses_row_security' with what an administrator of the server has to do
 */
export async function prepareRequestRole(connection: postgres.ReservedSql<SqlTypes>): Promise<string | undefined> {
  const [user] = await connection<{ name: string; exempt: boolean }[]>`
    select rolname as name, rolsuper or rolbypassrls as exempt from pg_roles where rolname = current_user`;
  if (user === undefined || !user.exempt) return undefined;
  await makeRole(connection, user.name);
  await letUserBecomeRole(connection, user.name);
  const [schema] = await connection<{ name: string }[]>`select quote_ident(current_schema()) as name`;
  const rights = `
    grant usage on schema ${schema?.name} to ${REQUEST_ROLE};
    grant select, insert, update, delete on all tables in schema ${schema?.name} to ${REQUEST_ROLE};
    grant usage on all sequences in schema ${schema?.name} to ${REQUEST_ROLE};
    revoke insert, update, delete on schema_migrations from ${REQUEST_ROLE}`;
  await connection.unsafe(rights).simple();
  return REQUEST_ROLE;
}

async function makeRole(connection: SqlExecutor, user: string): Promise<void> {
  const [role] = await connection<{ exempt: boolean }[]>`
    select rolsuper or rolbypassrls as exempt from pg_roles where rolname = ${REQUEST_ROLE}`;
  if (role?.exempt === true) throw cannotIsolate(user, `the role ${REQUEST_ROLE} is exempt too`);
  if (role !== undefined) return;
  try {
    await connection.unsafe(CREATE_ROLE);
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    // Roles are of the whole server: the controller of another database there made it at the same moment.
    if (error.code === DUPLICATE_OBJECT || error.code === UNIQUE_VIOLATION) return;
    throw cannotIsolate(user, error.message);
  }
}

async function letUserBecomeRole(connection: SqlExecutor, user: string): Promise<void> {
  if (await mayBecomeRole(connection)) return;
  try {
    await connection.unsafe(`grant ${REQUEST_ROLE} to current_user`);
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    throw cannotIsolate(user, error.message);
  }
  if (!(await mayBecomeRole(connection))) throw cannotIsolate(user, `it may not take on the role ${REQUEST_ROLE}`);
}

/** Tried, because what allows it differs between the versions of Postgres. */
async function mayBecomeRole(connection: SqlExecutor): Promise<boolean> {
  try {
    await connection.unsafe(`set role ${REQUEST_ROLE}`);
    await connection.unsafe('reset role');
    return true;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}

function cannotIsolate(user: string, why: string): PostgresStartError {
  return new PostgresStartError(
    'bypasses_row_security',
    `the database user "${user}" is exempt from row-level security, which keeps tenants apart, and ${why}. Either take that from it ` +
      `(ALTER ROLE "${user}" NOBYPASSRLS;), or have a superuser run: ${CREATE_ROLE}; GRANT ${REQUEST_ROLE} TO "${user}";`,
  );
}

const CREATE_ROLE = `CREATE ROLE ${REQUEST_ROLE} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS`;
const DUPLICATE_OBJECT = '42710';
const UNIQUE_VIOLATION = '23505';
const INSUFFICIENT_PRIVILEGE = '42501';
