import type { CaptureCounts } from '../capture/counts.js';

/**
 * What the process outside says to the one inside the namespaces, one JSON object per line over stdin and stdout.
 * Every call is answered exactly once, in any order.
 */
export interface SandboxCalls {
  createNetwork: { params: Record<string, never>; result: Record<string, never> };
  startProcess: { params: ProcessSpec; result: { pid: number } };
  /** Resolves when a JSON log line with this `msg` has been seen since the process started. */
  waitForLog: { params: { name: string; message: string; timeoutMilliseconds: number }; result: LogRecord };
  /** Resolves when a line containing `text` is or was among the last ones. */
  waitForOutput: { params: { name: string; text: string; timeoutMilliseconds: number }; result: Record<string, never> };
  stopProcess: { params: { name: string; signal: NodeJS.Signals; timeoutMilliseconds: number }; result: ProcessExit };
  waitForExit: { params: { name: string; timeoutMilliseconds: number }; result: ProcessExit };
  execute: { params: ExecuteSpec; result: ExecuteResult };
  startCapture: { params: Record<string, never>; result: Record<string, never> };
  captureCounts: { params: Record<string, never>; result: CaptureCounts };
  tailLog: { params: { name: string; lines: number }; result: { lines: readonly string[] } };
}

export type SandboxMethod = keyof SandboxCalls;

export interface ProcessSpec {
  /** Unique among running processes; also the name of its log. */
  readonly name: string;
  readonly namespace: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to standard output. */
  readonly stdout: string;
}

export interface ExecuteSpec {
  readonly namespace: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMilliseconds: number;
}

export interface ExecuteResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type LogRecord = Readonly<Record<string, unknown>>;

/** A failure that crosses the pipe: `process` names the process whose log explains it, if one does. */
export interface SandboxFailure {
  readonly message: string;
  readonly process?: string;
}

export interface SandboxRequest {
  readonly id: number;
  readonly method: SandboxMethod;
  readonly params: unknown;
}

export type SandboxMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: SandboxFailure }
  | { readonly type: 'exited'; readonly name: string; readonly code: number | null; readonly signal: string | null };

/** Where everything lives inside the sandbox: a tmpfs that vanishes with it. */
export const SANDBOX_STATE_DIRECTORY = '/run/weft-lab';
export const SANDBOX_LOG_DIRECTORY = `${SANDBOX_STATE_DIRECTORY}/logs`;
