import { messageOf } from '../platform/agent-error.js';
import { findBatchFailure } from './ip-output.js';
import { NetworkError } from './network-error.js';
import { type ProgramOutcome, runProgram } from './run-program.js';

/**
 * Runs lines of `ip` commands for one address family, in order, stopping at the first that fails; those before it
 * stay done. Throws NetworkError with the failing line and the kernel's words.
 */
export async function runIpBatch(family: 4 | 6, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const { code, errors } = await run([`-${family}`, '-batch', '-'], `${lines.join('\n')}\n`);
  if (code === 0) return;
  const failure = findBatchFailure(errors, lines);
  throw new NetworkError(
    'ip_refused',
    `ip -${family} ${failure.line}: ${failure.reason}`,
    'run as root or with CAP_NET_ADMIN; if you do, the line says what the kernel does not accept',
  );
}

/** Runs one `ip -j` query and parses its JSON. Throws NetworkError. */
export async function queryIp(args: readonly string[]): Promise<unknown> {
  const { code, output, errors } = await run(['-j', ...args], '');
  if (code !== 0) {
    throw new NetworkError('ip_refused', `ip ${args.join(' ')}: ${errors.trim()}`, 'the line says what is missing');
  }
  // With nothing to show, ip prints nothing at all or an empty list, depending on the object.
  return output.trim() === '' ? [] : parseAnswer(output, args.join(' '));
}

/**
 * Asks for several things of one address family at once: to start a program costs more than to answer. @returns the answers, in
 * the order of the queries. Throws NetworkError.
 */
export async function queryIpBatch(family: 4 | 6, queries: readonly string[]): Promise<readonly unknown[]> {
  const { code, output, errors } = await run([`-${family}`, '-j', '-batch', '-'], `${queries.join('\n')}\n`);
  if (code !== 0) {
    const failure = findBatchFailure(errors, queries);
    throw new NetworkError('ip_refused', `ip ${failure.line}: ${failure.reason}`, 'the line says what is missing');
  }
  const answers = output.split('\n').filter((line) => line.trim() !== '');
  // Which one an older ip has left out, because it had nothing to show, cannot be seen: then each is asked for by itself.
  if (answers.length !== queries.length) {
    return Promise.all(queries.map((query) => queryIp([`-${family}`, ...query.split(' ')])));
  }
  return answers.map((answer, index) => parseAnswer(answer, queries[index] ?? ''));
}

function parseAnswer(answer: string, query: string): unknown {
  try {
    return JSON.parse(answer);
  } catch (error) {
    throw new NetworkError(
      'ip_unreadable',
      `ip ${query} printed something that is not JSON: ${messageOf(error)}`,
      'install iproute2 5.0 or newer',
      { cause: error },
    );
  }
}

function run(args: readonly string[], input: string): Promise<ProgramOutcome> {
  return runProgram(IPROUTE2, args, input);
}

const IPROUTE2 = { name: 'ip', code: 'ip_missing', debianPackage: 'iproute2' } as const;
