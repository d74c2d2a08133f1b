import type { Logger } from 'pino';
import type { DatabaseLocation } from './connection-options.js';
import type { DatabaseServer } from './database-server.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { CLUSTER_USER, ensureCluster } from './postgres-cluster.js';
import { preparePostgresDirectories, removeSocketDirectory } from './postgres-directories.js';
import { PostgresProcess, type PostgresProcessOptions } from './postgres-process.js';
import { PostgresStartError } from './postgres-start-error.js';
import { type UnprivilegedUser, unprivilegedUser } from './unprivileged-user.js';

export interface PostgresServerOptions {
  readonly binaries: PostgresBinaries;
  /** Holds the cluster, `data-<major version>`, and the socket. */
  readonly directory: string;
  readonly logger: Logger;
  /** Server settings beyond ours, `name=value`. */
  readonly settings?: readonly string[];
  /** How not to be root; found out when absent. */
  readonly user?: UnprivilegedUser;
}

/** A Postgres of our own: Unix socket only, started again when it dies, ended when we end. */
export class PostgresServer implements DatabaseServer {
  readonly location: DatabaseLocation;
  readonly description: string;
  readonly #options: PostgresProcessOptions;
  readonly #stopping = new AbortController();
  #process: PostgresProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();

  private constructor(options: PostgresProcessOptions) {
    this.#options = options;
    const socket = encodeURIComponent(options.directories.socket);
    this.location = { url: `postgres://${CLUSTER_USER}@localhost/postgres?host=${socket}` };
    this.description = `Postgres ${options.binaries.majorVersion} in ${options.directories.data}`;
  }

  /** Makes the cluster when there is none and starts the server. Throws PostgresStartError. */
  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const server = await PostgresServer.describe(options);
    const { binaries, directories, user } = server.#options;
    await ensureCluster(binaries, directories.data, user);
    server.#process = await server.#launch();
    server.#supervision = server.#supervise(server.#process);
    return server;
  }

  /** Where it is or would be: makes its directories, and starts nothing. Throws PostgresStartError. */
  static async describe(options: PostgresServerOptions): Promise<PostgresServer> {
    const { binaries, logger, settings = [] } = options;
    const user = options.user ?? (await unprivilegedUser());
    const directories = await preparePostgresDirectories(options.directory, binaries.majorVersion, user);
    return new PostgresServer({ binaries, directories, user, logger, settings });
  }

  /** Bounded; idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.#supervision;
    await removeSocketDirectory(this.#options.directories);
  }

  /** A predecessor of ours that was killed may still be shutting down: it holds the lock file until it has. */
  async #launch(): Promise<PostgresProcess> {
    const deadline = performance.now() + LOCKED_PATIENCE_MILLISECONDS;
    let said = false;
    for (;;) {
      try {
        return await PostgresProcess.start(this.#options);
      } catch (error) {
        if (!(error instanceof PostgresStartError) || error.code !== 'locked') throw error;
        if (this.#stopping.signal.aborted || performance.now() > deadline) throw inUse(this.#options, error);
        if (!said) this.#options.logger.warn('waiting for another Postgres to let go of the data directory');
        said = true;
        // The end of a process that is not our child is no event that Node could wait for.
        await this.#pause(LOCKED_RETRY_MILLISECONDS);
      }
    }
  }

  async #supervise(first: PostgresProcess): Promise<void> {
    let running = first;
    for (;;) {
      const how = await running.exited;
      if (this.#stopping.signal.aborted) return;
      this.#options.logger.error({ how }, 'Postgres ended by itself; starting it again');
      const next = await this.#relaunch();
      if (next === undefined) return;
      running = next;
    }
  }

  async #relaunch(): Promise<PostgresProcess | undefined> {
    let delay = RESTART_FIRST_MILLISECONDS;
    while (!this.#stopping.signal.aborted) {
      try {
        const started = await this.#launch();
        this.#process = started;
        if (this.#stopping.signal.aborted) await started.stop();
        return started;
      } catch (error) {
        this.#options.logger.error({ err: error }, 'Postgres does not come up');
        await this.#pause(delay);
        delay = Math.min(delay * 2, RESTART_LONGEST_MILLISECONDS);
      }
    }
    return undefined;
  }

  /** Ends early when the server is to stop. */
  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}

function inUse({ directories }: PostgresProcessOptions, { output }: PostgresStartError): PostgresStartError {
  const message = `${directories.data} is in use; stop the other controller or give this one another WEFT_DATA_DIR`;
  return new PostgresStartError('locked', message, output);
}

const LOCKED_PATIENCE_MILLISECONDS = 15_000;
const LOCKED_RETRY_MILLISECONDS = 200;
const RESTART_FIRST_MILLISECONDS = 500;
const RESTART_LONGEST_MILLISECONDS = 30_000;
