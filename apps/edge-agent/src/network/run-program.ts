import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runToEnd } from '@weft/linux-io';
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
  const environment = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:${ADMINISTRATION}` };
  const executable = findExecutable(program.name, environment.PATH);
  if (executable === undefined) throw startError(program, undefined);
  const { end, output, errors } = await runToEnd({ executable, args, environment, input, patience: PATIENCE }).catch(
    (error: unknown) => {
      throw startError(program, error);
    },
  );
  if (end.kind === 'exited') return { code: end.code, output, errors };
  return { code: null, output, errors: `${errors}it was killed by signal ${end.signal}` };
}

/** The first of this name that may be run, as execvp(3) finds it; undefined when there is none. */
function findExecutable(name: string, searchPath: string): string | undefined {
  const candidates = searchPath.split(':').flatMap((folder) => (folder === '' ? [] : [path.join(folder, name)]));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // There is none, or it is not for us: then it is looked for further on.
    return false;
  }
}

/** `error`: why it did not start; undefined: it was not found. */
function startError({ name, code, debianPackage }: SystemProgram, error: unknown): NetworkError {
  const isMissing = error === undefined || systemCodeOf(error) === 'ENOENT';
  return new NetworkError(
    code,
    `${name} cannot be started: ${error === undefined ? 'it is not in the PATH' : messageOf(error)}`,
    isMissing
      ? `install ${debianPackage} (Debian, Ubuntu: apt install ${debianPackage})`
      : 'check the PATH, and that the program may be run',
    { cause: error },
  );
}

/** Where Debian keeps programs for administrators; others do not have it in their path. */
const ADMINISTRATION = '/usr/sbin:/sbin';
/** Milliseconds after which a program hangs: what it is asked for takes it a few, and under load a second. */
const PATIENCE = 60_000;
