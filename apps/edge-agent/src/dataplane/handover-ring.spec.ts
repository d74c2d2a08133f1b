import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandoverRing, NOTE_OCTETS } from './handover-ring.js';

const ringOf = (octets: number) => HandoverRing.of(octets);

describe('ring between two workers', () => {
  it('gives what was put, in that order, and refuses what it has no room for', () => {
    const put = fc.record({ length: fc.nat(200), tag: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(fc.option(put, { nil: 'take' as const }), { maxLength: 200 }), (steps) => {
        const ring = ringOf(512);
        const queue: { packet: Uint8Array; tag: number; note: Uint8Array }[] = [];
        const out = new Uint8Array(300);
        let count = 0;
        for (const step of steps) {
          if (step === 'take') {
            const expected = queue.shift();
            const length = ring.take(out, 3);
            expect(length).toBe(expected?.packet.length ?? -1);
            if (expected === undefined) continue;
            expect([out.slice(3, 3 + length), ring.tag, ring.note]).toEqual([
              expected.packet,
              expected.tag,
              expected.note,
            ]);
            continue;
          }
          const packet = new Uint8Array(step.length + 2).fill(++count);
          const note = new Uint8Array(NOTE_OCTETS).fill(count + 1);
          ring.note.set(note);
          const taken = ring.put(packet, 1, step.length, step.tag);
          // An empty ring takes whatever is not larger than half of it, and one that is half full nothing of that size.
          if (queue.length === 0) expect(taken).toBe(true);
          // The reader is woken for the first of several, and comes to the others by itself.
          if (taken) expect(ring.wasEmpty).toBe(queue.length === 0);
          if (taken) queue.push({ packet: packet.slice(1, 1 + step.length), tag: step.tag, note });
        }
        expect(ring.isEmpty).toBe(queue.length === 0);
      }),
      { numRuns: 500 },
    );
  });

  it('holds no more than its memory, however much is put', () => {
    const ring = ringOf(1 << 16);
    const packet = new Uint8Array(1400);
    const taken = Array.from({ length: 10_000 }, () => ring.put(packet, 0, packet.length, 0)).filter(Boolean).length;
    expect(taken).toBe(Math.floor((1 << 16) / 1440));
    const out = new Uint8Array(1400);
    for (let i = 0; i < taken; i++) expect(ring.take(out, 0)).toBe(1400);
    expect(ring.take(out, 0)).toBe(-1);
  });

  it('goes on over the point where its positions wrap', () => {
    const ring = ringOf(1 << 16);
    const positions = [new Int32Array(ring.buffer, 0, 1), new Int32Array(ring.buffer, 64, 1)];
    for (const position of positions) Atomics.store(position, 0, 2 ** 31 - (1 << 15));
    const out = new Uint8Array(1000);
    for (let number = 0; number < 200; number++) {
      expect(ring.put(new Uint8Array(777).fill(number), 0, 777, number)).toBe(true);
      expect([ring.take(out, 0), ring.tag, out[0], out[776]]).toEqual([777, number, number, number]);
    }
  });

  it('carries every packet whole from one thread to another', async () => {
    const ring = ringOf(4096);
    // The other thread speaks the format, not our class: it can load no TypeScript.
    const thread = new Worker(
      `const { workerData: buffer } = require('node:worker_threads');
       const head = new Int32Array(buffer, 0, 1), tail = new Int32Array(buffer, 64, 1);
       const bytes = new Uint8Array(buffer, 192), words = new Int32Array(buffer, 192);
       for (let number = 1; number <= 50000; ) {
         const length = 8 * (number % 7), at = Atomics.load(head, 0);
         const from = at & 4095, skip = from + 40 + length > 4096 ? 4096 - from : 0;
         if (((at - Atomics.load(tail, 0)) & 0x7fffffff) + skip + 40 + length > 4096) continue;
         if (skip) words[from >> 2] = -1;
         const record = skip ? 0 : from;
         words[record >> 2] = length; words[(record >> 2) + 1] = number;
         bytes.fill(number, record + 8, record + 40 + length);
         Atomics.store(head, 0, (at + skip + 40 + length) & 0x7fffffff);
         number++;
       }`,
      { eval: true, workerData: ring.buffer },
    );
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    const out = new Uint8Array(64);
    for (let number = 1; number <= 50_000; ) {
      const length = ring.take(out, 0);
      if (length < 0) continue;
      if (ring.tag !== number || length !== 8 * (number % 7)) throw new Error(`${ring.tag} of ${length} at ${number}`);
      const octets = [...out.subarray(0, length), ...ring.note];
      if (octets.some((octet) => octet !== (number & 255))) throw new Error(`torn at ${number}`);
      number++;
    }
    await ended;
    expect(ring.isEmpty).toBe(true);
  });

  it('never leaves its reader asleep over a packet, nor its writer over room', async () => {
    const program = fileURLToPath(new URL('../../test/support/ring-pair.ts', import.meta.url));
    const node = ['--conditions=source', '--import', '@oxc-node/core/register', program];
    const { stdout } = await promisify(execFile)(process.execPath, node);
    expect(stdout).toBe('20000');
  }, 120_000);
});
