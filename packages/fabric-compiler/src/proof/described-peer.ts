import type { BundleEndpoint } from '../bundle.js';
import { edgeAuthentication, edgeIdentity, type StandbyPeer, standbyPeers } from '../fabric/peer-section.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { PeerAuthenticationMethod } from '../intent.js';
import type { Owner } from '../topology.js';

/** What a peer is, as the intent says it. */
export interface DescribedPeer {
  readonly peerId: string;
  readonly name: string;
  readonly remote: BundleEndpoint;
  readonly otherRemotes: readonly BundleEndpoint[];
  readonly identity: string;
  readonly authentication: PeerAuthenticationMethod;
  /** The other edges of its site, in the order in which they are preferred. */
  readonly standbys: readonly StandbyPeer[];
}

export function describedPeer(owner: Owner | undefined, tenantId: string): DescribedPeer | undefined {
  switch (owner?.kind) {
    case 'edge': {
      const { edgeId, name, underlay, otherUnderlays: otherRemotes } = owner.edge;
      const authentication = edgeAuthentication(tenantId);
      const identity = edgeIdentity(tenantId, edgeId);
      const standbys = standbyPeers(owner, tenantId);
      return { peerId: edgeId, name, remote: underlay, otherRemotes, identity, authentication, standbys };
    }
    case 'external': {
      const { id, name, address, port, identity, authentication } = owner.peer;
      return { peerId: id, name, remote: { address, port }, otherRemotes: [], identity, authentication, standbys: [] };
    }
    default:
      return undefined;
  }
}

/** What an edge shows of itself. */
export function describedEdge(bundle: SharedBundle): DescribedPeer {
  const { edgeId, underlay, otherUnderlays: otherRemotes, identity, authentication } = bundle;
  const standbys = bundle.standbys.map(({ edgeId: peerId, underlay: remote, identity: shown, ...standby }) => ({
    peerId,
    name: peerId,
    remote,
    otherRemotes: standby.otherUnderlays,
    identity: shown,
  }));
  return { peerId: edgeId, name: edgeId, remote: underlay, otherRemotes, identity, authentication, standbys };
}
