import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import type { PostgresBinaries } from './postgres-binaries.js';
import { postgresEnvironment } from './postgres-cluster.js';
import type { PostgresDirectories } from './postgres-directories.js';
import { PostgresStartError } from './postgres-start-error.js';
import type { UnprivilegedUser } from './unprivileged-user.js';

export interface PostgresProcessOptions {
  readonly binaries: PostgresBinaries;
  readonly directories: PostgresDirectories;
  readonly user: UnprivilegedUser;
  readonly logger: Logger;
  /** Server settings beyond ours, `name=value`. */
  readonly settings: readonly string[];
}

/** One running postmaster. */
export class PostgresProcess {
  readonly #child: ChildProcess;
  #stopping = false;
  /** Resolves when the process has ended and its last line is read, with what it ended by. */
  readonly exited: Promise<string>;

  private constructor(child: ChildProcess, exited: Promise<string>) {
    this.#child = child;
    this.exited = exited;
  }

  /** Resolves when the server accepts connections. Throws PostgresStartError 'locked', 'exited' or 'timeout' with its last lines. */
  static async start(options: PostgresProcessOptions): Promise<PostgresProcess> {
    const [program = '', ...words] = [...options.user.prefix, options.binaries.postgres, ...argumentsOf(options)];
    const child = spawn(program, words, {
      cwd: '/',
      // A session of its own: Ctrl-C at our terminal must reach us only, we stop it in order.
      detached: true,
      env: postgresEnvironment(options.binaries),
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(options.user.identity ?? {}),
    });
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      // Not 'exit': its last lines, which say why, may come after that.
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const process = new PostgresProcess(child, exited);
    await process.#ready(options.logger.child({ component: 'postgres' }));
    return process;
  }

  /** Fast shutdown, then immediate shutdown, then SIGKILL; bounded. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const steps: readonly [NodeJS.Signals, number][] = [
      ['SIGINT', FAST_SHUTDOWN_MILLISECONDS],
      ['SIGQUIT', IMMEDIATE_SHUTDOWN_MILLISECONDS],
      ['SIGKILL', IMMEDIATE_SHUTDOWN_MILLISECONDS],
    ];
    for (const [signal, patience] of steps) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
      this.#child.kill(signal);
      if ((await within(this.exited, patience)) !== undefined) return;
    }
  }

  async #ready(logger: Logger): Promise<void> {
    const recent: string[] = [];
    const ready = new Promise<'ready'>((resolve) => {
      if (this.#child.stderr === null) return;
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        recent.push(line);
        if (recent.length > REMEMBERED_LINES) recent.shift();
        logger[this.#isExpected(line) ? 'debug' : 'warn'](line);
        if (line.includes(READY_MESSAGE)) resolve('ready');
      });
    });
    const ended = this.exited.then((how) => ({ how }));
    const outcome = await within(Promise.race([ready, ended]), START_MILLISECONDS);
    if (outcome === 'ready') return;
    const output = () => recent.join('\n');
    if (outcome !== undefined) {
      const code = recent.some((line) => line.includes(LOCK_FILE)) ? 'locked' : 'exited';
      throw new PostgresStartError(code, `Postgres ended (${outcome.how})`, output());
    }
    await this.stop();
    throw new PostgresStartError('timeout', `Postgres was not ready after ${START_MILLISECONDS} ms`, output());
  }

  #isExpected(line: string): boolean {
    if (!/ (?:FATAL|PANIC): {2}/.test(line)) return true;
    return line.includes(LOCK_FILE) || (this.#stopping && ENDED_BY_STOP.test(line));
  }
}

function argumentsOf({ directories, settings }: PostgresProcessOptions): readonly string[] {
  return [
    '-D',
    directories.data,
    ...[
      'listen_addresses=',
      // A list of names in which commas separate and quotes protect.
      `unix_socket_directories="${directories.socket.replaceAll('"', '""')}"`,
      'unix_socket_permissions=0700',
      'max_connections=50',
      'shared_buffers=64MB',
      'timezone=UTC',
      'log_timezone=UTC',
      // #ready waits for an English line.
      'lc_messages=C',
      'logging_collector=off',
      'log_destination=stderr',
      ...settings,
    ].flatMap((setting) => ['-c', setting]),
  ];
}

/** The value, or undefined when it is not there after so many milliseconds. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const READY_MESSAGE = 'database system is ready to accept connections';
/** Another server has the cluster: expected for a moment, when that one is shutting down. */
const LOCK_FILE = 'lock file "postmaster.pid"';
/** Said of a connection that is still there, or comes, when we stop the server. */
const ENDED_BY_STOP =
  / FATAL: {2}(?:terminating .* due to administrator command|the database system is shutting down)$/;
const REMEMBERED_LINES = 20;
/** Includes crash recovery, which replays up to a checkpoint's worth of log. */
const START_MILLISECONDS = 120_000;
const FAST_SHUTDOWN_MILLISECONDS = 10_000;
const IMMEDIATE_SHUTDOWN_MILLISECONDS = 5_000;
