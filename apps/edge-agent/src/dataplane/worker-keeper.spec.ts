import { describe, expect, it } from 'vitest';
import type { WorkerAnswer, WorkerRequest } from './messages.js';
import type { PacketWorker } from './packet-worker.js';
import { DataPlaneError } from './plane-error.js';
import {
  HEARTBEAT_INTERVAL_MILLISECONDS,
  LASTING_MILLISECONDS,
  restartPause,
  STALL_LIMIT_MILLISECONDS,
  START_LIMIT_MILLISECONDS,
  TERMINATION_LIMIT_MILLISECONDS,
  WorkerKeeper,
  type WorkerReplacement,
} from './worker-keeper.js';

/** A worker that does what the test says. */
class Puppet implements PacketWorker {
  readonly asked: WorkerRequest['kind'][] = [];
  readonly ended: Promise<string>;
  terminated = 0;
  /** One that cannot be ended stays as it is. */
  obedient = true;
  #end: (reason: string) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async request({ kind }: WorkerRequest): Promise<WorkerAnswer> {
    this.asked.push(kind);
    if (kind === 'stop') this.end('stopped');
    return {};
  }

  terminate(): void {
    this.terminated++;
    if (this.obedient) this.end('terminated');
  }

  end(reason: string): void {
    this.#end(reason);
  }
}

/** A keeper in virtual time, with everything that it did. */
function setUp(prepare: (worker: PacketWorker) => Promise<void> = async () => undefined) {
  const workers: Puppet[] = [];
  const replacing: WorkerReplacement[] = [];
  const failures: DataPlaneError[] = [];
  const state = { now: 0, heartbeat: 0, beats: true, replaced: 0 };
  let timers: { at: number; run: () => void }[] = [];
  const keeper = new WorkerKeeper({
    start: () => {
      workers.push(new Puppet());
      return workers.at(-1) as Puppet;
    },
    prepare,
    heartbeat: () => state.heartbeat,
    after: (milliseconds, run) => {
      const timer = { at: state.now + milliseconds, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    replacing: (replacement) => replacing.push(replacement),
    replaced: () => state.replaced++,
    failed: (error) => failures.push(error),
  });
  /** Runs what is due in this time, and whatever follows from it without time. */
  async function pass(milliseconds: number): Promise<void> {
    const until = state.now + milliseconds;
    await settle();
    for (;;) {
      const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      timers = timers.filter((other) => other !== next);
      state.now = next.at;
      if (state.beats) state.heartbeat++;
      next.run();
      await settle();
    }
    state.now = until;
  }
  return { keeper, workers, replacing, failures, state, pass, pending: () => timers.length };
}

/** Lets promises that are settled already be heard. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('keeper of a worker', () => {
  it('replaces a worker that ends, after a pause, by one that is told everything before it is used', async () => {
    const prepared: PacketWorker[] = [];
    const { keeper, workers, replacing, state, pass } = setUp(async (worker) => void prepared.push(worker));
    await pass(0);
    expect(await keeper.worker()).toBe(workers[0]);
    workers[0]?.end('exit code 1: out of luck');
    await pass(0);
    const next = keeper.worker();
    expect(replacing).toEqual([
      { kind: 'ended', reason: 'exit code 1: out of luck', replacements: 1, pauseMilliseconds: 100 },
    ]);
    await pass(99);
    expect([workers.length, state.replaced]).toEqual([1, 0]);
    await pass(1);
    expect(await next).toBe(workers[1]);
    expect([prepared, state.replaced, keeper.replacements]).toEqual([workers, 1, 1]);
  });

  it('lets nobody have a worker that has not been told everything yet', async () => {
    let tell: () => void = () => undefined;
    const { keeper, pass } = setUp(
      () =>
        new Promise((resolve) => {
          tell = resolve;
        }),
    );
    let got = false;
    void keeper.worker().then(() => {
      got = true;
    });
    await pass(1000);
    expect(got).toBe(false);
    tell();
    await pass(0);
    expect(got).toBe(true);
  });

  it('makes pauses longer, up to a bound, until one has lasted', async () => {
    const { workers, replacing, pass } = setUp();
    await pass(0);
    for (let death = 0; death < 12; death++) {
      workers.at(-1)?.end('again');
      await pass(restartPause(death));
    }
    expect(replacing.map(({ pauseMilliseconds }) => pauseMilliseconds)).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000, 10_000,
    ]);
    await pass(LASTING_MILLISECONDS);
    workers.at(-1)?.end('much later');
    await pass(0);
    expect(replacing.at(-1)?.pauseMilliseconds).toBe(100);
  });

  it('replaces a worker that stalls, once it has ended', async () => {
    const { workers, replacing, state, pass } = setUp();
    await pass(10 * STALL_LIMIT_MILLISECONDS);
    expect(workers[0]?.terminated).toBe(0);
    state.beats = false;
    await pass(STALL_LIMIT_MILLISECONDS - HEARTBEAT_INTERVAL_MILLISECONDS);
    expect(workers[0]?.terminated).toBe(0);
    await pass(2 * HEARTBEAT_INTERVAL_MILLISECONDS);
    expect(workers[0]?.terminated).toBe(1);
    expect(replacing).toMatchObject([{ kind: 'stalled' }]);
    state.beats = true;
    await pass(100);
    expect([workers.length, state.replaced]).toEqual([2, 1]);
  });

  it('starts none beside one that cannot be ended, and says that it has failed', async () => {
    const { keeper, workers, failures, state, pass } = setUp();
    await pass(0);
    (workers[0] as Puppet).obedient = false;
    state.beats = false;
    await pass(STALL_LIMIT_MILLISECONDS + TERMINATION_LIMIT_MILLISECONDS + HEARTBEAT_INTERVAL_MILLISECONDS);
    expect(failures).toMatchObject([{ code: 'worker_stuck' }]);
    await expect(keeper.worker()).rejects.toMatchObject({ code: 'worker_stuck' });
    await pass(LASTING_MILLISECONDS);
    expect(workers).toHaveLength(1);
    expect(await keeper.stop()).toBe(false);
  });

  it('fails when the very first one does not start', async () => {
    const { keeper, workers, failures, pass } = setUp(() => new Promise(() => undefined));
    await pass(START_LIMIT_MILLISECONDS);
    expect(workers[0]?.terminated).toBe(1);
    expect(failures).toMatchObject([{ code: 'worker_ended' }]);
    await expect(keeper.worker()).rejects.toBeInstanceOf(DataPlaneError);
  });

  it('replaces one that refuses what its predecessor had taken, and says what it refused', async () => {
    let refuses = false;
    const { workers, replacing, pass } = setUp(async () => {
      if (refuses) throw new Error('associations[0]: no such cipher');
    });
    await pass(0);
    refuses = true;
    workers[0]?.end('dead');
    await pass(100);
    expect(replacing.map(({ reason }) => reason)).toEqual(['dead', 'associations[0]: no such cipher']);
    refuses = false;
    await pass(200);
    expect(workers).toHaveLength(3);
  });

  it('says of each why it ended, also of one that ended while it was told what it is to hold', async () => {
    let fails = false;
    const { workers, replacing, pass } = setUp(async () => {
      if (fails) throw new DataPlaneError('worker_ended', 'the packet path ended (exit code 1)', 'report the log');
    });
    await pass(0);
    fails = true;
    workers[0]?.end('first');
    await pass(100);
    workers[1]?.end('second');
    await pass(0);
    fails = false;
    await pass(200);
    workers[2]?.end('third');
    await pass(0);
    expect(replacing.map(({ reason }) => reason)).toEqual(['first', 'second', 'third']);
  });

  it('stops a worker, or the wait for the next one, and leaves no timer behind', async () => {
    for (const dead of [false, true]) {
      const { keeper, workers, replacing, pass, pending } = setUp();
      await pass(0);
      if (dead) workers[0]?.end('dead');
      await pass(0);
      expect(await keeper.stop()).toBe(true);
      await expect(keeper.worker()).rejects.toMatchObject({ code: 'stopped' });
      await pass(LASTING_MILLISECONDS);
      expect([workers.length, pending(), replacing.length]).toEqual([1, 0, dead ? 1 : 0]);
      expect(workers[0]?.asked).toEqual(dead ? [] : ['stop']);
    }
  });
});
