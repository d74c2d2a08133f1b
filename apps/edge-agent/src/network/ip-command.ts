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
  try {
    // With nothing to show, ip prints nothing at all or an empty list, depending on the object.
    return output.trim() === '' ? [] : JSON.parse(output);
  } catch (error) {
    throw new NetworkError(
      'ip_unreadable',
      `ip ${args.join(' ')} printed something that is not JSON: ${messageOf(error)}`,
      'install iproute2 5.0 or newer',
      { cause: error },
    );
  }
}

function run(args: readonly string[], input: string): Promise<ProgramOutcome> {
  return runProgram(IPROUTE2, args, input);
}

const IPROUTE2 = { name: 'ip', code: 'ip_missing', debianPackage: 'iproute2' } as const;
