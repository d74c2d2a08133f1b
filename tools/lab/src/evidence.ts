import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Evidence } from './lab-error.js';
import { SANDBOX_LOG_DIRECTORY } from './sandbox/protocol.js';
import type { Sandbox } from './sandbox/sandbox.js';
import { SandboxError } from './sandbox/sandbox-error.js';

/** Saves what explains a failure before the sandbox and its logs are gone. Never fails itself: it then has less to show. */
export async function collectEvidence(sandbox: Sandbox | undefined, cause: unknown): Promise<Evidence> {
  if (sandbox === undefined) return { process: undefined, lastLogLines: [], logDirectory: undefined };
  const process = cause instanceof SandboxError && cause.problem.code === 'call' ? cause.problem.process : undefined;
  const [lastLogLines, logDirectory] = await Promise.all([lastLines(sandbox, process), saveLogs(sandbox)]);
  return { process, lastLogLines, logDirectory };
}

/** Copies all logs out of the sandbox; undefined when it has ended and taken them along. */
export async function saveLogs(sandbox: Sandbox): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'weft-lab-logs-'));
  try {
    await cp(sandbox.outsidePath(SANDBOX_LOG_DIRECTORY), directory, { recursive: true });
    return directory;
  } catch {
    await rm(directory, { recursive: true, force: true });
    return undefined;
  }
}

async function lastLines(sandbox: Sandbox, process: string | undefined): Promise<readonly string[]> {
  if (process === undefined) return [];
  try {
    return (await sandbox.call('tailLog', { name: process, lines: SHOWN_LINES })).lines;
  } catch (error) {
    return [`(the log cannot be read: ${String(error)})`];
  }
}

const SHOWN_LINES = 15;
