import path from 'node:path';
import type { DurableFiles, NewFile } from '../../src/platform/durable-files.js';

/** What is on the medium when power is back: content by name. */
export type Outage = ReadonlyMap<string, Buffer>;

/**
 * A file system that forgets as much as POSIX lets it: power fails after `steps` operations (the next one is only begun), and
 * then what was not synced is there, or not, or in part. `outages` says everything that may be found afterwards.
 */
export class CrashingFiles implements DurableFiles {
  /** Names as they are on the medium for certain. */
  #durable: Map<string, Inode>;
  /** Changes of names since: any of them may be on the medium. */
  #pending: Change[] = [];
  readonly #current: Map<string, Inode>;
  #stepsLeft: number;

  constructor(before: ReadonlyMap<string, Buffer>, steps: number) {
    this.#durable = new Map([...before].map(([name, content]) => [name, { synced: content, written: content }]));
    this.#current = new Map(this.#durable);
    this.#stepsLeft = steps;
  }

  async create(file: string): Promise<NewFile> {
    if (this.#current.has(file)) throw new Error(`EEXIST: ${file}`);
    const inode: Inode = { synced: Buffer.alloc(0), written: Buffer.alloc(0) };
    this.#step(() => this.#change({ set: [[file, inode]], removed: [] }));
    return {
      write: async (content) => {
        this.#step(() => {
          inode.written = Buffer.concat([inode.written, content]);
        });
      },
      sync: async () => {
        this.#step(() => {
          inode.synced = inode.written;
        });
      },
      close: async () => undefined,
    };
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#current.get(from);
    if (inode === undefined) throw new Error(`ENOENT: ${from}`);
    this.#step(() => this.#change({ set: [[to, inode]], removed: [from] }));
  }

  async remove(file: string): Promise<void> {
    if (!this.#current.has(file)) return;
    this.#step(() => this.#change({ set: [], removed: [file] }));
  }

  async syncDirectory(directory: string): Promise<void> {
    const elsewhere = [...this.#current.keys()].some((name) => path.dirname(name) !== directory);
    if (elsewhere) throw new Error('this model has one directory');
    this.#step(() => {
      this.#durable = new Map(this.#current);
      this.#pending = [];
    });
  }

  /** Every state that may be found when power fails now. */
  outages(): readonly Outage[] {
    const found: Outage[] = [];
    for (let subset = 0; subset < 2 ** this.#pending.length; subset++) {
      const names = new Map(this.#durable);
      for (const [index, change] of this.#pending.entries()) if ((subset >> index) & 1) apply(names, change);
      found.push(...contents([...names]));
    }
    return found;
  }

  /** An operation that is begun but not done may have done its work or not. */
  #step(work: () => void): void {
    if (this.#stepsLeft < 0) throw new Error('power is off');
    const lasts = this.#stepsLeft > 0;
    this.#stepsLeft--;
    work();
    if (!lasts) throw new Error('power fails');
  }

  #change(change: Change): void {
    this.#pending.push(change);
    apply(this.#current, change);
  }
}

interface Inode {
  /** On the medium for certain. */
  synced: Buffer;
  written: Buffer;
}

interface Change {
  readonly set: readonly (readonly [string, Inode])[];
  readonly removed: readonly string[];
}

function apply(names: Map<string, Inode>, { set, removed }: Change): void {
  for (const name of removed) names.delete(name);
  for (const [name, inode] of set) names.set(name, inode);
}

/** Of every file what was synced, and every part of what was written since, or as many zeros. */
function contents(names: readonly (readonly [string, Inode])[]): Outage[] {
  const [first, ...others] = names;
  if (first === undefined) return [new Map()];
  const [name, { synced, written }] = first;
  const parts = [synced];
  if (written !== synced) {
    for (let length = 0; length <= written.length; length++) parts.push(written.subarray(0, length));
    parts.push(Buffer.alloc(written.length));
  }
  return parts.flatMap((content) => contents(others).map((rest) => new Map([[name, content], ...rest])));
}
