import { randomBytes, randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { ApiTokensRepository } from '../../src/modules/api-tokens/api-tokens.repository.js';
import { SessionsRepository } from '../../src/modules/session/sessions.repository.js';
import { openPool, type SqlTypes } from '../../src/platform/database/connection-options.js';
import type { Database } from '../../src/platform/database/database.js';
import { ACCOUNTS, type DatabaseScope, personScope, tenantScope } from '../../src/platform/database/database-scope.js';
import { startedDatabase } from '../support/started-database.js';
import { TestPostgres } from '../support/test-postgres.js';
import { SEEDED_TABLES, type SeededTenant, seedTenant } from './seed-tenant.js';

const INSERT = 'insert into tenant_members (tenant_id, user_id, user_name, role) values ($1, $2, $3, $4)';
const UNINVITED = { constraint_name: 'tenant_members_invitation' };
/** The last migration of the version before. */
const BEFORE = 150;

let server: TestPostgres;
beforeAll(async () => {
  server = await TestPostgres.start();
});
afterAll(() => server?.remove());

describe('an installation from before there were members', () => {
  it('keeps what everybody may do, in which tenant, with which session and token', async () => {
    const url = await server.createDatabase();
    const pool = openPool({ url }, 2);
    const migrations = await readMigrations();
    await applyMigrations(
      pool,
      migrations.filter(({ version }) => version <= BEFORE),
    );
    const [here, there] = [randomUUID(), randomUUID()];
    await pool`insert into tenants (id, name) values (${here}, 'here'), (${there}, 'there')`;
    const people = [
      { name: 'admin', tenantId: here, role: 'admin', providerRole: 'admin', oidc: false },
      { name: 'member', tenantId: there, role: 'operator', providerRole: null, oidc: false },
      { name: 'of the provider', tenantId: here, role: 'viewer', providerRole: null, oidc: true },
    ].map((each) => ({ ...each, id: randomUUID(), session: randomBytes(32), token: randomBytes(32) }));
    for (const { id, name, tenantId, role, providerRole, oidc, session, token } of people) {
      await pool`
        insert into users (id, tenant_id, name, password_hash, role, provider_role, oidc_issuer, oidc_subject)
        values (${id}, ${tenantId}, ${name}, ${oidc ? null : '$argon2id$'}, ${role}, ${providerRole},
          ${oidc ? 'https://id.example' : null}, ${oidc ? '1' : null})`;
      await pool`
        insert into http_sessions (secret_hash, user_id, expires_at) values (${session}, ${id}, now() + interval '1 day')`;
      await pool`
        insert into api_tokens (id, tenant_id, user_id, user_name, name, role, secret_hash, expires_at)
        values (${randomUUID()}, ${tenantId}, ${id}, ${name}, 't', 'viewer', ${token}, now() + interval '1 day')`;
    }
    await pool.end();
    const database = await startedDatabase(url);
    try {
      await database.within(ACCOUNTS, async () => {
        for (const { id, name, tenantId, role, providerRole, oidc, session, token } of people) {
          const user = await new SessionsRepository().userBySession(database.sql, session, new Date());
          expect(user).toEqual({
            id,
            name,
            homeTenantId: tenantId,
            tenantId,
            role,
            providerRole,
            oidc,
            breakGlass: false,
          });
          const holder = await new ApiTokensRepository().holder(database.sql, token, new Date());
          expect(holder).toMatchObject({ tenantId, userRole: role, userProviderRole: providerRole });
        }
        const members = await database.sql`select tenant_id, user_id, user_name, role from tenant_members`;
        expect(members).toHaveLength(people.length);
      });
    } finally {
      await database.stop();
    }
  });
});

/** Statements as the version before makes them, in the scopes that it knows. */
describe('a controller of the version before, beside this one', () => {
  let admin: postgres.Sql<SqlTypes>;
  let database: Database;
  let ours: SeededTenant;
  let theirs: SeededTenant;
  beforeAll(async () => {
    const url = await server.createDatabase();
    database = await startedDatabase(url);
    admin = openPool({ url }, 1);
    [ours, theirs] = [await seedTenant(admin, randomUUID()), await seedTenant(admin, randomUUID())];
  });
  afterAll(async () => {
    await admin?.end();
    await database?.stop();
  });

  const asBefore = <T>(scope: DatabaseScope, work: (sql: Database['sql']) => Promise<T>) =>
    database.within(scope, () => database.transaction(work));
  const memberships = (userId: string) =>
    admin`select tenant_id, role from tenant_members where user_id = ${userId} order by joined_at`;
  const make = async (role: string) => {
    const id = randomUUID();
    await asBefore(
      tenantScope(ours.tenantId, 'somebody'),
      (sql) => sql`
        insert into users (id, tenant_id, name, password_hash, role, provider_role)
        values (${id}, ${ours.tenantId}, ${id}, '$argon2id$', ${role}, null)`,
    );
    return id;
  };

  it('makes users, changes and removes them, and they are members', async () => {
    const id = await make('viewer');
    expect(await memberships(id)).toEqual([{ tenantId: ours.tenantId, role: 'viewer' }]);
    await asBefore(
      tenantScope(ours.tenantId, 'somebody'),
      (sql) =>
        sql`update users set role = 'approver', provider_role = null, password_hash = '$argon2id$2' where id = ${id}`,
    );
    expect(await memberships(id)).toEqual([{ tenantId: ours.tenantId, role: 'approver' }]);
    await asBefore(tenantScope(ours.tenantId, 'somebody'), (sql) => sql`delete from users where id = ${id}`);
    expect(await memberships(id)).toEqual([]);
  });

  it('reads the role that this one has given, and the session that this one has begun', async () => {
    const id = await make('viewer');
    await asBefore(
      tenantScope(ours.tenantId),
      (sql) => sql`update tenant_members set role = 'operator' where user_id = ${id}`,
    );
    const secret = randomBytes(32);
    await asBefore(
      ACCOUNTS,
      (sql) => sql`
        insert into http_sessions (secret_hash, user_id, created_at, expires_at, address, user_agent, break_glass)
        values (${secret}, ${id}, now(), now() + interval '1 hour', '192.0.2.1', null, false)`,
    );
    const before = await asBefore(
      ACCOUNTS,
      (sql) => sql`
        select u.tenant_id, u.role from http_sessions s join users u on u.id = s.user_id where s.secret_hash = ${secret}`,
    );
    expect(before).toEqual([{ tenantId: ours.tenantId, role: 'operator' }]);
    const now = await database.within(ACCOUNTS, () =>
      new SessionsRepository().userBySession(database.sql, secret, new Date()),
    );
    expect(now).toMatchObject({ tenantId: ours.tenantId, role: 'operator' });
  });

  it('does not open or remove, for one tenant, the account of a member of another', async () => {
    const id = await make('viewer');
    await joined(admin, id, theirs.tenantId);
    const inOurs = (work: (sql: Database['sql']) => Promise<unknown>) =>
      asBefore(tenantScope(ours.tenantId, 'somebody'), work);
    const refused = { constraint_name: 'users_of_several_tenants' };
    await expect(
      inOurs((sql) => sql`update users set password_hash = '$argon2id$3' where id = ${id}`),
    ).rejects.toMatchObject(refused);
    await expect(inOurs((sql) => sql`delete from users where id = ${id}`)).rejects.toMatchObject(refused);
    // The person, who does not say who it is there.
    await asBefore(
      tenantScope(ours.tenantId),
      (sql) => sql`update users set password_hash = '$argon2id$4' where id = ${id}`,
    );
    expect(await memberships(id)).toHaveLength(2);
  });
});

describe('whoever tries to cross from one tenant to another', () => {
  let admin: postgres.Sql<SqlTypes>;
  let database: Database;
  let ours: SeededTenant;
  let theirs: SeededTenant;
  beforeAll(async () => {
    const url = await server.createDatabase();
    database = await startedDatabase(url);
    admin = openPool({ url }, 1);
    [ours, theirs] = [await seedTenant(admin, randomUUID()), await seedTenant(admin, randomUUID())];
    await joined(admin, ours.userId, theirs.tenantId);
  });
  afterAll(async () => {
    await admin?.end();
    await database?.stop();
  });

  const inScope = (scope: DatabaseScope, statement: string, values: postgres.SerializableParameter[] = []) =>
    database.within(scope, () =>
      database.transaction((sql) => sql.unsafe<postgres.Row[]>(statement, values) as Promise<postgres.Row[]>),
    );
  const ids = async (scope: DatabaseScope, statement: string) =>
    (await inScope(scope, statement)).map((row) => Object.values(row)[0]).sort();

  it('sees as a person the own memberships, those tenants and the own sessions, and nothing else', async () => {
    const me = personScope(ours.userId);
    expect(await ids(me, 'select tenant_id from tenant_members')).toEqual([ours.tenantId, theirs.tenantId].sort());
    expect(await ids(me, 'select id from tenants')).toEqual([ours.tenantId, theirs.tenantId].sort());
    expect(await ids(me, 'select user_id from http_sessions')).toEqual([ours.userId]);
    const other = personScope(theirs.userId);
    expect(await ids(other, 'select tenant_id from tenant_members')).toEqual([theirs.tenantId]);
    expect(await ids(other, 'select id from tenants')).toEqual([theirs.tenantId]);
    const own = new Set(['tenant_members', 'tenants', 'http_sessions']);
    for (const table of SEEDED_TABLES.filter((name) => !own.has(name))) {
      expect([table, await inScope(me, `select from ${table}`)]).toEqual([table, []]);
    }
  });

  it('gives nothing away as a person: memberships are read, and neither made nor changed', async () => {
    const me = personScope(theirs.userId);
    for (const scope of [me, ACCOUNTS]) {
      await expect(
        inScope(scope, INSERT, [ours.tenantId, theirs.userId, theirs.userName, 'admin']),
      ).rejects.toMatchObject(UNINVITED);
      await inScope(scope, `update tenant_members set role = 'admin'`);
      await inScope(scope, 'delete from tenant_members');
    }
    expect(await admin`select role from tenant_members where role <> 'viewer'`).toEqual([]);
    expect(await admin`select from tenant_members`).toHaveLength(3);
    await inScope(me, `update users set role = 'admin', provider_role = 'admin'`);
    await inScope(me, `update tenants set name = 'mine'`);
    expect(await admin`select from users where provider_role is not null`).toHaveLength(0);
    expect(await admin`select from tenants where name = 'mine'`).toHaveLength(0);
  });

  it('becomes a member by an own invitation alone, as what it says, and in no other scope', async () => {
    await admin`
      insert into tenant_invitations (id, tenant_id, tenant_name, user_name, role, invited_by, expires_at)
      values (${randomUUID()}, ${ours.tenantId}, 'ours', ${theirs.userName}, 'operator', 'x', now() + interval '1 day')`;
    const row = (role: string) => [ours.tenantId, theirs.userId, theirs.userName, role];
    const entering = { tenantId: ours.tenantId, actor: 'x' };
    const as = personScope(theirs.userId, entering);
    expect(await inScope(personScope(theirs.userId), 'select tenant_name from tenant_invitations')).toEqual([
      { tenantName: 'ours' },
    ]);
    expect(await inScope(personScope(ours.userId), 'select from tenant_invitations')).toEqual([]);
    expect(await inScope(tenantScope(theirs.tenantId), 'select user_name from tenant_invitations')).toEqual([
      { userName: 'invited' },
    ]);
    for (const scope of [tenantScope(ours.tenantId), ACCOUNTS, personScope(ours.userId, entering)]) {
      await expect(inScope(scope, INSERT, row('operator'))).rejects.toMatchObject(UNINVITED);
    }
    await expect(inScope(as, INSERT, row('admin'))).rejects.toMatchObject(UNINVITED);
    await expect(inScope(personScope(theirs.userId), INSERT, row('operator'))).rejects.toThrow('row-level security');
    await inScope(as, INSERT, row('operator'));
    expect(await admin`select role from tenant_members where tenant_id = ${ours.tenantId} order by role`).toEqual([
      { role: 'operator' },
      { role: 'viewer' },
    ]);
    await inScope(tenantScope(ours.tenantId), 'delete from tenant_members where user_id = $1', [theirs.userId]);
  });

  it('sees as a tenant its members, also those whose account another tenant keeps, and not the account', async () => {
    const there = tenantScope(theirs.tenantId);
    expect(await ids(there, 'select user_id from tenant_members')).toEqual([ours.userId, theirs.userId].sort());
    expect(await ids(there, 'select id from users')).toEqual([theirs.userId]);
    expect(await ids(there, 'select user_id from http_sessions')).toEqual([theirs.userId]);
    expect(await ids(there, 'select user_id from totp_factors')).toEqual([theirs.userId]);
    expect(await ids(tenantScope(ours.tenantId), 'select user_id from tenant_members')).toEqual([ours.userId]);
  });

  it('makes no membership of another tenant, nor one into somebody else', async () => {
    const here = tenantScope(ours.tenantId);
    await expect(inScope(here, INSERT, [theirs.tenantId, ours.userId, ours.userName, 'admin'])).rejects.toMatchObject(
      UNINVITED,
    );
    await expect(inScope(here, INSERT, [ours.tenantId, theirs.userId, 'another name', 'admin'])).rejects.toMatchObject(
      UNINVITED,
    );
    await expect(inScope(here, 'update tenant_members set user_id = $1', [theirs.userId])).rejects.toMatchObject({
      constraint_name: 'tenant_members_immutable',
    });
    await expect(inScope(here, 'update tenant_members set tenant_id = $1', [theirs.tenantId])).rejects.toMatchObject({
      constraint_name: 'tenant_members_immutable',
    });
  });

  it('enters no tenant without a membership there, whatever writes', async () => {
    const enter = 'update http_sessions set tenant_id = $1 where user_id = $2';
    for (const scope of [ACCOUNTS, personScope(theirs.userId, { tenantId: ours.tenantId, actor: 'me' })]) {
      await expect(inScope(scope, enter, [ours.tenantId, theirs.userId])).rejects.toMatchObject({
        constraint_name: 'http_sessions_tenant',
      });
    }
    const mine = personScope(ours.userId, { tenantId: theirs.tenantId, actor: 'me' });
    await inScope(mine, enter, [theirs.tenantId, ours.userId]);
    // Nobody else's session is within reach.
    await inScope(mine, 'update http_sessions set tenant_id = $1', [theirs.tenantId]);
    expect(
      await admin`select user_id, tenant_id from http_sessions where user_id in ${admin([ours.userId, theirs.userId])}
        and tenant_id <> ${theirs.tenantId}`,
    ).toEqual([]);
  });
});

/** Without the API. */
async function joined(admin: postgres.Sql<SqlTypes>, userId: string, tenantId: string): Promise<void> {
  await admin.begin(async (sql) => {
    await sql`select set_config('weft.scope', 'installation', true)`;
    await sql`
      insert into tenant_members (tenant_id, user_id, user_name, role)
      select ${tenantId}, id, name, 'viewer' from users where id = ${userId}`;
  });
}
