import { existsSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DESCRIPTORS_OF_PAIRS, KeptPairs } from './kept-pairs.js';

/** What a descriptor of this process is: another one may have its number later. */
const identity = (fd: number) => (existsSync(`/proc/self/fd/${fd}`) ? readlinkSync(`/proc/self/fd/${fd}`) : undefined);

describe('pairs of sockets that a thread keeps', () => {
  it('are closed by the thread itself, and nothing is left for the next one', () => {
    const held = new Int32Array(DESCRIPTORS_OF_PAIRS);
    const pairs = new KeptPairs(held);
    const { one, other } = pairs.open();
    const were = [identity(one), identity(other)];
    expect(were).not.toContain(undefined);
    pairs.close();
    for (const [index, fd] of [one, other].entries()) expect(identity(fd)).not.toBe(were[index]);
    expect([...held]).toEqual([0, 0, 0, 0]);
    pairs.close();
  });

  it('are closed by the next one, when it could not', () => {
    const held = new Int32Array(DESCRIPTORS_OF_PAIRS);
    const before = new KeptPairs(held);
    const left = [before.open(), before.open()].flatMap(({ one, other }) => [one, other]);
    const were = left.map(identity);
    new KeptPairs(held);
    for (const [index, fd] of left.entries()) expect(identity(fd)).not.toBe(were[index]);
    expect([...held]).toEqual([0, 0, 0, 0]);
  });

  it('are so many and no more', () => {
    const pairs = new KeptPairs(new Int32Array(DESCRIPTORS_OF_PAIRS));
    pairs.open();
    pairs.open();
    expect(() => pairs.open()).toThrow(RangeError);
    pairs.close();
  });
});
