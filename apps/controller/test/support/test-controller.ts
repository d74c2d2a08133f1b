import { Writable } from 'node:stream';
import type postgres from 'postgres';
import { parseConfig } from '../../src/config/parse-config.js';
import { Controller, type ControllerAddresses } from '../../src/controller.js';
import { EnrollmentTokens } from '../../src/enrollment/enrollment-tokens.js';
import { openPool, type SqlTypes } from '../../src/platform/database/connection-options.js';
import { DatabaseScopes, tenantScope } from '../../src/platform/database/database-scope.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface TestControllerOptions {
  readonly databaseUrl: string;
  /** Kept when the controller stops; a temporary one, removed with it, when absent. */
  readonly dataDirectory?: string;
  /** More variables of the controller's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A whole controller in this process, on ports of its own. */
export class TestController {
  readonly controller: Controller;
  readonly addresses: ControllerAddresses;
  /** Lines of the log, parsed. */
  readonly log: readonly Record<string, unknown>[];
  /** The database as an administrator of it sees it: whole, whatever the policies of tenants say. */
  readonly sql: postgres.Sql<SqlTypes>;
  readonly #remove: () => Promise<void>;

  private constructor(
    controller: Controller,
    addresses: ControllerAddresses,
    log: readonly Record<string, unknown>[],
    databaseUrl: string,
    remove: () => Promise<void>,
  ) {
    this.controller = controller;
    this.addresses = addresses;
    this.log = log;
    this.sql = openPool({ url: databaseUrl }, 2);
    this.#remove = remove;
  }

  static async start(options: TestControllerOptions): Promise<TestController> {
    const temporary = options.dataDirectory === undefined ? await temporaryDirectory('controller') : undefined;
    const remove = temporary?.remove ?? (() => Promise.resolve());
    const log: Record<string, unknown>[] = [];
    const config = parseConfig({
      WEFT_HTTP_LISTEN: '127.0.0.1:0',
      WEFT_SESSION_LISTEN: '127.0.0.1:0',
      WEFT_ENROLLMENT_LISTEN: '127.0.0.1:0',
      WEFT_PUBLIC_HOST: '127.0.0.1',
      WEFT_ADMIN_PASSWORD: TEST_ADMIN_PASSWORD,
      WEFT_DATA_DIR: options.dataDirectory ?? temporary?.path,
      WEFT_LOG_LEVEL: 'debug',
      DATABASE_URL: options.databaseUrl,
      ...options.environment,
    });
    const controller = new Controller(config, createLogger(config.logLevel, capture(log)));
    try {
      return new TestController(controller, await controller.start(), log, options.databaseUrl, remove);
    } catch (error) {
      await controller.stop();
      await remove();
      throw error;
    }
  }

  /** Where the REST API is, without a slash at the end. */
  get url(): string {
    return `http://${this.addresses.http}`;
  }

  /** What the API would call for a request below a tenant, called as it does. */
  asTenant<T>(tenantId: string, work: () => T): T {
    return this.controller.application.get(DatabaseScopes).within(tenantScope(tenantId), work);
  }

  /** The line that the console shows for an edge that is to be enrolled. */
  async enrollmentCommand(tenantId: string, edgeId: string): Promise<string> {
    const tokens = this.controller.application.get(EnrollmentTokens);
    return (await this.asTenant(tenantId, () => tokens.create(tenantId, edgeId))).command;
  }

  async stop(): Promise<void> {
    await this.sql.end({ timeout: 1 });
    await this.controller.stop();
    await this.#remove();
  }
}

/** WEFT_ADMIN_PASSWORD of every test controller. */
export const TEST_ADMIN_PASSWORD = 'correct horse battery staple';

function capture(log: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString('utf8').split('\n')) {
        if (line === '') continue;
        if (process.env['TEST_LOG'] !== undefined) process.stderr.write(`${line}\n`);
        log.push(JSON.parse(line));
      }
      done();
    },
  });
}
