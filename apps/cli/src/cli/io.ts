import type { ProgressOutput } from '../output/progress.js';

/** What the program has of the world, so that a spec can give it another one. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: AsyncIterable<Buffer | string>;
  /** What was asked for, as it is. */
  write(text: string): void;
  /** Everything else: what goes on, and what goes wrong. */
  readonly notes: ProgressOutput;
}

/** One line, or several, of the answer. */
export function print(io: Io, text: string): void {
  io.write(`${text}\n`);
}

/** The answer as a machine reads it. */
export function printJson(io: Io, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}

/** Something beside the answer. */
export function note(io: Io, text: string): void {
  io.notes.write(`${text}\n`);
}
