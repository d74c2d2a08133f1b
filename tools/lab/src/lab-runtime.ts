import {
  CONTROLLER_PROCESS,
  controllerProgram,
  enrollProgram,
  fileServerProcess,
  fileServerProgram,
  runProgram,
} from './fabric/programs.js';
import type { ExecuteResult, ProcessExit, ProcessSpec } from './sandbox/protocol.js';
import { openSandbox, type Sandbox } from './sandbox/sandbox.js';
import { SandboxError } from './sandbox/sandbox-error.js';
import { siteNamed, type Topology } from './topology/topology.js';

/** The sandbox with the fabric's processes in it: which ones are meant to run, and what to do when one ends by itself. */
export class LabRuntime {
  readonly sandbox: Sandbox;
  readonly topology: Topology;
  readonly #adminPassword: string;
  readonly #watch: ExitWatch;

  private constructor(sandbox: Sandbox, topology: Topology, adminPassword: string, watch: ExitWatch) {
    this.sandbox = sandbox;
    this.topology = topology;
    this.#adminPassword = adminPassword;
    this.#watch = watch;
  }

  /** Makes the namespaces and the network in them; no process runs yet. */
  static async open(
    topology: Topology,
    adminPassword: string,
    onUnexpectedExit: (name: string, how: string) => void,
  ): Promise<LabRuntime> {
    const watch = new ExitWatch(onUnexpectedExit);
    const sandbox = await openSandbox({ onProcessExit: (name, code, signal) => watch.exited(name, code, signal) });
    try {
      await sandbox.call('createNetwork', {});
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return new LabRuntime(sandbox, topology, adminPassword, watch);
  }

  /** Rejects as soon as a process ends that should go on: for racing against a wait that this makes pointless. */
  get unexpectedExit(): Promise<never> {
    return this.#watch.unexpected;
  }

  async start(spec: ProcessSpec): Promise<void> {
    this.#watch.expectRunning(spec.name);
    await this.sandbox.call('startProcess', spec);
  }

  async stop(name: string, signal: NodeJS.Signals): Promise<ProcessExit> {
    this.#watch.expectEnd(name);
    return this.sandbox.call('stopProcess', { name, signal, timeoutMilliseconds: STOP_TIMEOUT_MILLISECONDS });
  }

  async waitForLog(name: string, message: string): Promise<Readonly<Record<string, unknown>>> {
    return this.sandbox.call('waitForLog', { name, message, timeoutMilliseconds: LOG_TIMEOUT_MILLISECONDS });
  }

  async waitForOutput(name: string, text: string): Promise<void> {
    await this.sandbox.call('waitForOutput', { name, text, timeoutMilliseconds: LOG_TIMEOUT_MILLISECONDS });
  }

  async execute(namespace: string, command: string, args: readonly string[]): Promise<ExecuteResult> {
    const timeoutMilliseconds = COMMAND_TIMEOUT_MILLISECONDS;
    return this.sandbox.call('execute', { namespace, command, args, timeoutMilliseconds });
  }

  async startController(): Promise<void> {
    await this.start(controllerProgram(this.topology, this.#adminPassword));
  }

  async controllerReady(): Promise<void> {
    await this.waitForLog(CONTROLLER_PROCESS, 'controller ready');
  }

  async startEdge(site: string): Promise<void> {
    await this.start(runProgram(siteNamed(this.topology, site)));
  }

  /** Runs `weft-edge enroll` for a site to its end. */
  async enroll(site: string, token: string): Promise<void> {
    const program = enrollProgram(this.topology, siteNamed(this.topology, site), token);
    const { name } = program;
    await this.sandbox.call('startProcess', program);
    const exit = await this.sandbox.call('waitForExit', { name, timeoutMilliseconds: COMMAND_TIMEOUT_MILLISECONDS });
    if (exit.code !== 0) {
      throw new SandboxError({ code: 'call', process: name }, `Enrolling ${site} ended with exit code ${exit.code}.`);
    }
  }

  async startFileServers(): Promise<void> {
    for (const site of this.topology.sites) await this.start(fileServerProgram(site));
  }

  /** SHA-256 of every site's file by site name, once the servers are ready. */
  async fileDigests(): Promise<ReadonlyMap<string, string>> {
    const digests = new Map<string, string>();
    for (const { name } of this.topology.sites) {
      const record = await this.waitForLog(fileServerProcess(name), 'file server ready');
      digests.set(name, String(record['sha256']));
    }
    return digests;
  }

  async close(): Promise<void> {
    this.#watch.closing();
    await this.sandbox.close();
  }
}

/** Tells the ends that were asked for from those that were not. */
class ExitWatch {
  readonly unexpected: Promise<never>;
  readonly #running = new Set<string>();
  readonly #onUnexpectedExit: (name: string, how: string) => void;
  #reject: (error: Error) => void = () => undefined;

  constructor(onUnexpectedExit: (name: string, how: string) => void) {
    this.#onUnexpectedExit = onUnexpectedExit;
    this.unexpected = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.unexpected.catch(() => undefined); // reported through the callback; whoever races it sees it too
  }

  expectRunning(name: string): void {
    this.#running.add(name);
  }

  expectEnd(name: string): void {
    this.#running.delete(name);
  }

  closing(): void {
    this.#running.clear();
  }

  exited(name: string, code: number | null, signal: string | null): void {
    if (!this.#running.delete(name)) return;
    const how = signal ?? `exit code ${code}`;
    this.#onUnexpectedExit(name, how);
    this.#reject(new SandboxError({ code: 'call', process: name }, `"${name}" ended by itself (${how}).`));
  }
}

const LOG_TIMEOUT_MILLISECONDS = 60_000;
const COMMAND_TIMEOUT_MILLISECONDS = 60_000;
const STOP_TIMEOUT_MILLISECONDS = 20_000;
