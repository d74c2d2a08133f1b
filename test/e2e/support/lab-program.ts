import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** `weft-lab` as a person starts it, with what it has written so far. */
export interface LabProgram {
  readonly pid: number;
  /** Resolves when standard output or error has matched; rejects when the program ends first. */
  readonly seen: (pattern: RegExp) => Promise<string>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly stderr: () => string;
  /** Everything it has written, for the message of a failed expectation. */
  readonly output: () => string;
  /** The object that `--json` has printed last. */
  readonly verdict: () => unknown;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** How a lab is started other than by `node …/main.js` of this checkout. */
export interface Start {
  /** A command in front of it that becomes the lab in the end, as `env` does. */
  readonly through?: readonly string[];
  readonly program?: string;
}

export function startLabProgram(
  args: readonly string[],
  { through = ['env'], program = LAB_PROGRAM }: Start = {},
): LabProgram {
  const [command = 'env', ...words] = [...through, process.execPath, program, ...args];
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const collect = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
    text[stream] += chunk;
    for (const look of waiting) look();
  };
  child.stdout.on('data', collect('stdout'));
  child.stderr.on('data', collect('stderr'));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const seen = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text.stdout) ?? pattern.exec(text.stderr);
        if (match === null) return;
        waiting.delete(look);
        resolve(match[0]);
      };
      waiting.add(look);
      void exited.then(() => reject(new Error(`The lab ended before ${pattern}:\n${text.stdout}\n${text.stderr}`)));
      look();
    });
  return {
    pid: child.pid ?? 0,
    seen,
    exited,
    stderr: () => text.stderr,
    output: () => `${text.stderr}\n${text.stdout}`,
    verdict: () => JSON.parse(text.stdout.trimEnd().split('\n').at(-1) ?? ''),
    kill: (signal) => child.kill(signal),
  };
}

const LAB_PROGRAM = fileURLToPath(new URL('../../../tools/lab/dist/main.js', import.meta.url));
