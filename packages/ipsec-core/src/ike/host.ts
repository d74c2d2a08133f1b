import type {
  AnsweredKeyExchange,
  KeyExchangeError,
  KeyExchangeProvider,
  RandomSource,
} from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { IkeHeader } from '../wire/ike/header.js';
import type { IkeWireProblem } from '../wire/ike/wire-error.js';
import type { AddressPools } from './address-pools.js';
import type { ChildSpis } from './child-spis.js';
import type { Connection } from './connection.js';
import type { Connections } from './connections.js';
import type { CrashDetection } from './crash-detection.js';
import type { IkeSa } from './ike-sa.js';
import type { Lineage } from './lineage.js';
import type { IkeOutput, Job, JobResult } from './outputs.js';
import type { OpenedMessage } from './protection.js';

/** What IKE SAs and lineages may ask of the engine around them. */
export interface IkeHost {
  readonly provider: CryptoProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
  /** What the host answered to shares of costly methods, by the share as it came, until the exchange takes it. */
  readonly preparedAnswers: WeakMap<Uint8Array, AnsweredKeyExchange | KeyExchangeError>;
  readonly connections: Connections;
  readonly childSpis: ChildSpis;
  readonly addressPools: AddressPools;
  readonly crashDetection: CrashDetection | undefined;
  /** Our underlay addresses by connection, as the host told them last; the preferred one first. */
  readonly localAddresses: Map<string, readonly Uint8Array[]>;
  /** Requests of a peer that we take at once, answered or not (RFC 7296 section 2.3). */
  readonly windowSize: number;
  emit(output: IkeOutput): void;
  job(job: Job, done: (result: JobResult, now: number) => void): void;
  newIkeSpi(): Uint8Array;
  /** From now on datagrams with its SPI reach it. */
  register(sa: IkeSa): void;
  unregister(sa: IkeSa): void;
  /** Begun by us, or authenticated: known by the name of its connection. */
  list(lineage: Lineage): void;
  /** Whether a refusal may be told of now: one a minute of each connection, and of strangers. */
  mayExplain(connection: string | undefined, now: number): boolean;
  deadline(owner: IkeSa | Lineage, at: number | undefined): void;
  /** An authentic request, the next in order. */
  request(sa: IkeSa, message: OpenedMessage, now: number): void;
  /** One that is authentic and no IKEv2 message. */
  malformed(sa: IkeSa, header: IkeHeader, problem: IkeWireProblem, now: number): void;
  /** Lineages of the connection that were authenticated and are not closed. */
  established(connection: Connection): readonly Lineage[];
}
