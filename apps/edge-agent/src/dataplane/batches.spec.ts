import { describe, expect, it } from 'vitest';
import { Batches } from './batches.js';

/** One thing after the other; the test says when each ends, and what is bad. */
class Trial {
  readonly runs: string[] = [];
  readonly bad = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  full = false;
  readonly batches = new Batches<string>(
    (work) => this.serially(work),
    async (items) => {
      this.runs.push(items.join('+'));
      await new Promise((resolve) => setImmediate(resolve));
      const refused = items.find((item) => this.bad.has(item));
      if (refused !== undefined) throw new Error(`no ${refused}`);
    },
  );

  serially(work: () => Promise<void>): Promise<void> {
    if (this.full) return Promise.reject(new RangeError('too many'));
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

describe('batches', () => {
  it('take together what is asked for while something is under way', async () => {
    const trial = new Trial();
    const first = trial.batches.add('a');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.all([first, trial.batches.add('b'), trial.batches.add('c')]);
    await trial.batches.add('d');
    expect(trial.runs).toEqual(['a', 'b+c', 'd']);
  });

  it('do nothing before what was asked for earlier', async () => {
    const trial = new Trial();
    const asked = [trial.batches.add('a')];
    trial.batches.close();
    asked.push(trial.serially(async () => void trial.runs.push('between')));
    asked.push(trial.batches.add('b'), trial.batches.add('c'));
    await Promise.all(asked);
    expect(trial.runs).toEqual(['a', 'between', 'b+c']);
  });

  it('fail each for itself', async () => {
    const trial = new Trial();
    trial.bad.add('b');
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((item) => trial.batches.add(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { message: 'no b' } });
    expect(trial.runs).toEqual(['a+b+c', 'a', 'b', 'c']);
  });

  it('reject what cannot even wait', async () => {
    const trial = new Trial();
    trial.full = true;
    await expect(trial.batches.add('a')).rejects.toThrow('too many');
  });
});
