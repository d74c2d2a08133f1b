import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Account, CurrentUser } from '../../platform/http/current-user.decorator.js';
import type { OwnSession } from './session.dto.js';

export interface AccountWithPassword extends Account {
  /** Null for who logs in at the OpenID provider. */
  readonly passwordHash: string | null;
}

/** From where somebody logs in, as far as the request says. */
export interface SessionOrigin {
  readonly address: string;
  readonly userAgent: string | null;
}

interface NewSession extends SessionOrigin {
  readonly secretHash: Uint8Array;
  readonly userId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Whether it may do everything, whatever the roles of its user. */
  readonly breakGlass: boolean;
}

type SessionRow = Omit<OwnSession, 'createdAt' | 'expiresAt'> & { readonly createdAt: Date; readonly expiresAt: Date };

@Injectable()
export class SessionsRepository {
  async accountByName(sql: SqlExecutor, name: string): Promise<AccountWithPassword | undefined> {
    const [account] = await sql<AccountWithPassword[]>`
      select id, name, tenant_id as home_tenant_id, oidc_subject is not null as oidc, password_hash from users
      where name = ${name}`;
    return account;
  }

  /** A session that is in a tenant which its user may not enter any more is in none. */
  async userBySession(sql: SqlExecutor, secretHash: Uint8Array, now: Date): Promise<CurrentUser | undefined> {
    const [user] = await sql<CurrentUser[]>`
      select u.id, u.name, u.tenant_id as home_tenant_id,
        case when s.break_glass or m.role is not null or u.provider_role is not null then s.tenant_id end as tenant_id,
        case when s.break_glass then 'admin' else m.role end as role,
        case when s.break_glass then 'admin' else u.provider_role end as provider_role,
        u.oidc_subject is not null as oidc, s.break_glass
      from http_sessions s join users u on u.id = s.user_id
        left join tenant_members m on m.user_id = s.user_id and m.tenant_id = s.tenant_id
      where s.secret_hash = ${secretHash} and s.expires_at > ${now}`;
    return user;
  }

  async insert(sql: SqlExecutor, session: NewSession): Promise<void> {
    const { secretHash, userId, createdAt, expiresAt, address, userAgent, breakGlass } = session;
    await sql`
      insert into http_sessions (secret_hash, user_id, created_at, expires_at, address, user_agent, break_glass)
      values (${secretHash}, ${userId}, ${createdAt}, ${expiresAt}, ${address}, ${userAgent}, ${breakGlass})`;
  }

  /** The session goes on under another secret, in this tenant. False when there is none with the secret before. */
  async enter(
    sql: SqlExecutor,
    secretHash: Uint8Array,
    { tenantId, newSecretHash }: { readonly tenantId: string; readonly newSecretHash: Uint8Array },
  ): Promise<boolean> {
    const { count } = await sql`
      update http_sessions set tenant_id = ${tenantId}, secret_hash = ${newSecretHash} where secret_hash = ${secretHash}`;
    return count > 0;
  }

  /** `current`: hash of the secret that asks. */
  async list(
    sql: SqlExecutor,
    userId: string,
    current: Uint8Array,
    now: Date,
    page?: PageRequest,
  ): Promise<OwnSession[]> {
    const rows = await sql<SessionRow[]>`
      select id, created_at, expires_at, address, user_agent, secret_hash = ${current} as current
      from http_sessions where user_id = ${userId} and expires_at > ${now}
      ${pageEnd(sql, page, [sql`date_trunc('milliseconds', created_at)`, sql`id`], 'descending')}`;
    return rows.map((row) => ({
      ...row,
      createdAt: row.createdAt.toISOString(),
      expiresAt: row.expiresAt.toISOString(),
    }));
  }

  /** False when the user has no such session. */
  async end(sql: SqlExecutor, userId: string, sessionId: string): Promise<boolean> {
    const { count } = await sql`delete from http_sessions where user_id = ${userId} and id = ${sessionId}`;
    return count > 0;
  }

  /** All but the newest `keep` of a user. */
  async removeOldest(sql: SqlExecutor, userId: string, keep: number): Promise<void> {
    await sql`
      delete from http_sessions where id in (
        select id from http_sessions where user_id = ${userId} order by created_at desc, id offset ${keep})`;
  }

  async remove(sql: SqlExecutor, secretHash: Uint8Array): Promise<void> {
    await sql`delete from http_sessions where secret_hash = ${secretHash}`;
  }

  /** `except`: the session that stays. */
  async removeOthers(sql: SqlExecutor, userId: string, except: Uint8Array): Promise<void> {
    await sql`delete from http_sessions where user_id = ${userId} and secret_hash <> ${except}`;
  }

  /** Null for who has no password; undefined when there is no such user any more. */
  async passwordHash(sql: SqlExecutor, userId: string): Promise<string | null | undefined> {
    const [user] = await sql<{ passwordHash: string | null }[]>`select password_hash from users where id = ${userId}`;
    return user?.passwordHash;
  }

  /** False when the password is not the one with the hash `before` any more. */
  async changePassword(sql: SqlExecutor, userId: string, before: string, passwordHash: string): Promise<boolean> {
    const { count } = await sql`
      update users set password_hash = ${passwordHash} where id = ${userId} and password_hash = ${before}`;
    return count > 0;
  }

  async removeExpired(sql: SqlExecutor, now: Date): Promise<void> {
    await sql`delete from http_sessions where expires_at <= ${now}`;
  }
}
