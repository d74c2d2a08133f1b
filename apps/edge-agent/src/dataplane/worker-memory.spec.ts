import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { WorkerMemory } from './worker-memory.js';

describe('memory that a worker shares', () => {
  it('is the same on both sides, and counts of one kind do not touch another', () => {
    const ours = new WorkerMemory();
    const theirs = new WorkerMemory(ours.buffer);
    theirs.beat();
    theirs.drops.fill(1);
    theirs.io.fill(2);
    expect(ours.heartbeat).toBe(1);
    expect([new Set(ours.drops), new Set(ours.io)]).toEqual([new Set([1]), new Set([2])]);
  });

  it('never shows half of a counter that another thread writes', async () => {
    const { buffer, drops } = new WorkerMemory();
    // The two values differ in every octet of the significand, so that any mixture is a third one.
    const values = [2 ** 52 + 1, 2 ** 53 - 2];
    const thread = new Worker(
      `const { workerData: { buffer, at, values } } = require('node:worker_threads');
       const counters = new Float64Array(buffer, at, 1), stop = new Int32Array(buffer, 0, 1);
       while (Atomics.load(stop, 0) === 0) for (let i = 0; i < 1000; i++) counters[0] = values[i & 1];`,
      { eval: true, workerData: { buffer, at: drops.byteOffset, values } },
    );
    const seen = new Set<number>();
    // Until both were seen often: the threads did run side by side.
    for (let changes = 0, last = 0; changes < 10_000; ) {
      const value = drops[0] ?? 0;
      seen.add(value);
      if (value !== last) changes++;
      last = value;
    }
    new WorkerMemory(buffer).beat();
    await new Promise((resolve) => thread.once('exit', resolve));
    seen.delete(0);
    expect([...seen].sort()).toEqual([...values].sort());
  });
});
