export { equalConstantTime } from './bytes/compare.js';
export { fromHex, toHex } from './bytes/hex.js';
export { Secret } from './bytes/secret.js';
export { type AhIntegrityName, type AhTransform, createAhTransform } from './crypto/ah-transform.js';
export {
  createEspTransform,
  type EspSuite,
  type EspTransform,
  type EspTransformOptions,
  espKeyingMaterialLength,
  espLengths,
} from './crypto/esp-transform.js';
export { nobleProvider } from './crypto/noble/noble-provider.js';
export {
  type AeadAlgorithm,
  type AeadPackets,
  type AeadRuns,
  type CipherAlgorithm,
  type CryptoProvider,
  type Direction,
  GMAC_LENGTH,
  type KeyedAead,
  type KeyedCipher,
  type KeyedGmac,
  type KeyedMac,
  MAC_LENGTH,
  type MacAlgorithm,
  RUN_PACKETS,
  RUN_STRIDE,
} from './crypto/provider.js';
export { ENCRYPTION, type EncryptionName, INTEGRITY, type IntegrityName } from './crypto/suites.js';
export type { Acquire, AcquireOutcome } from './dataplane/acquire.js';
export { type AssociationPath, associationPath } from './dataplane/association-path.js';
export type { AssociationSnapshot } from './dataplane/association-snapshot.js';
export { createDataPlane, DataPlane, type DataPlaneOptions } from './dataplane/data-plane.js';
export { DatagramCutter } from './dataplane/datagram-cutter.js';
export type { EcnAnomalyCount } from './dataplane/ecn-counters.js';
export type { Explanation } from './dataplane/explain.js';
export type { IcmpErrorCounters, IcmpErrorOptions } from './dataplane/icmp-error.js';
export type { LivenessNews, WatchedTunnel } from './dataplane/liveness-prober.js';
export { type MappingOutcome, NetworkMapper, type NetworkMapping } from './dataplane/network-mapper.js';
export type { OverheadAccount } from './dataplane/overhead-account.js';
export type { PathAccount } from './dataplane/path-account.js';
export type { PathMessage } from './dataplane/path-messages.js';
export type { PathPacket } from './dataplane/path-packet.js';
export type { PolicyCounters } from './dataplane/policy-counters.js';
export type { ReassemblyOptions, ReassemblyUse } from './dataplane/reassembly.js';
export { RUN_ALIGNMENT } from './dataplane/run-opener.js';
export type { PacketRun } from './dataplane/run-protector.js';
export type { TooLargeAction } from './dataplane/too-large.js';
export type { TunnelCounters } from './dataplane/tunnel-counters.js';
export type { TunnelPaths } from './dataplane/tunnel-paths.js';
export {
  UNPROTECTED_ICMP_OUTCOMES,
  type UnprotectedIcmpOptions,
  type UnprotectedIcmpOutcome,
} from './dataplane/unprotected-icmp.js';
export type { InboundResult, InboundRunResult, OutboundResult } from './dataplane/verdict.js';
export {
  PolicyError,
  type PolicyErrorCode,
  SecurityAssociationError,
  type SecurityAssociationErrorCode,
} from './errors.js';
export { ASSOCIATION_MEMORY_OCTETS, AssociationMemory } from './policy/association-memory.js';
export type { TrafficParameters } from './policy/association-traffic.js';
export type { Carrier, TunnelChoice } from './policy/carrier.js';
export {
  type CounterMemory,
  countEntryDrop,
  countTunnelDrop,
  ENTRY_DROP_REASONS,
  type EntryDropReason,
  POLICY_COUNTERS,
  type PolicyTraffic,
  readPolicyCounters,
  readTunnelCounters,
  TUNNEL_COUNTERS,
  type TunnelTraffic,
} from './policy/counter-memory.js';
export { DROP_REASONS, type DropReason } from './policy/drop-reason.js';
export type { LifetimeParameters } from './policy/lifetime.js';
export { bindNamedPolicy, type NamedPeer, policiesNamed } from './policy/named-policy.js';
export type { PathMtuChange, PathMtuParameters, PathMtuSource } from './policy/path-mtu.js';
export type { PathMtuSearchState } from './policy/path-mtu-search.js';
export {
  authorizedSelectors,
  type ChildAuthorization,
  createPeerAuthorizationDatabase,
  type PeerAuthentication,
  type PeerAuthorization,
  PeerAuthorizationDatabase,
} from './policy/peer-authorization-database.js';
export { matchesIdentity, type PeerIdentifier, type PeerName } from './policy/peer-identity.js';
export type { PacketSelectors } from './policy/populate.js';
export type { LifetimeEvent } from './policy/sad.js';
export type { AssociationState } from './policy/security-association.js';
export type {
  AhAssociationParameters,
  EspAssociationParameters,
  FlowLabelPolicy,
  OuterHeaderParameters,
  SecurityAssociationParameters,
  TravelParameters,
} from './policy/security-association-parameters.js';
export type { ProtectPolicy, SecurityPolicy, SelectorField } from './policy/security-policy.js';
export {
  icmpTypesAndCodes,
  mobilityTypes,
  type PortRange,
  type PortSelector,
  type TrafficSelector,
} from './policy/selector.js';
export { createSecurityPolicyDatabase, SecurityPolicyDatabase } from './policy/spd.js';
export { fromWireSelectors, toWireSelectors, type WireSelectors } from './policy/wire-selectors.js';
export { ahHeaderLength } from './wire/ah.js';
export {
  type EspLengths,
  espOverhead,
  espPacketLength,
  FIRST_SPI,
  maximumInnerLength,
  type Underlay,
  underlayHeaderLength,
} from './wire/esp.js';
export {
  AddressError,
  type AddressErrorCode,
  type AddressRange,
  type Family,
  formatAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixRange,
} from './wire/ip/address.js';
export { decapsulateEcn, ECN, type EcnAnomaly, ecnAnomaly } from './wire/ip/ecn.js';
export { PROTOCOL } from './wire/ip/protocol.js';
export { classifyEncapsulated, type EncapsulatedKind } from './wire/udp-encap.js';
export { type DerElement, readDer } from './wire/x509/der.js';
export {
  ATTRIBUTE_TYPE,
  type DistinguishedName,
  type NameAttribute,
  type RelativeDistinguishedName,
  readDistinguishedName,
} from './wire/x509/distinguished-name.js';
