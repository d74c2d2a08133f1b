import type { KeyExchangeProvider, RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { Connection } from './connection.js';
import type { IkeSa } from './ike-sa.js';
import type { IkeOutput, Job, JobResult } from './outputs.js';

/** What one IKE SA may ask of the engine around it. */
export interface IkeHost {
  readonly provider: CryptoProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
  readonly connections: readonly Connection[];
  emit(output: IkeOutput): void;
  job(job: Job, done: (result: JobResult, now: number) => void): void;
  newIkeSpi(): Uint8Array;
  newChildSpi(): number;
  add(sa: IkeSa): void;
  /** Closes every other IKE SA of the same connection without a word (INITIAL_CONTACT). */
  forgetOthers(sa: IkeSa, now: number): void;
  hasOther(sa: IkeSa): boolean;
}
