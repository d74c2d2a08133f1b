import { readdirSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type LabProgram, startLabProgram } from './support/lab-program.js';
import { processesIn, readMachineState, sandboxOf, sharedMemoryOutside, untilGone } from './support/machine-state.js';
import { whyNoLab } from './support/why-no-lab.js';

const reason = whyNoLab();
beforeEach((context) => context.skip(reason !== undefined, reason));

const UP = /Ctrl-C ends the lab/;
const BUSY = /File 1 of/;
const STARTING = /Enrollment of the edges/;

async function whileRunning<T>(lab: LabProgram, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    lab.kill('SIGKILL');
    await lab.exited;
  }
}

describe('whatever ends the lab, nothing stays behind', () => {
  it.each([
    ['SIGINT', 'is up', UP, { code: 0, signal: null }],
    ['SIGTERM', 'carries traffic', BUSY, { code: 143, signal: null }],
    ['SIGKILL', 'carries traffic', BUSY, { code: null, signal: 'SIGKILL' }],
    ['SIGINT', 'is starting', STARTING, { code: 130, signal: null }],
    ['SIGKILL', 'is starting', STARTING, { code: null, signal: 'SIGKILL' }],
  ] as const)('%s while it %s', async (signal, _when, moment, exit) => {
    const before = readMachineState();
    const lab = startLabProgram(['--port', '0']);
    await whileRunning(lab, async () => {
      await lab.seen(moment);
      const namespaces = sandboxOf(lab.pid);
      expect(processesIn(namespaces!)).not.toEqual([]);
      expect(namespaces?.sharedMemory).not.toEqual([]);
      lab.kill(signal);
      expect(await lab.exited).toEqual(exit);
      await untilGone(namespaces!);
      expect(sharedMemoryOutside(namespaces!.sharedMemory)).toEqual([]);
    });
    expect(readMachineState()).toEqual(before);
  });
});

it('an edge that dies while traffic flows is named at once, and nothing but the logs stays behind', async () => {
  const before = readMachineState();
  const lab = startLabProgram(['--check', '--json', '--port', '0']);
  await whileRunning(lab, async () => {
    await lab.seen(BUSY);
    const namespaces = sandboxOf(lab.pid);
    const edge = processesIn(namespaces!).find((each) => each.includes('run --state-dir /run/weft-lab/edges/tokyo'));
    process.kill(Number.parseInt(edge ?? '', 10), 'SIGKILL');
    expect(await lab.exited).toEqual({ code: 1, signal: null });
    await untilGone(namespaces!);
  });
  expect(lab.stderr()).toContain('"tokyo-edge" ended by itself (SIGKILL).');
  expect(lab.stderr()).toContain('The last lines of tokyo-edge:');
  expect(lab.verdict()).toMatchObject({ ok: false });
  const [, logs] = /^All logs: (.*)$/m.exec(lab.stderr()) ?? [];
  expect(readdirSync(logs!)).toContain('tokyo-edge.log');
  rmSync(logs!, { recursive: true });
  expect(readMachineState()).toEqual(before);
});

it('two labs at once do not meet, and each leaves nothing behind', async () => {
  const before = readMachineState();
  const labs = [startLabProgram(['--check', '--json']), startLabProgram(['--check', '--json'])];
  const exits = await Promise.all(labs.map((lab) => lab.exited));
  for (const [index, lab] of labs.entries()) {
    // What was seen says more than the exit code that follows from it.
    expect(lab.verdict(), lab.output()).toEqual({
      ok: true,
      edges: 3,
      inSync: 3,
      pingsSent: 160,
      pingsReceived: 160,
      transferMiB: 384,
      sha256Match: true,
      cleartextPackets: 0,
      espPackets: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(exits[index]).toEqual({ code: 0, signal: null });
  }
  expect(readMachineState()).toEqual(before);
});
