import type { BundleEndpoint, BundleRemoteAccess } from '../bundle.js';
import { edgeAuthentication, edgeIdentity, type StandbyPeer, standbyPeers } from '../fabric/peer-section.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { PeerAuthenticationMethod } from '../intent.js';
import type { Owner } from '../topology.js';

/** What a peer is, as the intent says it. */
export interface DescribedPeer {
  readonly peerId: string;
  readonly name: string;
  /** Undefined: it comes from anywhere. */
  readonly remote: BundleEndpoint | undefined;
  readonly otherRemotes: readonly BundleEndpoint[];
  readonly identity: string;
  readonly authentication: PeerAuthenticationMethod;
  /** What a remote host is assigned. */
  readonly access: BundleRemoteAccess | undefined;
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
      const endpoint = { remote: underlay, otherRemotes };
      return { peerId: edgeId, name, ...endpoint, identity, authentication, access: undefined, standbys };
    }
    case 'external': {
      const { id: peerId, name, identity, authentication } = owner.peer;
      const { access } = owner;
      const remote =
        owner.peer.kind === 'remote_host' ? undefined : { address: owner.peer.address, port: owner.peer.port };
      return { peerId, name, remote, otherRemotes: [], identity, authentication, access, standbys: [] };
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
  const endpoint = { remote: underlay, otherRemotes };
  return { peerId: edgeId, name: edgeId, ...endpoint, identity, authentication, access: undefined, standbys };
}
