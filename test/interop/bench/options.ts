import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly json: boolean;
  /** Of each responder, in turn. */
  readonly rounds: number;
  /** Of each round. */
  readonly handshakes: number;
  /** Names of cases; empty: all. */
  readonly only: readonly string[];
  /** IKE SAs for the measurement of memory; 0: none. */
  readonly associations: number;
  /** Where our responder writes what its processor time went to (`node --cpu-prof`). */
  readonly profile: string | undefined;
}

export function benchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--bench'),
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      handshakes: { type: 'string', default: '400' },
      only: { type: 'string', default: '' },
      associations: { type: 'string', default: '5000' },
      profile: { type: 'string' },
    },
  });
  const number = (name: 'rounds' | 'handshakes' | 'associations', least: number) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least)
      throw new RangeError(`--${name} is a whole number from ${least} on.`);
    return value;
  };
  return {
    json: values.json,
    rounds: number('rounds', 1),
    handshakes: number('handshakes', 1),
    only: values.only.split(',').filter((name) => name !== ''),
    associations: number('associations', 0),
    profile: values.profile,
  };
}
