import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerialQueue } from './serial-queue.js';

/** Work that ends when it is told to, with a failure or without. */
function step(log: string[], name: string, fails: boolean) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = async () => {
    log.push(`${name} begins`);
    await ended;
    log.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  return { work, end };
}

describe('a serial queue', () => {
  it('does one thing at a time in the order of asking, whatever fails, and tells each who asked for it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), fc.gen(), async (failing, gen) => {
        const log: string[] = [];
        const queue = new SerialQueue(8);
        const steps = failing.map((fails, index) => step(log, String(index), fails));
        const results = steps.map(({ work }) => queue.run(work));
        const settled = Promise.allSettled(results);
        // They may be told to end in any order.
        const order = gen(fc.shuffledSubarray, [...steps.keys()], { minLength: steps.length });
        for (const index of order) steps[index]?.end();
        expect(await settled).toEqual(
          failing.map((fails, index) =>
            fails
              ? { status: 'rejected', reason: new Error(String(index)) }
              : { status: 'fulfilled', value: String(index) },
          ),
        );
        expect(log).toEqual(failing.flatMap((_, index) => [`${index} begins`, `${index} ends`]));
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what is too much, and takes more when something has ended', async () => {
    const log: string[] = [];
    const queue = new SerialQueue(2);
    const [one, two, three] = ['1', '2', '3'].map((name) => step(log, name, name === '1'));
    const first = queue.run(one!.work);
    const second = queue.run(two!.work);
    await expect(queue.run(three!.work)).rejects.toThrow(RangeError);
    one!.end();
    await expect(first).rejects.toThrow('1');
    const third = queue.run(three!.work);
    two!.end();
    three!.end();
    expect([await second, await third]).toEqual(['2', '3']);
    expect(log).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
  });
});
