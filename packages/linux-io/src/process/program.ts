import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import { allocate, type Memory } from '../ffi/memory.js';

/** A program to run, and what it is given. */
export interface ProgramRun {
  /** A path: PATH is not looked at. */
  readonly executable: string;
  readonly args: readonly string[];
  /** All that it has of an environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** What it reads as its standard input. */
  readonly input: string;
  /** Milliseconds after which it is killed. */
  readonly patience: number;
}

/** How it ended: with an exit code, or by a signal, by its number. */
export type ProgramEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: number };

/** What a program has said until its end. */
export interface ProgramOutcome {
  readonly end: ProgramEnd;
  /** Standard output, and standard error; UTF-8. */
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs a program to its end (posix_spawn(3)). Node starts one with fork(2), which copies the page tables of the whole process while
 * all its threads wait, and lets each of them take a fault for every page that it then writes: with 200 MiB that keeps the caller
 * for 10 ms, and the packet path, too. Here the child borrows the memory until it becomes the program, which takes a fifth of a
 * millisecond whatever the process has. It reads and writes memory files (memfd_create(2)), so that nobody waits for a pipe.
 *
 * Throws SystemCallError: of `posix_spawn` ENOENT and EACCES when there is no such program.
 */
export async function runToEnd({
  executable,
  args,
  environment,
  input,
  patience,
}: ProgramRun): Promise<ProgramOutcome> {
  const streams: number[] = [];
  try {
    for (const name of ['input', 'output', 'errors']) streams.push(memoryFile(name));
    const [standardInput = -1, output = -1, errors = -1] = streams;
    // At a position: what the program reads begins where the file does.
    writeWhole(standardInput, Buffer.from(input));
    const pid = spawn(executable, args, environment, streams);
    const kill = setTimeout(() => killIfThere(pid), patience);
    const end = await endOf(pid, executable).finally(() => clearTimeout(kill));
    return { end, output: readWhole(output), errors: readWhole(errors) };
  } finally {
    for (const stream of streams) closeSync(stream);
  }
}

/** Its end may have been waited for already, and not yet told here. Throws what kill(2) says but that. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function memoryFile(name: string): number {
  const fd = memfdCreate(name, LINUX.MFD_CLOEXEC);
  if (fd < 0) throw new SystemCallError('memfd_create', koffi.errno(), name);
  return fd;
}

/** The streams become descriptors 0, 1 and 2. @returns the process. */
function spawn(
  executable: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  streams: readonly number[],
): number {
  attributes ??= defaultSignals();
  actions ??= allocate(STRUCTURE_OCTETS);
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  demand(fileActionsInit(actions.address), executable);
  try {
    for (const [number, fd] of streams.entries()) demand(addDup2(actions.address, fd, number), executable);
    const pid: [number] = [0];
    const argv = [executable, ...args, null];
    demand(posixSpawn(pid, executable, actions.address, attributes.address, argv, [...variables, null]), executable);
    return pid[0];
  } finally {
    fileActionsDestroy(actions.address);
  }
}

/** What Node ignores (SIGPIPE, SIGXFSZ) a program would inherit: it ignores and blocks nothing. */
function defaultSignals(): Memory {
  const made = allocate(STRUCTURE_OCTETS);
  const signals = allocate(SIGNAL_SET_OCTETS);
  demand(attributesInit(made.address), 'attributes');
  demand(setSignalMask(made.address, signals.address), 'attributes');
  signals.bytes.fill(0xff);
  demand(setDefaultSignals(made.address, signals.address), 'attributes');
  demand(setFlags(made.address, LINUX.POSIX_SPAWN_SETSIGDEF | LINUX.POSIX_SPAWN_SETSIGMASK), 'attributes');
  return made;
}

/** These functions answer an error number. */
function demand(errno: number, subject: string): void {
  if (errno !== 0) throw new SystemCallError('posix_spawn', errno, subject);
}

/** Waits in a thread of libuv's pool, where no signal is taken; libuv itself asks for processes of its own only. */
function endOf(pid: number, executable: string): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const status: [number] = [0];
    waitpid.async(pid, status, 0, (error, waited) => {
      if (error !== null) reject(error);
      else if (waited !== pid) reject(new SystemCallError('waitpid', 0, executable));
      else resolve(readStatus(status[0]));
    });
  });
}

/** WIFEXITED, WEXITSTATUS and WTERMSIG of wait(2). */
function readStatus(status: number): ProgramEnd {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exited', code: (status >> 8) & 0xff } : { kind: 'killed', signal };
}

function writeWhole(fd: number, octets: Uint8Array): void {
  for (let written = 0; written < octets.length; ) {
    written += writeSync(fd, octets, written, octets.length - written, written);
  }
}

function readWhole(fd: number): string {
  const octets = Buffer.alloc(fstatSync(fd).size);
  let length = 0;
  for (let more = -1; length < octets.length && more !== 0; length += more) {
    more = readSync(fd, octets, length, octets.length - length, length);
  }
  return octets.toString('utf8', 0, length);
}

/** posix_spawnattr_t and posix_spawn_file_actions_t have 336 and 80 octets in glibc and musl. */
const STRUCTURE_OCTETS = 512;
/** sigset_t. */
const SIGNAL_SET_OCTETS = 128;
/** What every program is started with, made once: memory for calls is never given back. */
let attributes: Memory | undefined;
let actions: Memory | undefined;

const LIBC = koffi.load(null);
const STRINGS = koffi.pointer('const char *');
const INT_OUT = koffi.out(koffi.pointer('int'));
const memfdCreate: (name: string, flags: number) => number = LIBC.func('int memfd_create(const char *, unsigned int)');
const posixSpawn = LIBC.func('posix_spawn', 'int', [
  INT_OUT,
  'const char *',
  'int64_t',
  'int64_t',
  STRINGS,
  STRINGS,
]) as (
  pid: [number],
  path: string,
  actions: number,
  attributes: number,
  args: readonly (string | null)[],
  environment: readonly (string | null)[],
) => number;
const fileActionsInit: (actions: number) => number = LIBC.func('int posix_spawn_file_actions_init(int64_t)');
const fileActionsDestroy: (actions: number) => number = LIBC.func('int posix_spawn_file_actions_destroy(int64_t)');
const addDup2: (actions: number, fd: number, asFd: number) => number = LIBC.func(
  'int posix_spawn_file_actions_adddup2(int64_t, int, int)',
);
const attributesInit: (attributes: number) => number = LIBC.func('int posix_spawnattr_init(int64_t)');
const setFlags: (attributes: number, flags: number) => number = LIBC.func(
  'int posix_spawnattr_setflags(int64_t, short)',
);
const setSignalMask: (attributes: number, signals: number) => number = LIBC.func(
  'int posix_spawnattr_setsigmask(int64_t, int64_t)',
);
const setDefaultSignals: (attributes: number, signals: number) => number = LIBC.func(
  'int posix_spawnattr_setsigdefault(int64_t, int64_t)',
);
const waitpid = LIBC.func('waitpid', 'int', ['int', INT_OUT, 'int']) as {
  async(pid: number, status: [number], options: number, done: (error: Error | null, waited: number) => void): void;
};
