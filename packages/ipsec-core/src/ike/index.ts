export {
  type AnsweredKeyExchange,
  type InitiatedKeyExchange,
  KeyExchangeError,
  type KeyExchangeProvider,
} from '../crypto/ike/key-exchange/key-exchange.js';
export { nobleKeyExchange } from '../crypto/ike/key-exchange/noble.js';
export type { SignatureAlgorithm } from '../crypto/ike/signature.js';
export { type ChildSuite, ENCRYPTION_NAMES, type IkeSuite, INTEGRITY_NAMES } from '../crypto/ike/suite.js';
export * from '../wire/ike/iana.js';
export { type IkeMessage, parseMessage } from '../wire/ike/message.js';
export type { Identity } from '../wire/ike/payloads/identification.js';
export { type Transform, transform } from '../wire/ike/payloads/sa.js';
export type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
export type {
  ChildConfiguration,
  Connection,
  Endpoint,
  LocalAuthentication,
  RemoteAuthentication,
} from './connection.js';
export { type IkeDropReason, IkeEngine, type IkeEngineOptions } from './engine.js';
export type { HistoryEntry } from './history.js';
export type { ChildAssociation, FailureReason, IkeEvent, IkeInput, IkeOutput, Job, JobResult } from './outputs.js';
