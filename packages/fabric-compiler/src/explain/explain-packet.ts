import { type AddressSet, addressesOf } from '../address/address-set.js';
import { FAMILIES } from '../address/family.js';
import { parsePrefixText } from '../address/prefix.js';
import { formatAddressText, type ParsedAddress } from '../address/text.js';
import type { BundleEndpoint, BundleIke, BundleProfile } from '../bundle.js';
import { writtenServices } from '../delivery/delivered-entries.js';
import { StartChoices } from '../delivery/start-choices.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import { nextHop } from '../fabric/paths.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { IntentExternalPeer, IntentService, KeyingMode, TunnelStart } from '../intent.js';
import { answerTo, type Packet, serves } from '../proof/packet.js';
import { peerFor } from '../proof/peer-view.js';
import { contains } from '../proof/regions.js';
import { decidingRule, type OwnedPacket, ownerOf, ruleMatches } from '../proof/rule-verdict.js';
import { servicesOf } from '../rules.js';
import { servicesOfFamily } from '../services.js';
import type { NetworkMapping } from '../topology.js';
import { type EncapsulationArithmetic, encapsulationOf } from './encapsulation.js';

/** Why a packet goes the way it goes, or does not. */
export interface PacketExplanation {
  readonly packet: Packet;
  readonly verdict: PacketVerdict;
  /** The policy line that decides it; undefined: none does. */
  readonly rule: ExplainedRule | undefined;
  readonly source: ExplainedEnd | undefined;
  readonly destination: ExplainedEnd | undefined;
  /** Every tunnel on the way, in order. */
  readonly hops: readonly ExplainedHop[];
}

export type PacketVerdict =
  | { readonly kind: 'protected' }
  /** By a rule, or because none allows it. */
  | { readonly kind: 'discarded'; readonly because: 'rule' | 'no_rule' }
  /** A rule allows it, but nothing carries it there. */
  | { readonly kind: 'unreachable'; readonly at: string }
  /** One of the addresses is nobody's, or both are behind one edge: the fabric never sees the packet. */
  | { readonly kind: 'not_in_fabric'; readonly because: 'source' | 'destination' | 'same_site' };

export interface ExplainedRule {
  readonly ruleId: string;
  readonly name: string;
  readonly policyId: string;
  readonly policyName: string;
  readonly action: 'PROTECT' | 'DISCARD';
  /** Position among the rules in force, from 1. */
  readonly position: number;
  /** Those that the rule names and that the packet is of; none: it is of one that the rule writes itself. */
  readonly namedServices: readonly Pick<IntentService, 'id' | 'name'>[];
}

export interface ExplainedEnd {
  readonly siteId: string;
  readonly siteName: string;
  readonly edgeId: string | undefined;
  /** What the site itself knows the address by, where its network is mapped 1:1. */
  readonly siteAddress?: string;
}

/** One SPD entry that decides the packet at an edge. */
export interface ExplainedEntry {
  readonly edgeId: string;
  readonly entry: SpdEntry;
  /** Position in the SPD of the edge, from 1. */
  readonly position: number;
}

export interface ExplainedHop {
  /** An external peer's identifier where the tunnel begins at one. */
  readonly fromEdgeId: string;
  /** An external peer's identifier where the tunnel ends at one. */
  readonly toPeerId: string;
  /** Undefined at an external peer, whose SPD is not ours. */
  readonly outbound: ExplainedEntry | undefined;
  /** Undefined at an external peer, whose SPD is not ours. */
  readonly inbound: ExplainedEntry | undefined;
  readonly association: ExplainedAssociation;
  readonly encapsulation: EncapsulationArithmetic;
}

export interface ExplainedAssociation {
  readonly keyingMode: KeyingMode;
  readonly profileId: string;
  readonly esp: BundleProfile;
  readonly ike: BundleIke;
  /** Undefined: a remote host, which comes from anywhere. */
  readonly local: BundleEndpoint | undefined;
  /** Undefined: a remote host, which comes from anywhere. */
  readonly remote: BundleEndpoint | undefined;
  readonly localIdentity: string;
  readonly remoteIdentity: string;
  /** When it is negotiated; undefined: edges do not negotiate it, or it is when a remote host begins. */
  readonly tunnelStart: TunnelStart | undefined;
}

/** Explains one packet by the compiled revision. Pure: any past revision that is compiled again gives the same answer. */
export function explainPacket(fabric: CompiledFabric, packet: Packet): PacketExplanation {
  const { topology } = fabric.plan;
  const from = ownerOf(packet.source, packet.family, topology.ownership);
  const to = ownerOf(packet.destination, packet.family, topology.ownership);
  const ends = {
    packet,
    source: endOf(fabric, from, { family: packet.family, value: packet.source }),
    destination: endOf(fabric, to, { family: packet.family, value: packet.destination }),
  };
  if (from === undefined || to === undefined || from === to) {
    const because = from === undefined ? 'source' : to === undefined ? 'destination' : 'same_site';
    return { ...ends, verdict: { kind: 'not_in_fabric', because }, rule: undefined, hops: [] };
  }
  const owned = { ...packet, from, to };
  const decider = decidingRule(fabric.rules, owned, topology.ownership);
  const rule = decider === undefined ? undefined : explainedRule(fabric, decider.ruleId, owned);
  if (decider?.action !== 'PROTECT') {
    return {
      ...ends,
      verdict: { kind: 'discarded', because: decider === undefined ? 'no_rule' : 'rule' },
      rule,
      hops: [],
    };
  }
  const way = hopsBetween(fabric, packet, from, to);
  const verdict: PacketVerdict =
    way.stuckAt === undefined ? { kind: 'protected' } : { kind: 'unreachable', at: way.stuckAt };
  return { ...ends, verdict, rule, hops: way.hops };
}

function hopsBetween(
  fabric: CompiledFabric,
  packet: Packet,
  from: number,
  to: number,
): { readonly hops: readonly ExplainedHop[]; readonly stuckAt: string | undefined } {
  const hops: ExplainedHop[] = [];
  const starts = new StartChoices(fabric);
  for (let at = from; at !== to; ) {
    const bundle = fabric.bundles[at];
    if (bundle === undefined) {
      const entering = hopFromExternal(fabric, packet, at, to, starts);
      if (entering === undefined) return { hops, stuckAt: nameOf(fabric, at) };
      hops.push(entering.hop);
      at = entering.gateway;
      continue;
    }
    if (hops.length > fabric.bundles.length) return { hops, stuckAt: nameOf(fabric, at) };
    const outbound = decidingEntry(fabric, bundle, packet);
    const peer = peerFor(bundle, to);
    const profile = peer?.profiles.find(({ id }) => id === outbound?.entry.profileId);
    if (outbound === undefined || peer === undefined || profile === undefined) return { hops, stuckAt: bundle.edgeId };
    const next = fabric.bundles[peer.owner];
    const external = externalPeer(fabric, peer.owner);
    const keyingMode = external === undefined ? bundle.keyingMode : 'ikev2';
    hops.push({
      fromEdgeId: bundle.edgeId,
      toPeerId: peer.peerId,
      outbound,
      inbound: next === undefined ? undefined : decidingEntry(fabric, next, answerTo(packet)),
      association: {
        keyingMode,
        profileId: profile.id,
        esp: profile.esp,
        ike: profile.ike,
        local: bundle.underlay,
        remote: peer.remote,
        localIdentity: external?.localIdentity ?? bundle.identity,
        remoteIdentity: peer.identity,
        tunnelStart: keyingMode === 'ikev2' ? starts.of(bundle)(peer) : undefined,
      },
      encapsulation: encapsulationOf({ ...bundle, keyingMode }, profile),
    });
    at = peer.owner;
  }
  return { hops, stuckAt: undefined };
}

/** The tunnel by which a packet of an external peer comes in, as the edge has it that has the tunnel. */
function hopFromExternal(
  fabric: CompiledFabric,
  packet: Packet,
  at: number,
  to: number,
  starts: StartChoices,
): { readonly hop: ExplainedHop; readonly gateway: number } | undefined {
  const external = externalPeer(fabric, at);
  const gateway = nextHop(fabric.plan.paths, at, to);
  const bundle = gateway === undefined ? undefined : fabric.bundles[gateway];
  const peer = bundle === undefined ? undefined : peerFor(bundle, at);
  const inbound = bundle === undefined ? undefined : decidingEntry(fabric, bundle, answerTo(packet));
  const profile = peer?.profiles.find(({ id }) => id === inbound?.entry.profileId);
  if (external === undefined || gateway === undefined || bundle === undefined) return undefined;
  if (peer === undefined || profile === undefined) return undefined;
  const hop: ExplainedHop = {
    fromEdgeId: external.id,
    toPeerId: bundle.edgeId,
    outbound: undefined,
    inbound,
    association: {
      keyingMode: 'ikev2',
      profileId: profile.id,
      esp: profile.esp,
      ike: profile.ike,
      local: peer.remote,
      remote: bundle.underlay,
      localIdentity: peer.identity,
      remoteIdentity: external.localIdentity ?? bundle.identity,
      tunnelStart: starts.of(bundle)(peer),
    },
    encapsulation: encapsulationOf({ ...bundle, keyingMode: 'ikev2' }, profile),
  };
  return { hop, gateway };
}

/** The first entry of an edge that matches a packet, its local side being the source. */
function decidingEntry(fabric: CompiledFabric, bundle: SharedBundle, packet: Packet): ExplainedEntry | undefined {
  const { ownership } = fabric.plan.topology;
  const holds = (set: AddressSet, address: bigint) => {
    const owner = ownerOf(address, packet.family, ownership);
    return owner !== undefined && contains(addressesOf(set, owner, ownership)[packet.family], address);
  };
  let position = 0;
  for (const { entries } of [...bundle.policies, ...bundle.transit]) {
    for (const entry of entries) {
      const port = entry.direction === 'opens' ? packet.destinationPort : packet.sourcePort;
      const own = ownerOf(packet.source, packet.family, ownership) === bundle.owner;
      const local = entry.local === 'site' ? own : holds(entry.local, packet.source);
      const matches = local && holds(entry.remote, packet.destination);
      // The edge has one for each family and service of it.
      for (const family of FAMILIES) {
        for (const service of writtenServices(entry, bundle.owner, family, ownership)) {
          position += 1;
          if (!matches || family !== packet.family || !serves([service], packet.protocol, port)) continue;
          return { edgeId: bundle.edgeId, entry, position };
        }
      }
    }
  }
  return undefined;
}

function explainedRule(
  { intent, plan, rules }: CompiledFabric,
  ruleId: string,
  packet: OwnedPacket,
): ExplainedRule | undefined {
  const position = rules.findIndex((rule) => rule.ruleId === ruleId);
  const rule = rules[position];
  const policy = intent.policies.find((candidate) => candidate.rules.some(({ id }) => id === ruleId));
  if (rule === undefined || policy === undefined) return undefined;
  const { name, action } = rule;
  const written = policy.rules.find(({ id }) => id === ruleId);
  const services = servicesOf(intent);
  const namedServices = (written?.serviceIds ?? []).flatMap((id) => {
    const named = services.get(id);
    if (named === undefined) return [];
    const only = { 4: servicesOfFamily(named.services, 4), 6: servicesOfFamily(named.services, 6) };
    return ruleMatches({ ...rule, services: only }, packet, plan.topology.ownership) ? [{ id, name: named.name }] : [];
  });
  return { ruleId, name, policyId: policy.id, policyName: policy.name, action, position: position + 1, namedServices };
}

function endOf({ plan }: CompiledFabric, number: number | undefined, address: ParsedAddress): ExplainedEnd | undefined {
  const owner = number === undefined ? undefined : plan.topology.owners[number];
  if (owner === undefined) return undefined;
  return {
    siteId: owner.siteId,
    siteName: owner.name,
    edgeId: owner.kind === 'edge' ? owner.edge.edgeId : undefined,
    ...siteAddressOf(owner.mappings, address),
  };
}

function siteAddressOf(
  mappings: readonly NetworkMapping[],
  { family, value }: ParsedAddress,
): Pick<ExplainedEnd, 'siteAddress'> {
  for (const { local, overlay } of mappings) {
    const [from, to] = [parsePrefixText(overlay), parsePrefixText(local)];
    if (!from.ok || !to.ok || from.prefix.family !== family) continue;
    const { first, last } = from.prefix.range;
    if (value < first || value > last) continue;
    return { siteAddress: formatAddressText({ family, value: to.prefix.range.first + (value - first) }) };
  }
  return {};
}

/** Negotiates with our edges, whoever makes the keys between those. */
function externalPeer({ plan }: CompiledFabric, number: number): IntentExternalPeer | undefined {
  const owner = plan.topology.owners[number];
  return owner?.kind === 'external' ? owner.peer : undefined;
}

function nameOf({ plan }: CompiledFabric, number: number): string {
  return plan.topology.owners[number]?.siteId ?? '';
}
