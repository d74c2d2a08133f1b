import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LogRecord, ProcessExit, ProcessSpec } from '../sandbox/protocol.js';
import { SANDBOX_LOG_DIRECTORY, SANDBOX_STATE_DIRECTORY } from '../sandbox/protocol.js';
import { withTimeout } from './with-timeout.js';

/** Why a call about a process failed; `process` is the one whose log tells more. */
export class ProcessError extends Error {
  readonly process: string;
  constructor(process: string, message: string) {
    super(message);
    this.name = 'ProcessError';
    this.process = process;
  }
}

/** The named, long-running processes of the lab: started into a namespace, watched by their log, stopped by a signal. */
export class ProcessTable {
  readonly #entries = new Map<string, Entry>();
  readonly #onExit: (name: string, exit: ProcessExit) => void;

  constructor(onExit: (name: string, exit: ProcessExit) => void) {
    this.#onExit = onExit;
  }

  /** Starts the process; a name may be used again after its process has ended. */
  start(spec: ProcessSpec): number {
    const previous = this.#entries.get(spec.name);
    if (previous !== undefined && previous.exit === undefined) {
      throw new ProcessError(spec.name, `Process "${spec.name}" is running already; stop it first.`);
    }
    const entry = launch(spec);
    this.#entries.set(spec.name, entry);
    entry.child.on('error', (error) => entry.fail(`cannot be started: ${error.message}`));
    entry.child.on('close', (code, signal) => {
      entry.finish({ code, signal, stdout: entry.stdout });
      this.#onExit(spec.name, { code, signal, stdout: entry.stdout });
    });
    return entry.child.pid ?? 0;
  }

  /** Resolves with the first log line whose `msg` is `message`; rejects when the process ends or time runs out first. */
  waitForLog(name: string, message: string, timeoutMilliseconds: number): Promise<LogRecord> {
    const entry = this.#entry(name);
    return withTimeout(
      entry.logLine(message),
      timeoutMilliseconds,
      () => new ProcessError(name, `"${name}" did not log "${message}" within ${timeoutMilliseconds / 1000} s.`),
    );
  }

  /** Resolves when a line that contains `text` is or was among the last ones written. */
  waitForOutput(name: string, text: string, timeoutMilliseconds: number): Promise<void> {
    return withTimeout(
      this.#entry(name).lineWith(text),
      timeoutMilliseconds,
      () => new ProcessError(name, `"${name}" did not write "${text}" within ${timeoutMilliseconds / 1000} s.`),
    );
  }

  /** Sends the signal and resolves when the process has ended. */
  stop(name: string, signal: NodeJS.Signals, timeoutMilliseconds: number): Promise<ProcessExit> {
    this.#entry(name).child.kill(signal);
    return this.waitForExit(name, timeoutMilliseconds);
  }

  waitForExit(name: string, timeoutMilliseconds: number): Promise<ProcessExit> {
    return withTimeout(
      this.#entry(name).ended,
      timeoutMilliseconds,
      () => new ProcessError(name, `"${name}" did not end within ${timeoutMilliseconds / 1000} s.`),
    );
  }

  /** The last lines of the log, newest last. */
  tail(name: string, lines: number): readonly string[] {
    return this.#entry(name).recent.slice(-lines);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new ProcessError(name, `No process "${name}" has been started in this lab.`);
    return entry;
  }
}

/** One process with what the table remembers of it. */
class Entry {
  readonly recent: string[] = [];
  readonly ended: Promise<ProcessExit>;
  readonly child: ChildProcess;
  exit: ProcessExit | undefined;
  stdout = '';
  readonly #name: string;
  readonly #seen = new Map<string, LogRecord>();
  readonly #waiting = new Map<string, ((record: LogRecord) => void)[]>();
  readonly #watching = new Map<string, () => void>();
  #finish: (exit: ProcessExit) => void = () => undefined;
  #problem: string | undefined;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.child = child;
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  line(text: string, fromStdout: boolean): void {
    this.recent.push(text);
    if (this.recent.length > KEPT_LINES) this.recent.shift();
    for (const [wanted, found] of this.#watching) if (text.includes(wanted)) found();
    if (fromStdout) this.stdout = `${this.stdout}${text}\n`.slice(-KEPT_STDOUT);
    const record = parseLogLine(text);
    const message = record?.['msg'];
    if (record === undefined || typeof message !== 'string') return;
    if (this.#seen.size < KEPT_MESSAGES) this.#seen.set(message, record);
    for (const resolve of this.#waiting.get(message) ?? []) resolve(record);
    this.#waiting.delete(message);
  }

  logLine(message: string): Promise<LogRecord> {
    const seen = this.#seen.get(message);
    if (seen !== undefined) return Promise.resolve(seen);
    const logged = new Promise<LogRecord>((resolve) => {
      this.#waiting.set(message, [...(this.#waiting.get(message) ?? []), resolve]);
    });
    return Promise.race([logged, this.#endedBefore(message)]);
  }

  lineWith(text: string): Promise<void> {
    if (this.recent.some((line) => line.includes(text))) return Promise.resolve();
    const written = new Promise<void>((resolve) => {
      this.#watching.set(text, () => {
        this.#watching.delete(text);
        resolve();
      });
    });
    return Promise.race([written, this.#endedBefore(text)]);
  }

  async #endedBefore(awaited: string): Promise<never> {
    const { code, signal } = await this.ended;
    const how = this.#problem ?? `ended (${signal ?? `exit code ${code}`})`;
    throw new ProcessError(this.#name, `"${this.#name}" ${how} before it logged "${awaited}".`);
  }

  fail(problem: string): void {
    this.#problem = problem;
    this.finish({ code: null, signal: null, stdout: '' });
  }

  finish(exit: ProcessExit): void {
    this.exit ??= exit;
    this.#finish(this.exit);
  }
}

function launch(spec: ProcessSpec): Entry {
  const child = spawn('nsenter', [`--net=/run/netns/${spec.namespace}`, '--', spec.command, ...spec.args], {
    cwd: SANDBOX_STATE_DIRECTORY,
    env: { ...process.env, ...spec.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const entry = new Entry(spec.name, child);
  const log = createWriteStream(`${SANDBOX_LOG_DIRECTORY}/${spec.name}.log`, { flags: 'a', mode: 0o600 });
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      log.write(`${line}\n`);
      entry.line(line, output === child.stdout);
    });
  }
  child.on('close', () => log.end());
  return entry;
}

function parseLogLine(text: string): LogRecord | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as LogRecord;
  } catch {
    return undefined; // a line that merely looks like JSON: still in the log, only not waited for
  }
}

const KEPT_LINES = 200;
const KEPT_STDOUT = 1_048_576;
const KEPT_MESSAGES = 1_000;
