import { type HeapProfiler, Session } from 'node:inspector';

/** What one packet, or one look-up, costs. */
export interface Cost {
  readonly nanoseconds: number;
  /** Objects and octets that the JavaScript heap gives to it. */
  readonly allocations: number;
  readonly octets: number;
}

/** A round of work: `prepare` is not counted, `work` does `count` units. */
export interface Work {
  readonly count: number;
  readonly prepare?: () => void;
  readonly work: () => void;
}

/** The best of many rounds: what the machine does besides only ever adds. */
export function measure(work: Work, budgetMilliseconds = 120): Cost {
  for (
    let warm = 0, until = performance.now() + budgetMilliseconds / 2;
    performance.now() < until || warm < 3;
    warm++
  ) {
    time(work);
  }
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0, until = performance.now() + budgetMilliseconds; performance.now() < until || i < 5; i++) {
    best = Math.min(best, time(work));
  }
  return { nanoseconds: best / work.count, ...allocationsOf(work) };
}

function time({ prepare, work }: Work): number {
  prepare?.();
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/**
 * V8's sampling heap profiler with an interval of one octet notes every allocation on the JavaScript heap, also those
 * that a minor collection has freed since. What node:crypto allocates outside that heap is not in it. The least of some
 * rounds: in between, the optimiser allocates as well.
 */
function allocationsOf(work: Work): { allocations: number; octets: number } {
  // The measuring itself allocates a little: what an idle round costs is subtracted.
  const idle = least(() => sample({ count: 1, work: () => undefined }));
  const busy = least(() => sample(work));
  const share = (value: number, baseline: number) => Math.max(0, value - baseline) / work.count;
  return { allocations: share(busy.allocations, idle.allocations), octets: share(busy.octets, idle.octets) };
}

function least(round: () => { allocations: number; octets: number }): { allocations: number; octets: number } {
  const rounds = [round(), round(), round(), round(), round()];
  return rounds.reduce((one, other) => (other.allocations < one.allocations ? other : one));
}

function sample({ prepare, work }: Work): { allocations: number; octets: number } {
  prepare?.();
  const session = new Session();
  session.connect();
  session.post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as HeapProfiler.StartSamplingParameterType);
  work();
  let samples: readonly { readonly size: number }[] = [];
  session.post('HeapProfiler.stopSampling', (error, result) => {
    if (error !== null) throw error;
    samples = (result.profile as unknown as { samples: { size: number }[] }).samples;
  });
  session.disconnect();
  return { allocations: samples.length, octets: samples.reduce((sum, { size }) => sum + size, 0) };
}
