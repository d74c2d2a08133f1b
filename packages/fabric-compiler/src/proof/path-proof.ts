import { FAMILIES } from '../address/family.js';
import { parsePrefixText } from '../address/prefix.js';
import { rangesOverlap } from '../address/range-set.js';
import { hasBit, membersOf } from '../bitset.js';
import type { CompiledFabric, FabricPlan } from '../fabric/compile-shared.js';
import type { PeerEntry, PeerSection } from '../fabric/peer-section.js';
import type { RouteSection } from '../fabric/route-section.js';
import { peersOf, routesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import { passesOn } from '../fabric/transit.js';
import type { FabricIntent } from '../intent.js';
import { offeredTo } from '../profile.js';
import { sameValue } from '../same-value.js';
import { type Owner, poolPrefixes, routedPrefixes } from '../topology.js';
import { describedEdge, describedPeer } from './described-peer.js';
import type { Finding } from './finding.js';
import { predictIke, predictProfiles } from './ike-prediction.js';
import type { Packet } from './packet.js';
import { type PeerView, peerAt, peerFor, peerView } from './peer-view.js';

/** Everything about the underlay and the ways through the fabric that is not about rules. */
export class PathProof {
  readonly #plan: FabricPlan;
  readonly #intent: FabricIntent;
  readonly #bundles: readonly SharedBundle[];
  readonly #views: readonly PeerView[];
  readonly #plain: boolean[] = [];
  /** Sections that were found right, with what they were right for. */
  readonly #right: WeakMap<object, string>;

  constructor({ plan, intent, bundles }: CompiledFabric, right: WeakMap<object, string>) {
    this.#plan = plan;
    this.#intent = intent;
    this.#bundles = bundles;
    this.#views = bundles.map(peerView);
    this.#right = right;
  }

  /** Frame, routes and peers of one edge. */
  ofEdge(edge: number): readonly Finding[] {
    const bundle = this.#bundles[edge];
    if (bundle === undefined) return [];
    return [...this.#frame(bundle), ...this.#routes(bundle), ...this.#peers(bundle)];
  }

  /** Peers must be mutual: the other end has this one as a peer, with the same profiles, for the same addresses. */
  ofPeers(edge: number): readonly Finding[] {
    const bundle = this.#bundles[edge];
    if (bundle === undefined) return [];
    const view = peerView(bundle);
    const findings = view.ambiguous || reachesItself(view, edge) ? [this.#ambiguous(bundle)] : [];
    if (!this.#isPlain(edge)) return [...findings, ...peersOf(bundle).flatMap((peer) => this.#unequal(bundle, peer))];
    const open = new Set<number>();
    for (const [profileId, owners] of view.reached) {
      for (const other of membersOf(owners)) if (!this.#reachesBack(other, profileId, edge)) open.add(other);
    }
    if (open.size === 0) return findings;
    const peers = peersOf(bundle).filter(({ owner }) => open.has(owner));
    return [...findings, ...peers.flatMap((peer) => this.#unequal(bundle, peer))];
  }

  /** Follows the way of protected packets from an edge to an owner, and back; `packet` makes one that goes there. */
  ofWay(edge: number, to: number, profileId: string, packet: () => Packet | undefined): Finding | undefined {
    const visited = [edge];
    for (let at = edge; at !== to; ) {
      const bundle = this.#bundles[at];
      const peer = bundle === undefined ? undefined : peerFor(bundle, to);
      if (bundle === undefined || peer === undefined || !peer.profiles.some(({ id }) => id === profileId)) {
        return this.#stranded('black_hole', visited, to, packet());
      }
      if (at !== edge && !passesOn(bundle.transitDuties, edge, to)) {
        return this.#stranded('black_hole', visited, to, packet());
      }
      if (visited.includes(peer.owner)) return this.#stranded('routing_loop', [...visited, peer.owner], to, packet());
      const next = this.#bundles[peer.owner];
      const back = next === undefined ? undefined : peerFor(next, edge);
      if (next !== undefined && back?.owner !== at) {
        return this.#stranded('black_hole', [...visited, peer.owner], to, packet());
      }
      visited.push(peer.owner);
      at = peer.owner;
    }
    return undefined;
  }

  #frame(bundle: SharedBundle): readonly Finding[] {
    const frame = this.#plan.frames[bundle.owner];
    if (frame === undefined) return [];
    return FRAME_FIELDS.filter((field) => !sameValue(frame[field], bundle[field])).map((field) => ({
      kind: field === 'identity' || field === 'authentication' ? 'authentication_failed' : 'wrong_endpoint',
      detail: `The bundle of the edge ${this.#name(bundle.owner)} has another ${FRAME_WORDS[field]} than its intent.`,
      fix: 'Compile the revision anew; the bundle was not made from it.',
      edgeIds: [bundle.edgeId],
      ruleId: undefined,
      counterexample: undefined,
    }));
  }

  #routes(bundle: SharedBundle): readonly Finding[] {
    const expected = this.#plan.routes[bundle.owner] ?? [];
    const same = bundle.routes.length === expected.length;
    if (same && bundle.routes.every((section, word) => this.#routeSectionIsRight(section, word, bundle.owner)))
      return [];
    const { owners } = this.#plan.topology;
    const others = owners.flatMap((owner, number) => (number === bundle.owner ? [] : routedPrefixes(owner)));
    const wanted = new Map(
      [...others, ...poolPrefixes(this.#plan.topology)].map((prefix) => [prefix.text, prefix] as const),
    );
    const present = routesOf(bundle);
    const findings: Finding[] = [];
    for (const [text, prefix] of wanted) {
      if (present.includes(text)) continue;
      findings.push({
        kind: 'cleartext',
        detail: `The edge ${this.#name(bundle.owner)} has no route for ${text}: packets to it leave by the default route, in the clear.`,
        fix: `Route ${text} into the overlay device.`,
        edgeIds: [bundle.edgeId],
        ruleId: undefined,
        counterexample: this.#packetTo(bundle.owner, prefix.family, prefix.range.first),
      });
    }
    for (const text of present) {
      if (wanted.has(text)) continue;
      const own = this.#ownPrefix(bundle.owner, text);
      findings.push({
        kind: 'wrong_route',
        detail: `The edge ${this.#name(bundle.owner)} routes ${text} into the fabric, which is ${own ? 'behind itself' : 'behind no other site'}.`,
        fix: `Remove the route for ${text}.`,
        edgeIds: [bundle.edgeId],
        ruleId: undefined,
        counterexample: undefined,
      });
    }
    return findings;
  }

  #routeSectionIsRight(section: RouteSection, word: number, edge: number): boolean {
    const purpose = `${word}/${edge >>> 5 === word ? edge : ''}`;
    if (this.#right.get(section) === purpose) return true;
    const { topology } = this.#plan;
    const wanted =
      32 * word >= topology.owners.length
        ? poolPrefixes(topology)
        : topology.owners
            .slice(32 * word, 32 * word + 32)
            .flatMap((owner, index) => (32 * word + index === edge ? [] : routedPrefixes(owner)));
    if (
      !sameValue(
        wanted.map(({ text }) => text),
        section.prefixes,
      )
    )
      return false;
    this.#right.set(section, purpose);
    return true;
  }

  #peers(bundle: SharedBundle): readonly Finding[] {
    return bundle.peers.flatMap((section) => {
      if (this.#right.get(section) === RIGHT) return [];
      const findings = this.#peerSection(bundle, section);
      if (findings.length === 0) this.#right.set(section, RIGHT);
      return findings;
    });
  }

  #peerSection(bundle: SharedBundle, { peers }: PeerSection): Finding[] {
    return peers.flatMap((peer) => {
      const owner = this.#plan.topology.owners[peer.owner];
      const described = describedPeer(owner, bundle.tenantId);
      const own = describedEdge(bundle);
      if (described === undefined) return [this.#wrongPeer(bundle, peer, 'no gateway')];
      const wrong = ENDPOINT_FIELDS.filter((field) => !sameValue(described[field], peer[field]));
      const profiles = peer.profiles.filter((profile) => {
        const meant = this.#plan.context.profiles.get(profile.id);
        return meant === undefined || !sameValue(offeredTo(owner, meant, this.#intent), profile);
      });
      return [
        ...wrong.map((field) => this.#wrongPeer(bundle, peer, field)),
        ...(profiles.length === 0 ? [] : [this.#wrongPeer(bundle, peer, 'another profile than the intent')]),
        ...predictIke({ own, peer, described, owner, topology: this.#plan.topology }),
      ];
    });
  }

  #wrongPeer(bundle: SharedBundle, peer: PeerEntry, field: string): Finding {
    const identity = field === 'identity' || field === 'authentication';
    return {
      kind: identity ? 'authentication_failed' : 'wrong_endpoint',
      detail: `The edge ${this.#name(bundle.owner)} has the peer "${peer.name}" with another ${field} than that peer has; IKE ${identity ? 'answers AUTHENTICATION_FAILED' : 'never reaches it'}.`,
      fix: `Give the PAD entry of "${peer.name}" the ${field} that the peer has.`,
      edgeIds: [bundle.edgeId, peer.peerId],
      ruleId: undefined,
      counterexample: undefined,
    };
  }

  /** Whether all sections of its peers were found right, and each peer carries its own site alone: then bits say it all. */
  #isPlain(edge: number): boolean {
    const known = this.#plain[edge];
    if (known !== undefined) return known;
    const bundle = this.#bundles[edge];
    const view = this.#views[edge];
    const plain =
      bundle?.peers.every((section) => this.#right.get(section) === RIGHT) === true &&
      view?.direct === true &&
      !view.ambiguous;
    this.#plain[edge] = plain;
    return plain;
  }

  #reachesBack(other: number, profileId: string, edge: number): boolean {
    if (!this.#isPlain(other)) return false;
    const owners = this.#views[other]?.reached.get(profileId);
    return owners !== undefined && hasBit(owners, edge);
  }

  #unequal(bundle: SharedBundle, peer: PeerEntry): readonly Finding[] {
    const other = this.#bundles[peer.owner];
    if (other === undefined) return [];
    const back = peerAt(other, bundle.owner);
    const mutual = back !== undefined && back.profiles.length === peer.profiles.length;
    if (mutual && back.profiles.every((profile, index) => profile === peer.profiles[index])) return [];
    return this.#unequalPeers(bundle, other, peer, back);
  }

  #unequalPeers(
    bundle: SharedBundle,
    other: SharedBundle,
    peer: PeerEntry,
    back: PeerEntry | undefined,
  ): readonly Finding[] {
    const edgeIds = [bundle.edgeId, other.edgeId];
    if (back === undefined) {
      return [
        {
          kind: 'one_sided_peer',
          detail: `The edge ${this.#name(bundle.owner)} has a tunnel with ${this.#name(other.owner)}, which has none with it.`,
          fix: 'Give both edges the tunnel, or neither.',
          edgeIds,
          ruleId: undefined,
          counterexample: this.#packetBetween(bundle.owner, other.owner),
        },
      ];
    }
    return predictProfiles(peer, back, edgeIds, this.#packetBetween(bundle.owner, other.owner));
  }

  #ambiguous(bundle: SharedBundle): Finding {
    return {
      kind: 'ambiguous_peer',
      detail: `The peers of the edge ${this.#name(bundle.owner)} do not say who alone carries which addresses, or one carries its own.`,
      fix: 'Let one peer carry them.',
      edgeIds: [bundle.edgeId],
      ruleId: undefined,
      counterexample: undefined,
    };
  }

  #stranded(
    kind: 'black_hole' | 'routing_loop',
    way: readonly number[],
    to: number,
    counterexample: Packet | undefined,
  ): Finding {
    const names = way.map((owner) => this.#name(owner)).join(' → ');
    const loop = kind === 'routing_loop';
    return {
      kind,
      detail: `Packets for ${this.#name(to)} ${loop ? 'go round in circles' : 'get no further than'}: ${names}.`,
      fix: loop
        ? 'Change the topology so that the way ends.'
        : 'Add a link or a relay, or discard this traffic by a rule.',
      edgeIds: way.flatMap((owner) => this.#bundles[owner]?.edgeId ?? []),
      ruleId: undefined,
      counterexample,
    };
  }

  #packetBetween(from: number, to: number): Packet | undefined {
    for (const family of FAMILIES) {
      const range = this.#plan.topology.ownership[to]?.[family][0];
      const packet = range === undefined ? undefined : this.#packetTo(from, family, range.first);
      if (packet !== undefined) return packet;
    }
    return undefined;
  }

  #packetTo(from: number, family: 4 | 6, destination: bigint): Packet | undefined {
    const source = this.#plan.topology.ownership[from]?.[family][0]?.first;
    if (source === undefined) return undefined;
    return { family, source, destination, protocol: 6, sourcePort: 49_152, destinationPort: 443 };
  }

  #ownPrefix(owner: number, text: string): boolean {
    const parsed = parsePrefixText(text);
    if (!parsed.ok) return false;
    const { family, range } = parsed.prefix;
    return (this.#plan.topology.ownership[owner]?.[family] ?? []).some((own) => rangesOverlap(own, range));
  }

  #name(owner: number): string {
    const known: Owner | undefined = this.#plan.topology.owners[owner];
    return `"${known?.kind === 'edge' ? known.edge.name : (known?.name ?? owner)}"`;
  }
}

function reachesItself({ reached }: PeerView, edge: number): boolean {
  return [...reached.values()].some((owners) => hasBit(owners, edge));
}

const RIGHT = 'right';
const ENDPOINT_FIELDS = [
  'peerId',
  'name',
  'remote',
  'otherRemotes',
  'identity',
  'authentication',
  'access',
  'standbys',
] as const;
const FRAME_FIELDS = [
  'tenantId',
  'edgeId',
  'keyingMode',
  'device',
  'underlay',
  'otherUnderlays',
  'identity',
  'authentication',
  'localNetworks',
  'mappings',
  'standbys',
] as const;
const FRAME_WORDS: Readonly<Record<(typeof FRAME_FIELDS)[number], string>> = {
  tenantId: 'tenant',
  edgeId: 'edge identifier',
  keyingMode: 'keying mode',
  device: 'overlay MTU',
  underlay: 'underlay address',
  otherUnderlays: 'list of other underlay addresses',
  identity: 'identity',
  authentication: 'certificate authority',
  localNetworks: 'list of local networks',
  mappings: 'list of mapped networks',
  standbys: 'list of standby edges',
};
