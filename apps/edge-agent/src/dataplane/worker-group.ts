import type { WorkerAnswer, WorkerRequest } from './messages.js';
import type { PacketWorker } from './packet-worker.js';
import { DataPlaneError } from './plane-error.js';
import type { WorkerKeeper } from './worker-keeper.js';

/** All threads of the packet path, by place, as whoever wants something of all of them has them. */
export class WorkerGroup {
  readonly #keepers: readonly WorkerKeeper[];

  constructor(keepers: readonly WorkerKeeper[]) {
    this.#keepers = keepers;
  }

  /** The worker in a place, when it is ready; undefined: there is no such place. Throws DataPlaneError when it is gone for good. */
  async at(place: number): Promise<PacketWorker | undefined> {
    return this.#keepers[place]?.worker();
  }

  /** How often the worker in a place was replaced. */
  replacements(place: number): number {
    return this.#keepers[place]?.replacements ?? 0;
  }

  /**
   * Asks every worker that there is a request for. One that ends meanwhile is replaced by one that was not asked: it is
   * asked again, a few times. When one refuses, the others that did it already get the request `undo` makes. `take` gets the
   * answers.
   */
  async ask(
    request: (place: number) => WorkerRequest | undefined,
    undo: (place: number) => WorkerRequest | undefined = () => undefined,
    take: (answer: WorkerAnswer, place: number) => void = () => undefined,
  ): Promise<void> {
    const done: (PacketWorker | undefined)[] = [];
    for (let attempt = 1; ; attempt++) {
      const open = this.#keepers.flatMap((keeper, place) => {
        const answered = done[place];
        return answered !== undefined && keeper.isCurrent(answered) ? [] : [{ keeper, place }];
      });
      const outcomes = await Promise.allSettled(
        open.map(async ({ keeper, place }) => {
          done[place] = undefined;
          const worker = await keeper.worker();
          const asked = request(place);
          if (asked !== undefined) take(await worker.request(asked), place);
          done[place] = worker;
        }),
      );
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
      const fatal = failures.find((failure) => !isEnd(failure)) ?? (attempt === ATTEMPTS ? failures[0] : undefined);
      if (fatal !== undefined) {
        await Promise.allSettled(
          done.map((worker, place) => {
            const undoing = worker === undefined ? undefined : undo(place);
            return undoing === undefined ? undefined : worker?.request(undoing);
          }),
        );
        throw fatal;
      }
      if (this.#keepers.every((keeper, place) => isDone(keeper, done[place]))) return;
    }
  }

  /** Ends the threads. @returns false when one is stuck, and may go on one day. */
  async stop(): Promise<boolean> {
    const ended = await Promise.all(this.#keepers.map((keeper) => keeper.stop()));
    return ended.every(Boolean);
  }
}

function isDone(keeper: WorkerKeeper, worker: PacketWorker | undefined): boolean {
  return worker !== undefined && keeper.isCurrent(worker);
}

function isEnd(error: Error): boolean {
  return error instanceof DataPlaneError && error.code === 'worker_ended';
}

/** Times that a worker is asked the same; one that ends every time ends because of it. */
const ATTEMPTS = 3;
