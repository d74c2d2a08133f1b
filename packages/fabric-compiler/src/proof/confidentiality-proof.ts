import { ownersIn } from '../address/address-set.js';
import { membersOf } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerSection } from '../fabric/peer-section.js';
import { entriesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import { compareText } from '../order.js';
import type { Finding } from './finding.js';
import type { Packet } from './packet.js';
import { peerFor } from './peer-view.js';

/** A tunnel of AH: its packets are authenticated, and nothing of them is encrypted (RFC 4302 section 1). */
export interface ReadableTunnel {
  /** Sorted. */
  readonly ends: readonly [string, string];
  readonly profileId: string;
}

/** The tunnels of AH that bundles have, each once, in order of their ends. */
export function readableTunnels(bundles: readonly SharedBundle[]): readonly ReadableTunnel[] {
  const tunnels = new Map<string, ReadableTunnel>();
  for (const { edgeId, peers } of bundles) {
    for (const { peerId, profileId } of peers.flatMap(readableIn)) {
      const ends: [string, string] = compareText(edgeId, peerId) < 0 ? [edgeId, peerId] : [peerId, edgeId];
      tunnels.set(`${ends.join('/')}/${profileId}`, { ends, profileId });
    }
  }
  return [...tunnels].sort(([left], [right]) => compareText(left, right)).map(([, tunnel]) => tunnel);
}

/**
 * What a policy asks confidentiality for must not go into a tunnel of AH. Reads the entries and peers of the bundles: that such an
 * intent is refused is nothing that is relied on here. `packet` makes one from one owner to another that a rule decides; where
 * there is none, earlier rules decide them all.
 */
export function proveConfidentiality(
  { intent, bundles }: CompiledFabric,
  packet: (from: number, to: number, ruleId: string) => Packet | undefined,
): readonly Finding[] {
  const names = new Map(
    intent.policies
      .filter(({ confidential }) => confidential === true)
      .flatMap(({ name, rules }) => rules.map(({ id }) => [id, name] as const)),
  );
  if (names.size === 0) return [];
  return bundles
    .filter(({ peers }) => peers.some((section) => readableIn(section).length > 0))
    .flatMap((bundle) =>
      entriesOf(bundle.policies)
        .filter(({ ruleId, action, direction }) => names.has(ruleId) && action === 'PROTECT' && direction === 'opens')
        .flatMap((entry) => readableWay(bundle, entry, packet))
        .slice(0, MAX_PER_EDGE)
        .map(
          ({ ruleId, peer, counterexample }): Finding => ({
            kind: 'not_confidential',
            detail: `The policy "${names.get(ruleId)}" asks for confidentiality, and the edge ${bundle.edgeId} sends what it allows to "${peer.name}" in AH: authenticated, not encrypted.`,
            fix: 'Protect it with ESP.',
            edgeIds: [bundle.edgeId, peer.peerId],
            ruleId,
            counterexample,
          }),
        ),
    );
}

/** The first destination that packets which the entry decides go to in AH. */
function readableWay(
  bundle: SharedBundle,
  { ruleId, profileId, remote }: SpdEntry,
  packet: (from: number, to: number, ruleId: string) => Packet | undefined,
) {
  for (const owner of membersOf(ownersIn(remote))) {
    const peer = owner === bundle.owner ? undefined : peerFor(bundle, owner);
    if (peer?.profiles.find(({ id }) => id === profileId)?.esp.protocol !== 'ah') continue;
    const counterexample = packet(bundle.owner, owner, ruleId);
    if (counterexample !== undefined) return [{ ruleId, peer, counterexample }];
  }
  return [];
}

/** Sections are shared by most edges: most have nothing of the kind, and are read once. */
function readableIn(section: PeerSection): readonly { readonly peerId: string; readonly profileId: string }[] {
  const known = ofSections.get(section);
  if (known !== undefined) return known;
  const readable = section.peers.flatMap(({ peerId, profiles }) =>
    profiles.filter(({ esp }) => esp.protocol === 'ah').map(({ id: profileId }) => ({ peerId, profileId })),
  );
  ofSections.set(section, readable);
  return readable;
}

const ofSections = new WeakMap<PeerSection, ReturnType<typeof readableIn>>();
const MAX_PER_EDGE = 3;
