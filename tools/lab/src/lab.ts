import type { CaptureCounts } from './capture/counts.js';
import type { ControllerApi } from './fabric/controller-api.js';
import type { Fabric, KeyingMode } from './fabric/intent.js';
import type { LabError } from './lab-error.js';
import type { ExecuteResult, ProcessExit, ProcessSpec } from './sandbox/protocol.js';
import type { Topology } from './topology/topology.js';

/** A running lab. Everything in it ends with `close()`, or with the process that started it. */
export interface Lab {
  readonly topology: Topology;
  readonly fabric: Fabric;
  readonly consoleUrl: string;
  readonly userName: string;
  readonly password: string;
  /** The public API as the lab's administrator. */
  readonly api: ControllerApi;
  /** SHA-256 of each site's file by site name, as its server computed it. */
  readonly fileDigests: ReadonlyMap<string, string>;
  /** Rejects as soon as a process of the lab ends that should go on: for racing against what this makes pointless. */
  readonly unexpectedExit: Promise<never>;
  /** Runs a command in a namespace to its end. */
  execute(namespace: string, command: string, args: readonly string[]): Promise<ExecuteResult>;
  /** Starts a long-running process; its name can be used again once it has ended. */
  start(spec: ProcessSpec): Promise<void>;
  /** Resolves when the process has logged a JSON line with this `msg` since it was started. */
  waitForLog(name: string, message: string): Promise<void>;
  /** Resolves when the process has written a line that contains this. */
  waitForOutput(name: string, text: string): Promise<void>;
  /** The last lines that a process has logged. */
  tail(name: string, lines: number): Promise<readonly string[]>;
  /** Sends a signal and resolves when the process has ended. */
  stop(name: string, signal: NodeJS.Signals): Promise<ProcessExit>;
  /** Starts the controller again after it was stopped; resolves when it is ready. */
  startController(): Promise<void>;
  /** Starts a site's edge agent again after it was stopped. */
  startEdge(site: string): Promise<void>;
  /** Resolves when all edges are in sync and all tunnels are up. */
  waitForFabric(): Promise<void>;
  /** What has crossed the router since its capture was proven, up to this call. */
  captureCounts(): Promise<CaptureCounts>;
  /** Copies the logs of all processes to a directory that outlives the lab; undefined when they are gone. */
  saveLogs(): Promise<string | undefined>;
  /** What went wrong in a step, with the logs that explain it. */
  failure(step: string, cause: unknown): Promise<LabError>;
  close(): Promise<void>;
}

export interface LabOptions {
  /** The loopback port wanted for the console; another one when it is taken. */
  readonly port?: number;
  /** Who makes the traffic keys: the edges between themselves (`ikev2`, as in any new tenant), or the controller. */
  readonly keying?: KeyingMode;
  /** Ends the start, or the lab, when it fires. */
  readonly signal?: AbortSignal;
  /** A step of the start begins. */
  readonly onStep?: (step: string) => void;
  /** A process of the lab has ended although nobody asked it to. */
  readonly onUnexpectedExit?: (name: string, how: string) => void;
}
