import type { BundleEspProfile, BundleExternalPeer, BundleIke, BundleTunnel } from '../bundle.js';
import type { TopologyEdge } from '../edges.js';
import { externalTunnels } from '../external-tunnels.js';
import type { FabricIntent, IntentExternalPeer } from '../intent.js';
import type { CompileProblem } from '../problem.js';
import { checkReferences } from '../references.js';
import { resolveRules, ruleContext } from '../rules.js';
import { checkTopology } from '../topology.js';

/** The tunnel with an external peer, as the bundle of our edge has it. */
export interface DescribedTunnel {
  readonly peer: IntentExternalPeer;
  readonly edge: TopologyEdge;
  readonly tunnel: BundleTunnel & { readonly profile: BundleEspProfile };
  readonly external: BundleExternalPeer;
  readonly ike: BundleIke;
  /** Of the peer in the intent, for problems. */
  readonly pointer: string;
}

export type DescribedResult =
  | { readonly ok: true; readonly described: DescribedTunnel }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/** What a snippet says follows from the same tunnel as the bundle. */
export function describedTunnel(intent: FabricIntent, externalPeerId: string): DescribedResult {
  const problems: CompileProblem[] = [];
  const topology = checkTopology(intent, problems);
  checkReferences(intent, problems);
  const rules = resolveRules(intent, ruleContext(intent, topology), []);
  const tunnels = externalTunnels(intent, topology, rules, problems);
  const found = [...tunnels.values()].find(({ tunnel }) => tunnel.peerEdgeId === externalPeerId);
  const index = (intent.externalPeers ?? []).findIndex(({ id }) => id === externalPeerId);
  const peer = intent.externalPeers?.[index];
  if (problems.length > 0 || found === undefined || peer === undefined) return { ok: false, problems };
  const { edge, tunnel } = found;
  const { external, keying, profile } = tunnel;
  if (external === undefined || keying.mode !== 'ikev2') throw new Error('an external peer negotiates');
  if (profile.protocol === 'ah') throw new Error('an external peer is offered ESP');
  const described = { peer, edge, tunnel: { ...tunnel, profile }, external, ike: keying.ike };
  return { ok: true, described: { ...described, pointer: `/externalPeers/${index}` } };
}
