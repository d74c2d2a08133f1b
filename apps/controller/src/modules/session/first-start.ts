import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ControllerConfig } from '../../config/controller-config.js';
import { Database } from '../../platform/database/database.js';
import { installationScope } from '../../platform/database/database-scope.js';
import { Passwords } from './passwords.js';

/** On an empty database: the tenant "default" and its user "admin", who is admin of the provider too. Later starts change nothing, not even the password. */
@Injectable()
export class FirstStart implements OnModuleInit {
  readonly #database: Database;
  readonly #config: ControllerConfig;
  readonly #passwords: Passwords;

  constructor(database: Database, config: ControllerConfig, passwords: Passwords) {
    this.#database = database;
    this.#config = config;
    this.#passwords = passwords;
  }

  async onModuleInit(): Promise<void> {
    await this.#database.start();
    await this.#database.within(installationScope('start'), () => this.#unlessStarted());
  }

  async #unlessStarted(): Promise<void> {
    const [{ exists } = { exists: false }] = await this.#database.sql<{ exists: boolean }[]>`
      select exists (select from users)`;
    if (exists) return;
    const password = this.#config.adminPassword ?? randomBytes(PASSWORD_OCTETS).toString('base64url');
    const made = await this.#makeAdministrator(await this.#passwords.hash(password));
    if (made && this.#config.adminPassword === undefined) printOnce(password);
  }

  /** False when another controller on this database was first. */
  #makeAdministrator(passwordHash: string): Promise<boolean> {
    const tenantId = randomUUID();
    return this.#database.transaction(async (sql) => {
      const tenants = await sql`
        insert into tenants (id, name) values (${tenantId}, 'default')
        on conflict on constraint tenants_name_key do nothing returning id`;
      if (tenants.length === 0) return false;
      await sql`
        insert into users (id, tenant_id, name, password_hash, role, provider_role)
        values (${randomUUID()}, ${tenantId}, 'admin', ${passwordHash}, 'admin', 'admin')`;
      return true;
    });
  }
}

/** To the terminal and not to the log: logs are kept and shipped. */
function printOnce(password: string): void {
  process.stderr.write(
    `\nFirst start: log in to the console as user "admin" with password "${password}". It is not shown again.\n\n`,
  );
}

const PASSWORD_OCTETS = 15;
