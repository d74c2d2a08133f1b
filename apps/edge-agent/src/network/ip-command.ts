import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { AgentError, messageOf, systemCodeOf } from '../platform/agent-error.js';
import { findBatchFailure } from './ip-output.js';

/** Why iproute2 could not do what we asked. */
export type NetworkErrorCode = 'ip_missing' | 'ip_refused' | 'ip_unreadable' | 'sysctl_refused';

/** A change of the machine's network failed. */
export class NetworkError extends AgentError<NetworkErrorCode> {
  override readonly name = 'NetworkError';
}

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

async function run(
  args: readonly string[],
  input: string,
): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(startError(error)));
    child.once('close', resolve);
  });
  // When ip ends before it has read everything, its exit code tells why; the broken pipe adds nothing.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}

function startError(error: Error): NetworkError {
  return new NetworkError(
    'ip_missing',
    `ip cannot be started: ${messageOf(error)}`,
    systemCodeOf(error) === 'ENOENT' ? 'install iproute2 (Debian, Ubuntu: apt install iproute2)' : 'check the PATH',
    { cause: error },
  );
}
