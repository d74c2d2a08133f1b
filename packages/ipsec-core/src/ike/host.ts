import type { KeyExchangeProvider, RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { ChildSpis } from './child-spis.js';
import type { Connection } from './connection.js';
import type { IkeSa } from './ike-sa.js';
import type { Lineage } from './lineage.js';
import type { IkeOutput, Job, JobResult } from './outputs.js';
import type { OpenedMessage } from './protection.js';

/** What IKE SAs and lineages may ask of the engine around them. */
export interface IkeHost {
  readonly provider: CryptoProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
  readonly connections: readonly Connection[];
  readonly childSpis: ChildSpis;
  emit(output: IkeOutput): void;
  job(job: Job, done: (result: JobResult, now: number) => void): void;
  newIkeSpi(): Uint8Array;
  /** From now on datagrams with its SPI reach it. */
  register(sa: IkeSa): void;
  unregister(sa: IkeSa): void;
  /** Begun by us, or authenticated: known by the name of its connection. */
  list(lineage: Lineage): void;
  deadline(owner: IkeSa | Lineage, at: number | undefined): void;
  /** An authentic request with a legal set of payloads, the next in order. */
  request(sa: IkeSa, message: OpenedMessage, now: number): void;
  /** Lineages of the connection that were authenticated and are not closed. */
  established(connection: Connection): readonly Lineage[];
}
