import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AllocationCount } from './allocation-count.js';
import { WAYS } from './packet-ways.js';
import { SUITES } from './packets.js';

/** A moved packet costs a view, unless a cipher moves it. */
const apartExpected = (name: string) => (/gmac|null|AH/.test(name) ? [1, 1] : [1, 0]);

/**
 * One process's counts. The optimiser boxes numbers in one process and not in the next; a packet that does allocate does so in
 * each. So what is too much is counted again in another process, and what counts is the least.
 */
describe('the packet path', () => {
  const counts: AllocationCount[] = [];
  const least = (of: (count: AllocationCount) => number | undefined) =>
    Math.min(...counts.map((count) => of(count) ?? Number.POSITIVE_INFINITY));
  const inPlace = (name: string) => [0, 1].map((end) => least((count) => count.inPlace[name]?.[end]));
  const apart = (name: string) => [0, 1].map((end) => least((count) => count.apart[name]?.[end]));
  const way = (name: string) => least((count) => count.ways[name]);
  const isTooMuch = () =>
    Object.keys(SUITES).some((name) => sum(inPlace(name)) > 0 || sum(apart(name)) > sum(apartExpected(name))) ||
    WAYS.some(([name]) => way(name) > 0);

  beforeAll(async () => {
    while (counts.length === 0 || (counts.length < MOST_PROCESSES && isTooMuch()))
      counts.push(await countAllocations());
  }, MOST_PROCESSES * PROCESS_MILLISECONDS);

  it('is measured by something that sees an object per packet', () => {
    expect(least(({ control }) => control)).toBe(1);
  });

  it.each(Object.keys(SUITES))('allocates nothing per packet: %s', (name) => {
    expect(inPlace(name)).toEqual([0, 0]);
  });

  it.each(Object.keys(SUITES))('takes a view to move a packet to another array, unless a cipher does: %s', (name) => {
    expect(apart(name)).toEqual(apartExpected(name));
  });

  it.each(WAYS)('allocates nothing, whatever becomes of a packet: %s', (name, verdict, make) => {
    expect(way(name)).toBe(0);
    const { prepare, one } = make();
    prepare?.();
    expect(one(0)).toBe(verdict);
  });
});

async function countAllocations(): Promise<AllocationCount> {
  const program = fileURLToPath(new URL('./allocation-count.ts', import.meta.url));
  const words = ['-C', 'source', '--import', '@oxc-node/core/register', program];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: PROCESS_MILLISECONDS });
  return JSON.parse(stdout) as AllocationCount;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const MOST_PROCESSES = 5;
/** A process counts for half a minute where it has a core to itself; on a machine that has other things to do, for many times that. */
const PROCESS_MILLISECONDS = 600_000;
