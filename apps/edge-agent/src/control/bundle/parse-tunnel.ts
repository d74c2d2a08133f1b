import type { ExternalPeer as ExternalPeerMessage, RemoteAccess, Tunnel } from '@weft/contracts/southbound';
import { AWAITED } from '../../ike/tunnel-start.js';
import { RejectionError } from '../rejection.js';
import { checkTransport } from './check-transport.js';
import { boundedText, limited, underlayAddress, unique, uuid } from './field.js';
import { type PreSharedKeys, parseGateway, parseRemoteHost } from './parse-external-peer.js';
import { parseKeying } from './parse-keying.js';
import { parseProfile } from './parse-profile.js';
import { checkOtherRemotes, parseOtherRemotes } from './parse-uplinks.js';
import type { HostTunnel, PlacedTunnel, TunnelConfiguration, UnderlayAddress } from './verified-bundle.js';

/** The tunnels of a bundle by their identifiers; `keys` came with it. Throws RejectionError. */
export function parseTunnels(
  messages: readonly Tunnel[],
  underlay: UnderlayAddress,
  keys: PreSharedKeys,
): ReadonlyMap<string, TunnelConfiguration> {
  const ids = new Set<string>();
  const peers = new Set<string>();
  const tunnels = limited('tunnels', messages, MAX_TUNNELS).map((tunnel, index): TunnelConfiguration => {
    const path = `tunnels[${index}]`;
    const names = {
      tunnelId: unique(`${path}.tunnel_id`, uuid(`${path}.tunnel_id`, tunnel.tunnelId), ids),
      peerEdgeId: unique(`${path}.peer_edge_id`, uuid(`${path}.peer_edge_id`, tunnel.peerEdgeId), peers),
      peerName: boundedText(`${path}.peer_name`, tunnel.peerName, MAX_TEXT),
    };
    const { externalPeer: peer } = tunnel;
    return peer !== undefined && isHost(peer)
      ? { ...names, ...parseHostTunnel(path, tunnel, peer, keys) }
      : { ...names, ...parsePlacedTunnel(path, tunnel, underlay, keys) };
  });
  return new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
}

type Names = 'tunnelId' | 'peerEdgeId' | 'peerName';
type HostMessage = ExternalPeerMessage & { readonly remoteAccess: RemoteAccess };

function isHost(peer: ExternalPeerMessage): peer is HostMessage {
  return peer.remoteAccess !== undefined;
}

function parsePlacedTunnel(
  path: string,
  tunnel: Tunnel,
  underlay: UnderlayAddress,
  keys: PreSharedKeys,
): Omit<PlacedTunnel, Names> {
  const remote = underlayAddress(`${path}.remote`, tunnel.remote, 'specified');
  const parsed = {
    remote,
    ...parseOtherRemotes(path, tunnel, remote),
    profile: parseProfile(`${path}.profile`, tunnel.profile),
    keying: parseKeying(path, tunnel),
    external: tunnel.externalPeer && parseGateway(`${path}.external_peer`, tunnel.externalPeer, keys),
  };
  if (parsed.external !== undefined && parsed.keying.mode !== 'ikev2') throw notNegotiated(path);
  checkAh(path, parsed);
  checkTransport(path, parsed, underlay);
  checkOtherRemotes(path, parsed);
  checkOuterHeader(`${path}.profile.encapsulation`, parsed, underlay);
  return parsed;
}

/** Nobody calls a host, so there is nothing that says where it is, and nothing that has it called. */
function parseHostTunnel(
  path: string,
  tunnel: Tunnel,
  peer: HostMessage,
  keys: PreSharedKeys,
): Omit<HostTunnel, Names> {
  for (const [field, value] of [
    ['remote', tunnel.remote],
    ['other_remotes', tunnel.otherRemotes],
  ] as const) {
    if (value === undefined) continue;
    throw new RejectionError(
      `${path}.${field}`,
      'unexpected_value',
      'a host that is assigned addresses comes from anywhere',
    );
  }
  const profile = parseProfile(`${path}.profile`, tunnel.profile);
  if (profile.protocol !== 'esp') {
    throw new RejectionError(`${path}.profile.protocol`, 'unsupported_value', 'only between edges AH is used');
  }
  const { mode } = profile;
  if (mode !== 'tunnel') {
    throw new RejectionError(`${path}.profile.mode`, 'unsupported_value', 'only between edges transport mode is used');
  }
  const keying = parseKeying(path, tunnel);
  if (keying.mode !== 'ikev2') throw notNegotiated(path);
  if (keying.negotiation.start.kind !== 'at_once') {
    throw new RejectionError(`${path}.ike.start`, 'unexpected_value', 'a host begins itself: no traffic has it called');
  }
  return {
    remote: undefined,
    profile: { ...profile, mode },
    keying: { ...keying, negotiation: { ...keying.negotiation, start: AWAITED } },
    external: parseRemoteHost(`${path}.external_peer`, peer, keys),
  };
}

function notNegotiated(path: string): RejectionError {
  return new RejectionError(`${path}.external_peer`, 'unexpected_value', 'only with IKEv2 can a peer be no edge');
}

/**
 * AH is for edges that negotiate: they alone notice a NAT, behind which every packet would be refused (RFC 3715 section 2.1). A
 * gateway that is not ours is offered ESP.
 */
function checkAh(path: string, { profile, keying, external }: Omit<PlacedTunnel, Names>): void {
  if (profile.protocol !== 'ah') return;
  if (keying.mode !== 'ikev2') {
    throw new RejectionError(`${path}.profile.protocol`, 'unsupported_value', 'only edges that negotiate use AH');
  }
  if (external !== undefined) {
    throw new RejectionError(`${path}.profile.protocol`, 'unsupported_value', 'only between edges AH is used');
  }
}

/** Without UDP and without IKE, which knows its own address, the outer header is as the bundle says. */
function checkOuterHeader(
  path: string,
  { profile, keying, remote }: Omit<PlacedTunnel, Names>,
  local: UnderlayAddress,
): void {
  if (profile.protocol !== 'esp' || profile.encapsulation !== 'none' || keying.mode === 'ikev2') return;
  if (local.octets.length === remote.octets.length && local.octets.some((octet) => octet !== 0)) return;
  throw new RejectionError(
    path,
    'bad_address',
    `ESP directly on IP needs an underlay address of this edge that ${remote.text} can be reached from, not ${local.text}`,
  );
}

const MAX_TUNNELS = 4096;
const MAX_TEXT = 255;
