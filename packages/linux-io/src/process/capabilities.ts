import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';

/** Capabilities that the packet path needs (capabilities(7)), by number. */
export const CAPABILITY = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;

/** Which capabilities a thread has, and which a program that it becomes may have. A bit for each number. */
export interface CapabilitySets {
  readonly permitted: bigint;
  readonly bounding: bigint;
}

/** Those of this thread. */
export function readCapabilities(): CapabilitySets {
  return parseCapabilities(readFileSync('/proc/thread-self/status', 'utf8'));
}

/** Reads `/proc/PID/status` (proc(5)). Throws RangeError when it does not say. */
export function parseCapabilities(status: string): CapabilitySets {
  const set = (name: string) => {
    const [, hexadecimal] = new RegExp(`^${name}:\\s*([0-9a-f]{16})$`, 'm').exec(status) ?? [];
    if (hexadecimal === undefined) throw new RangeError(`the kernel does not say what ${name} is`);
    return BigInt(`0x${hexadecimal}`);
  };
  return { permitted: set('CapPrm'), bounding: set('CapBnd') };
}

/** The set of these. */
export function capabilitySet(numbers: readonly number[]): bigint {
  return numbers.reduce((set, number) => set | (1n << BigInt(number)), 0n);
}

/**
 * Becomes the same program again (execve(2)), which then has no capability but `kept` and cannot get another. A process cannot
 * give up what its other threads have, and Node has threads before its first line runs; execve ends them all.
 * Returns only by throwing: SystemCallError, EPERM when this thread may not (it needs CAP_SETPCAP).
 */
export function restartWithin(
  kept: bigint,
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): never {
  const { bounding } = readCapabilities();
  for (let number = 0; bounding >> BigInt(number) !== 0n; number++) {
    const bit = 1n << BigInt(number);
    if ((bounding & bit) === 0n || (kept & bit) !== 0n) continue;
    if (libc.prctl(LINUX.PR_CAPBSET_DROP, number) < 0) {
      throw new SystemCallError('prctl', libc.failure(), `capability ${number}`);
    }
  }
  // Node has taken care that no program of its own making inherits these; this one is itself.
  for (const stream of [0, 1, 2]) libc.fcntl(stream, LINUX.F_SETFD, 0);
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  execve(program, [program, ...args, null], [...variables, null]);
  throw new SystemCallError('execve', libc.failure(), program);
}

const STRINGS = koffi.pointer('const char *');
const execve = koffi.load(null).func('execve', 'int', ['const char *', STRINGS, STRINGS]) as (
  path: string,
  args: readonly (string | null)[],
  environment: readonly (string | null)[],
) => number;
