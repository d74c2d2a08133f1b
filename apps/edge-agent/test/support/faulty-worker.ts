import { readFileSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { workerData } from 'node:worker_threads';
import type { WorkerStart } from '../../src/dataplane/messages.js';

/**
 * The thread of the packet path, which dies in the way that a file names: `throw`, `exit` or `stall`, and the place of the worker
 * that is to. The loop asks for the time in every turn, and that is where it happens, once.
 */
const place = (workerData as WorkerStart).handover?.place ?? 0;
const path = process.env['WEFT_TEST_FAULT'] ?? '';
const now = performance.now.bind(performance);
performance.now = () => {
  const fault = takeFault();
  if (fault === 'throw') throw new Error('the test wants it so');
  if (fault === 'exit') process.exit(7);
  for (; fault === 'stall'; );
  return now();
};
await import('../../src/dataplane/worker.js');

function takeFault(): string | undefined {
  try {
    const [fault, whose] = readFileSync(path, 'utf8').split(' ');
    if (Number(whose) !== place) return undefined;
    rmSync(path);
    return fault;
  } catch {
    // Usually there is none.
    return undefined;
  }
}
