export { addressOctets, formatAddressText, type ParsedAddress, parseAddressText } from './address/text.js';
export { MAX_DOMAINS, MAX_NAME_SERVERS } from './address-pools.js';
export type {
  BundleAddressList,
  BundleAddressRange,
  BundleAhProfile,
  BundleEndpoint,
  BundleEspProfile,
  BundleExternalAuthentication,
  BundleExternalPeer,
  BundleIdentity,
  BundleIke,
  BundleIkeProposal,
  BundleKeyExchange,
  BundleKeying,
  BundleKeyLifetimes,
  BundlePortRange,
  BundleProfile,
  BundleRemoteAccess,
  BundleSecurityPolicy,
  BundleSelector,
  BundleTrap,
  BundleTunnel,
  CombinedMode,
  EdgeBundle,
  KeyExchangeMethod,
} from './bundle.js';
export { canonicalText } from './canonical-text.js';
export { type AddressCarrier, type CarriedPart, CarriedParts } from './delivery/carried-parts.js';
export {
  type Delivery,
  type DeliveryPlan,
  type DeliveryResult,
  deliverFabric,
  planDelivery,
  undeliverable,
} from './delivery/deliver-fabric.js';
export {
  type ChangedFlows,
  type ChangedSite,
  changedFlows,
  type DecidingRule,
  type FlowChange,
} from './diff/changed-flows.js';
export { changedTunnels, type TunnelChange } from './diff/changed-tunnels.js';
export { isDomainName, MAX_DOMAIN_NAME } from './domain-name.js';
export type { EncapsulationArithmetic } from './explain/encapsulation.js';
export {
  type ExplainedAssociation,
  type ExplainedEnd,
  type ExplainedEntry,
  type ExplainedHop,
  type ExplainedRule,
  explainPacket,
  type PacketExplanation,
  type PacketVerdict,
} from './explain/explain-packet.js';
export { ruleMeanings } from './explain/rule-meaning.js';
export { type WrittenAddresses, type WrittenEntry, writtenEntry } from './explain/written-entry.js';
export { affectedEdges } from './fabric/affected-edges.js';
export { type CompiledFabric, compileShared, type SharedCompileResult } from './fabric/compile-shared.js';
export type { PeerEntry } from './fabric/peer-section.js';
export { peersOf, routesOf, type SharedBundle, sharedBundleOctets } from './fabric/shared-bundle.js';
export type { SpdEntry } from './fabric/spd-entry.js';
export { tunnelIdOf } from './identifiers.js';
export type {
  Encapsulation,
  ExternalEspProposal,
  ExternalIkeProposal,
  FabricIntent,
  GroupMember,
  IntentAddressPool,
  IntentEdge,
  IntentExternalPeer,
  IntentGateway,
  IntentGroup,
  IntentNetwork,
  IntentPolicy,
  IntentPolicyTest,
  IntentPortRange,
  IntentProfile,
  IntentRemoteHost,
  IntentService,
  IntentSite,
  IntentTopology,
  IpsecMode,
  KeyingMode,
  Labels,
  PeerAuthenticationMethod,
  Rule,
  RuleAction,
  SecurityProtocol,
  Selector,
  Service,
  ServiceProtocol,
  TunnelStart,
} from './intent.js';
export { type PinnedCertificate, readPinnedCertificate } from './pinned-certificate.js';
export type { CompileProblem, ProblemRule } from './problem.js';
export type { ReadableTunnel } from './proof/confidentiality-proof.js';
export type { Finding, FindingKind } from './proof/finding.js';
export { formatPacket, type Packet } from './proof/packet.js';
export { alternativePeers, proveAlternatives } from './proof/prove-alternatives.js';
export { type DeliveredProof, proveDelivered } from './proof/prove-delivered.js';
export { type FabricProof, proveFabric } from './proof/prove-fabric.js';
export {
  MAKE_BEFORE_BREAK,
  proveTransition,
  type TransitionStep,
  type Version,
} from './proof/transition-proof.js';
export { libreswanSnippet } from './snippet/libreswan-snippet.js';
export type { Snippet, SnippetResult } from './snippet/snippet.js';
export { swanctlSnippet } from './snippet/swanctl-snippet.js';
export type { CertificateFiles } from './swanctl/import-proof.js';
export type { GatewaySetting, SwanctlProblem, SwanctlRule } from './swanctl/import-report.js';
export { type ImportedPeer, importSwanctl, type SwanctlImport } from './swanctl/import-swanctl.js';
export { MAX_SETTINGS_TEXT } from './swanctl/parse-settings.js';
