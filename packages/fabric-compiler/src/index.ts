export type {
  BundleAddressRange,
  BundleEndpoint,
  BundleIke,
  BundleIkeProposal,
  BundleKeyExchange,
  BundleKeying,
  BundlePortRange,
  BundleProfile,
  BundleSecurityPolicy,
  BundleSelector,
  BundleTunnel,
  EdgeBundle,
  FabricTunnel,
  KeyExchangeMethod,
} from './bundle.js';
export { type CompileResult, compileFabric } from './compile-fabric.js';
export { tunnelIdOf } from './identifiers.js';
export type {
  Encapsulation,
  FabricIntent,
  IntentEdge,
  IntentNetwork,
  IntentPolicy,
  IntentPortRange,
  IntentSite,
  KeyingMode,
  Rule,
  RuleAction,
  Selector,
  Service,
  ServiceProtocol,
} from './intent.js';
export type { CompileProblem, ProblemRule } from './problem.js';
