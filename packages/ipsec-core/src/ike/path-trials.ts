import { type Path, pairOf } from './path.js';

/**
 * How paths that are not in use have answered probes of late. One that does not is asked less and less often, since each probe
 * takes the window of the IKE SA until it is repeated by the path in use.
 */
export class PathTrials {
  #trials: ReadonlyMap<string, Trial> = new Map();

  /** The first of these, in their order, that has waited longest. Others are forgotten. */
  due(paths: readonly Path[], now: number): Path | undefined {
    this.#trials = new Map(paths.map((path) => [pairOf(path), this.#of(path)]));
    let longest: { readonly path: Path; readonly dueAt: number } | undefined;
    for (const path of paths) {
      const { dueAt } = this.#of(path);
      if (dueAt <= now && (longest === undefined || dueAt < longest.dueAt)) longest = { path, dueAt };
    }
    return longest?.path;
  }

  /** @returns for how long it has answered every probe. */
  answered(path: Path, interval: number, now: number): number {
    const { goodSince = now } = this.#of(path);
    this.#set(path, { goodSince, misses: 0, dueAt: now + interval });
    return now - goodSince;
  }

  missed(path: Path, interval: number, now: number): void {
    const misses = Math.min(this.#of(path).misses + 1, MOST_MISSES);
    this.#set(path, { goodSince: undefined, misses, dueAt: now + interval * 2 ** (misses - 1) });
  }

  forget(): void {
    this.#trials = new Map();
  }

  #of(path: Path): Trial {
    return this.#trials.get(pairOf(path)) ?? UNTRIED;
  }

  #set(path: Path, trial: Trial): void {
    this.#trials = new Map([...this.#trials, [pairOf(path), trial]]);
  }
}

interface Trial {
  readonly goodSince: number | undefined;
  /** In a row. */
  readonly misses: number;
  readonly dueAt: number;
}

const UNTRIED: Trial = { goodSince: undefined, misses: 0, dueAt: Number.NEGATIVE_INFINITY };
/** A path that is down for long is asked every eighth interval. */
const MOST_MISSES = 4;
