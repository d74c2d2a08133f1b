export { combineKeyExchanges } from '../crypto/ike/key-exchange/combined.js';
export {
  type DiffieHellmanGroup,
  type EncapsulationMechanism,
  keyExchangeProvider,
} from '../crypto/ike/key-exchange/diffie-hellman.js';
export {
  type AnsweredKeyExchange,
  type InitiatedKeyExchange,
  KeyExchangeError,
  type KeyExchangeProvider,
  type RandomSource,
} from '../crypto/ike/key-exchange/key-exchange.js';
export { fromBigint, MODP_GROUPS, type ModpGroup, toBigint } from '../crypto/ike/key-exchange/modp.js';
export { nobleKeyExchange } from '../crypto/ike/key-exchange/noble.js';
export {
  CLASSIC_SIGNATURE_ALGORITHMS,
  DIGITAL_SIGNATURE_ALGORITHMS,
  type DigitalSignature,
  encodeDigitalSignature,
  isClassic,
  parseDigitalSignature,
  type Signature,
  type SignatureAlgorithm,
} from '../crypto/ike/signature.js';
export { type ChildSuite, ENCRYPTION_NAMES, type IkeSuite, INTEGRITY_NAMES, keyLengths } from '../crypto/ike/suite.js';
export * from '../wire/ike/iana.js';
export { type IkeMessage, parseMessage } from '../wire/ike/message.js';
export { describeIdentity, type Identity, sameIdentity } from '../wire/ike/payloads/identification.js';
export { type Transform, transform } from '../wire/ike/payloads/sa.js';
export type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
export {
  type ChildConfiguration,
  type ChildlessPolicy,
  type Connection,
  type Credential,
  callsAt,
  type Endpoint,
  type HostConfiguration,
  type LocalAuthentication,
  type MobikePolicy,
  type NatTraversalPolicy,
  type PathWatch,
  type PeerPlace,
  type Ppk,
  type PpkConfiguration,
  type PpkMixing,
  type RemoteAuthentication,
  type UniquenessPolicy,
} from './connection.js';
export { describeFailure } from './describe-failure.js';
export { type IkeDropReason, IkeEngine, type IkeEngineOptions } from './engine.js';
export type { EstablishedPath } from './established-paths.js';
export { Fifo } from './fifo.js';
export type { HistoryEntry } from './history/entry.js';
export { explainHistory } from './history/explain-history.js';
export type { ExplainedEntry } from './history/explained-entry.js';
export type { Negotiation, NegotiationHistory } from './history/history.js';
export { historyTable } from './history/history-table.js';
export { sequenceDiagram } from './history/sequence-diagram.js';
export { type KeyExchangeJob, type KeyExchangeResult, runKeyExchangeJob } from './key-exchange-job.js';
export type { ProposalRefusal, TransformDifference } from './negotiation.js';
export type {
  ChildAssociation,
  ConnectionEvent,
  CredentialJob,
  FailureReason,
  IkeEvent,
  IkeInput,
  IkeOutput,
  Job,
  JobResult,
  PathChangeCause,
  PostQuantumProtection,
} from './outputs.js';
