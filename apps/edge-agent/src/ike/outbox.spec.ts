import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';

type Item = { readonly kind: 'word' | 'install' | 'remove'; readonly number: number };

/** Work ends when the test says so; what happens is written down. */
class Trial {
  readonly log: string[] = [];
  readonly underWay: { readonly item: Item; readonly end: () => void }[] = [];
  readonly outbox = new Outbox<Item>({
    isWork: ({ kind }) => kind !== 'word',
    mayRunBeside: ({ kind }) => kind === 'install',
    begin: (item) => {
      this.log.push(`begin ${item.number}`);
      return new Promise((end) => this.underWay.push({ item, end }));
    },
    carryOut: ({ number }) => this.log.push(`word ${number}`),
  });

  give(...kinds: readonly Item['kind'][]): void {
    for (const [number, kind] of kinds.entries()) this.outbox.push({ kind, number });
    this.outbox.flush();
  }

  async end(index = 0): Promise<void> {
    const [ended] = this.underWay.splice(index, 1);
    this.log.push(`end ${ended?.item.number}`);
    ended?.end();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('outbox', () => {
  it('begins installations together, and says each word after all that came before it', async () => {
    const trial = new Trial();
    trial.give('install', 'word', 'install', 'word');
    expect(trial.log).toEqual(['begin 0', 'begin 2']);
    await trial.end(1);
    expect(trial.log).toEqual(['begin 0', 'begin 2', 'end 2']);
    await trial.end();
    expect(trial.log.slice(3)).toEqual(['end 0', 'word 1', 'word 3']);
  });

  it('lets nothing else be under way beside a removal', async () => {
    const trial = new Trial();
    trial.give('install', 'remove', 'install', 'word');
    for (let step = 0; step < 3; step++) await trial.end();
    expect(trial.log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2', 'word 3']);
  });

  it('keeps the order, whatever comes and whenever work ends', async () => {
    const steps = fc.array(fc.constantFrom('word', 'install', 'remove', 'end'), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (all, seed) => {
        const trial = new Trial();
        let number = 0;
        for (const step of all) {
          if (step === 'end') await trial.end(trial.underWay.length === 0 ? 0 : seed % trial.underWay.length);
          else trial.outbox.push({ kind: step, number: number++ });
          trial.outbox.flush();
          const others = trial.underWay.filter(({ item }) => item.kind === 'remove').length;
          expect(others === 0 || trial.underWay.length === 1).toBe(true);
        }
        const done = trial.outbox.settled();
        while (trial.underWay.length > 0) await trial.end();
        await done;
        const at = (line: string) => trial.log.indexOf(line);
        const begun = trial.log.filter((line) => line.startsWith('begin')).map((line) => Number(line.split(' ')[1]));
        expect(begun).toEqual([...begun].sort((left, right) => left - right));
        for (const line of trial.log.filter((each) => each.startsWith('word'))) {
          const before = begun.filter((each) => each < Number(line.split(' ')[1]));
          for (const each of before) expect(at(`end ${each}`)).toBeLessThan(at(line));
        }
        expect(trial.log.filter((line) => !/undefined/.test(line))).toHaveLength(number + begun.length);
      }),
      { numRuns: 60 },
    );
  });
});
