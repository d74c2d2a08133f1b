import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../../config/controller-config.js';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { tenantScope } from '../../platform/database/database-scope.js';
import type { Account } from '../../platform/http/current-user.decorator.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { Passwords } from '../session/passwords.js';
import type { SessionOrigin } from '../session/sessions.repository.js';
import { takeBreakGlassLogin } from './break-glass-file.js';

/** By which somebody logs in with what the controller's host made. */
export const BREAK_GLASS_NAME = 'break-glass';

/** Lets in who proves to have the controller's host, when nobody else can come in; everybody hears of it. */
@Injectable()
export class BreakGlass {
  readonly #config: ControllerConfig;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #passwords: Passwords;
  readonly #audit: AuditRepository;
  readonly #logger: Logger;

  constructor(
    config: ControllerConfig,
    database: Database,
    clock: Clock,
    passwords: Passwords,
    audit: AuditRepository,
    @InjectLogger() logger: Logger,
  ) {
    this.#config = config;
    this.#database = database;
    this.#clock = clock;
    this.#passwords = passwords;
    this.#audit = audit;
    this.#logger = logger.child({ component: 'break-glass' });
  }

  /** Who comes in, as admin of the provider for this session alone. Undefined when the password is not that of a login that waits. */
  async redeem(password: string, origin: SessionOrigin): Promise<Account | undefined> {
    if (!(await takeBreakGlassLogin(this.#config, password, this.#clock.now()))) return undefined;
    this.#logger.warn({ ...origin }, 'break-glass login: somebody comes in as admin with what this host made');
    const user = await this.#user();
    const { address, userAgent } = origin;
    const deed = { actor: user, action: 'break_glass_used', details: { address, userAgent } } as const;
    await this.#database.within(tenantScope(user.homeTenantId), () =>
      this.#database.transaction((sql) => this.#audit.append(sql, user.homeTenantId, deed)),
    );
    return user;
  }

  /** Made when it is needed first, in the oldest tenant: a viewer with a password that nobody knows. */
  async #user(): Promise<Account> {
    const sql = this.#database.sql;
    return (await this.#read(sql)) ?? (await this.#make(sql));
  }

  async #make(sql: SqlExecutor): Promise<Account> {
    const passwordHash = await this.#passwords.hash(randomBytes(PASSWORD_OCTETS).toString('base64url'));
    // Somebody may have the name already.
    for (const name of [BREAK_GLASS_NAME, `${BREAK_GLASS_NAME}-${randomBytes(4).toString('hex')}`]) {
      await sql`
        insert into users (id, tenant_id, name, password_hash, role, break_glass)
        select ${randomUUID()}, id, ${name}, ${passwordHash}, 'viewer', true from tenants order by created_at, id limit 1
        on conflict do nothing`;
      const user = await this.#read(sql);
      if (user !== undefined) return user;
    }
    throw new Error('the user of break-glass logins cannot be made');
  }

  async #read(sql: SqlExecutor): Promise<Account | undefined> {
    const [user] = await sql<Account[]>`
      select id, name, tenant_id as home_tenant_id, false as oidc from users where break_glass`;
    return user;
  }
}

const PASSWORD_OCTETS = 32;
