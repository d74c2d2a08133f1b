import { addressesOf, ownersIn } from '../address/address-set.js';
import { FAMILIES } from '../address/family.js';
import { parseAddressText } from '../address/text.js';
import { membersOf } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerEntry, PeerSection } from '../fabric/peer-section.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import { hostPrefix } from '../transport-mode.js';
import type { Finding } from './finding.js';

/**
 * In transport mode a packet keeps its header, so that what is protected goes between the underlay addresses of the two ends and nothing
 * else does (RFC 4301 section 4.1). Reads frames and peers of the bundles: that no other intent compiles is nothing that is relied on
 * here.
 */
export function proveTransport({ bundles, plan }: CompiledFabric): readonly Finding[] {
  const { ownership } = plan.topology;
  return bundles.flatMap((bundle) => {
    const hosts = bundle.peers.flatMap(hostsIn);
    if (hosts.length === 0) return [];
    const own = isHost(bundle) ? [] : [finding(bundle, bundle.edgeId, bundle.underlay.address)];
    return [
      ...own,
      ...hosts
        .filter((peer) => !carriesItself(peer, ownership))
        .map((peer) => finding(bundle, peer.peerId, peer.remote?.address)),
    ].slice(0, MAX_PER_EDGE);
  });
}

function isHost({ localNetworks, underlay, standbys, transitDuties }: SharedBundle): boolean {
  const [only, ...others] = localNetworks;
  return (
    only === hostPrefix(underlay.address) && others.length === 0 && standbys.length === 0 && transitDuties.length === 0
  );
}

function carriesItself(
  { carries, remote, standbys }: PeerEntry,
  ownership: CompiledFabric['plan']['topology']['ownership'],
): boolean {
  const address = parseAddressText(remote?.address ?? '');
  const ranges = [...membersOf(ownersIn(carries))].flatMap((owner) => {
    const held = addressesOf(carries, owner, ownership);
    return FAMILIES.flatMap((family) => held[family].map((range) => ({ family, ...range })));
  });
  return (
    standbys.length === 0 &&
    ranges.length === 1 &&
    ranges.every(
      ({ family, first, last }) => family === address?.family && first === address.value && last === address.value,
    )
  );
}

function finding({ edgeId }: SharedBundle, whose: string, address = 'one that is known'): Finding {
  return {
    kind: 'transport_beyond_hosts',
    detail: `The edge ${edgeId} has transport mode for packets that are not from host to host: ${whose} has other addresses than ${address} in the fabric.`,
    fix: 'Use tunnel mode, or have each site hold the underlay address of its edge and nothing else.',
    edgeIds: whose === edgeId ? [edgeId] : [edgeId, whose],
    ruleId: undefined,
    counterexample: undefined,
  };
}

/** Sections are shared by most edges: most have nothing of the kind, and are read once. */
function hostsIn(section: PeerSection): readonly PeerEntry[] {
  const known = ofSections.get(section);
  if (known !== undefined) return known;
  const hosts = section.peers.filter(({ profiles }) => profiles.some(({ esp }) => esp.mode === 'transport'));
  ofSections.set(section, hosts);
  return hosts;
}

const ofSections = new WeakMap<PeerSection, readonly PeerEntry[]>();
const MAX_PER_EDGE = 3;
