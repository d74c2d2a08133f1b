import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallList, findCallLists, functionAddress } from './call-list.js';
import { allocate } from './memory.js';

const found = findCallLists();

describe('findCallLists', () => {
  it.runIf(process.arch === 'x64')('finds them usable on x86-64', () => {
    expect(found).toMatchObject({ kind: 'found' });
  });
});

describe.skipIf(found.kind !== 'found')('CallList', () => {
  const create = (capacity: number): CallList => {
    if (found.kind !== 'found') throw new Error(found.reason);
    return found.create(capacity);
  };
  const text = allocate(256);
  const format = allocate(32);
  const snprintf = functionAddress('snprintf');
  const labs = functionAddress('labs');
  const abs = functionAddress('abs');
  const written = () => Buffer.from(text.bytes.subarray(0, text.bytes.indexOf(0))).toString();
  format.bytes.set(Buffer.from('%ld %ld %d\0'));

  it('hands over six arguments in order, integers and addresses of 53 bits and negative ones', () => {
    const integer = fc.maxSafeInteger();
    fc.assert(
      fc.property(integer, integer, fc.integer(), (first, second, third) => {
        const list = create(1);
        const call = list.add(snprintf, text.address, 256, format.address, first, second, third);
        list.run();
        expect(written()).toBe(`${first} ${second} ${third}`);
        expect(list.result(call)).toBe(written().length);
      }),
      { numRuns: 50 },
    );
  });

  it('makes the calls in order, and each call answers for itself', () => {
    const list = create(64);
    const strcat = functionAddress('strcat');
    const letters = allocate(128);
    text.bytes.fill(0);
    for (let i = 0; i < 64; i++) {
      letters.bytes[2 * i] = 65 + (i % 26);
      list.add(i % 3 === 0 ? abs : strcat, i % 3 === 0 ? -i : text.address, letters.address + 2 * i);
    }
    list.run();
    const expected = Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? '' : String.fromCharCode(65 + (i % 26))));
    expect(written()).toBe(expected.join(''));
    for (let i = 0; i < 64; i += 3) expect(list.result(i)).toBe(i);
  });

  it('lets arguments be changed from run to run', () => {
    const list = create(2);
    list.add(labs, -7);
    list.add(abs, 5);
    list.run();
    expect([list.result(0), list.result(1)]).toEqual([7, 5]);
    list.set(0, 0, -2_000_000_000);
    list.setLow(1, 0, 9);
    list.run();
    expect([list.result(0), list.result(1)]).toEqual([2_000_000_000, 9]);
  });

  it('takes no more than it has room for, no function at address 0, and does nothing when it is empty', () => {
    const list = create(1);
    expect(() => list.add(0)).toThrow('no function at address 0');
    expect(() => list.add(abs, 1, 2, 3, 4, 5, 6, 7)).toThrow('at most 6 arguments');
    list.run();
    list.add(abs, 1);
    expect(() => list.add(abs, 2)).toThrow('full');
    list.clear();
    expect(list.add(abs, 3)).toBe(0);
  });

  it('names no function that this process does not export', () => {
    expect(functionAddress('no_such_function_of_any_library')).toBe(0);
  });
});
