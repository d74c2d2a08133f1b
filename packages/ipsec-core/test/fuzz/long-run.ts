import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CryptoProvider, DROP_REASONS, nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { CORPUS, loadCorpus, serialiseCorpus } from './corpus.js';
import { Session, type Step } from './session.js';
import { step } from './steps.js';

/**
 * `npm run fuzz -w @weft/ipsec-core -- [--packets 1000000] [--seed N] [--provider node:crypto|noble]`: until that many
 * packets have gone through the engine, in every frame. Prints what was reached; a failure is shrunk and printed with
 * the seed that repeats it, and the exit code is 1. With `--corpus` it adds to test/fuzz/corpus.json instead
 * what reaches a drop reason that the corpus lacks.
 */
const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() & 0x7fffffff) },
    provider: { type: 'string', default: nodeCryptoProvider.name },
    corpus: { type: 'boolean', default: false },
  },
});
const provider = [nodeCryptoProvider, nobleProvider].find(({ name }) => name === values.provider);
if (provider === undefined) throw new Error(`No provider is called "${values.provider}".`);
if (values.corpus) extendCorpus(provider, Number(values.seed));
else process.exitCode = run(provider, Number(values.packets), Number(values.seed));

function run(crypto: CryptoProvider, packets: number, firstSeed: number): number {
  const reached = new Map<string, number>();
  const started = performance.now();
  let calls = 0;
  for (let seed = firstSeed; calls < packets; seed++) {
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 1000, size: 'max' }), (steps) => {
      const session = play(crypto, steps);
      calls += session.calls;
      for (const [what, count] of session.reached) reached.set(what, (reached.get(what) ?? 0) + count);
    });
    const result = fc.check(property, { seed, numRuns: 100 });
    if (result.failed) {
      print(fc.defaultReportMessage(result) ?? 'failed');
      print(`repeat it with: npm run fuzz -w @weft/ipsec-core -- --seed ${seed} --provider ${crypto.name}`);
      return 1;
    }
    print(`seed ${seed}: ${calls} packets, ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  for (const [what, count] of [...reached].sort(([, left], [, right]) => right - left)) {
    print(`${what.padEnd(28)} ${String(count).padStart(9)}`);
  }
  const missing = DROP_REASONS.filter((reason) => !reached.has(reason));
  print(`not reached by this run: ${missing.join(', ') || 'none'}`);
  print(`${calls} packets through ${crypto.name}, from seed ${firstSeed}: no failure`);
  return 0;
}

/** Adds an entry for each drop reason that the corpus lacks and that a minute of trying reaches, without idle steps. */
function extendCorpus(crypto: CryptoProvider, seed: number): void {
  const entries = [...loadCorpus()];
  const missing = new Set(DROP_REASONS.filter((reason) => entries.every((entry) => entry.reason !== reason)));
  const until = performance.now() + 60_000;
  for (let round = 0; missing.size > 0 && performance.now() < until; round++) {
    const [steps = []] = fc.sample(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), {
      seed: seed + round,
      numRuns: 1,
    });
    const { reached } = play(crypto, steps);
    for (const reason of missing) {
      if (!reached.has(reason)) continue;
      missing.delete(reason);
      entries.push({ reason, steps: withoutIdleSteps(steps, (fewer) => play(crypto, fewer).reached.has(reason)) });
    }
  }
  entries.sort((left, right) => DROP_REASONS.indexOf(left.reason) - DROP_REASONS.indexOf(right.reason));
  writeFileSync(CORPUS, serialiseCorpus(entries));
  print(`not found: ${[...missing].join(', ') || 'none'}`);
}

function withoutIdleSteps(steps: readonly Step[], reaches: (steps: readonly Step[]) => boolean): readonly Step[] {
  let kept = steps;
  for (const one of steps) {
    const fewer = kept.filter((other) => other !== one);
    if (fewer.length < kept.length && reaches(fewer)) kept = fewer;
  }
  return kept;
}

function play(crypto: CryptoProvider, steps: readonly Step[]): Session {
  const session = new Session(crypto);
  for (const one of steps) session.take(one);
  session.finish();
  return session;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
