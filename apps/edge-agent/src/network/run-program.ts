import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { messageOf, systemCodeOf } from '../platform/agent-error.js';
import { NetworkError, type NetworkErrorCode } from './network-error.js';

/** A program of the system. */
export interface SystemProgram {
  readonly name: string;
  /** Of the error when it cannot be started. */
  readonly code: NetworkErrorCode;
  readonly debianPackage: string;
}

/** What a program said until its end. */
export interface ProgramOutcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program of the system to its end. Throws NetworkError when it cannot be started. */
export async function runProgram(
  program: SystemProgram,
  args: readonly string[],
  input: string,
): Promise<ProgramOutcome> {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:${ADMINISTRATION}` };
  const child = spawn(program.name, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(startError(program, error)));
    child.once('close', resolve);
  });
  // When it ends before it has read everything, its exit code tells why; the broken pipe adds nothing.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}

function startError({ name, code, debianPackage }: SystemProgram, error: Error): NetworkError {
  return new NetworkError(
    code,
    `${name} cannot be started: ${messageOf(error)}`,
    systemCodeOf(error) === 'ENOENT'
      ? `install ${debianPackage} (Debian, Ubuntu: apt install ${debianPackage})`
      : 'check the PATH',
    { cause: error },
  );
}

/** Where Debian keeps programs for administrators; others do not have it in their path. */
const ADMINISTRATION = '/usr/sbin:/sbin';
