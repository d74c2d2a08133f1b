import { performance } from 'node:perf_hooks';

/** Milliseconds of the machine's monotonic clock: the same in every thread, where `performance.now` has an origin for each. */
export function monotonicNow(): number {
  return performance.now() + OFFSET;
}

const [SECONDS, NANOSECONDS] = process.hrtime();
const OFFSET = SECONDS * 1000 + NANOSECONDS / 1e6 - performance.now();
