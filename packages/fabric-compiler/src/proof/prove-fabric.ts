import { ownersIn, wholeOwners } from '../address/address-set.js';
import { addBits, type Bitset, clearBit, commonBits, emptyBits, membersOf, noBits, setBit } from '../bitset.js';
import type { CompiledFabric, FabricPlan } from '../fabric/compile-shared.js';
import { entriesOf, peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdSection } from '../fabric/spd-section.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { type BlockProof, proveBlock } from './block-proof.js';
import { proveConfidentiality, type ReadableTunnel, readableTunnels } from './confidentiality-proof.js';
import type { Finding } from './finding.js';
import type { Packet } from './packet.js';
import { PathProof } from './path-proof.js';
import { peerView } from './peer-view.js';
import { policyFinding } from './policy-finding.js';
import { PolicyProof } from './policy-proof.js';
import { type PolicyTestResult, runPolicyTests } from './policy-tests.js';
import { decisionsIn } from './rule-space.js';
import { proveUnshadowed, type ShadowProof } from './shadow-proof.js';
import { proveTransport } from './transport-proof.js';

/** What was found, and what makes the proof of the next revision cheap. */
export interface FabricProof {
  /** Empty: the revision may be published. Never more than some dozens; the first ones are enough to act on. */
  readonly findings: readonly Finding[];
  /** Tunnels whose packets are authenticated and not encrypted: whoever is on the underlay reads what is in them. */
  readonly readable: readonly ReadableTunnel[];
  readonly plan: FabricPlan;
  readonly bundles: readonly SharedBundle[];
  readonly blocks: readonly BlockProof[];
  readonly shadow: ShadowProof;
  readonly tests: readonly PolicyTestResult[];
  /** What was found per edge about frames, routes and peers. */
  readonly edges: readonly (readonly Finding[])[];
  /** What was found per edge about whether its peers have it as a peer. */
  readonly mutual: readonly (readonly Finding[])[];
  /** Per edge: whether it has a direct peer for everybody with whom the rules protect traffic. */
  readonly settled: readonly boolean[];
  readonly right: WeakMap<object, string>;
}

/**
 * Proves a revision for all packets between any two sites: what the rules allow is protected at both ends, and on every
 * relay between them; what they do not is discarded; everything for the fabric is routed into it; every way ends where it
 * should; IKE can succeed; no rule is idle; and what operators say must hold does. It reads the bundles and the rules, and
 * nothing of how the one was made from the other. `before` spares what did not change since.
 */
export function proveFabric(fabric: CompiledFabric, before?: FabricProof): FabricProof {
  const { plan, bundles, rules } = fabric;
  const { ownership } = plan.topology;
  const known = before?.plan === plan ? before : undefined;
  const blocks = proveBlocks(fabric, known);
  const right = known?.right ?? new WeakMap<object, string>();
  const paths = new PathProof(fabric, right);
  const edges = bundles.map((bundle, edge) => {
    const same = bundle === known?.bundles[edge];
    return same ? (known?.edges[edge] ?? []) : paths.ofEdge(edge);
  });
  const recheck = peersToCheck(bundles, known);
  const mutual = bundles.map((_, edge) => (recheck.has(edge) ? paths.ofPeers(edge) : (known?.mutual[edge] ?? [])));
  const ways = proveWays(fabric, blocks, known, paths);
  const shadow = proveUnshadowed(rules, ownership, known?.shadow);
  const tests = runPolicyTests(fabric, known && { results: known.tests, rules: known.shadow.rules });
  const findings = [
    ...provePolicies(fabric, blocks),
    ...proveTransit(fabric),
    ...edges.flat(),
    ...mutual.flat(),
    ...ways.findings,
    ...proveConfidentiality(fabric, (from, to, ruleId) =>
      decidedPacket(from, to, fabric, (rule) => rule.ruleId === ruleId),
    ),
    ...proveTransport(fabric),
    ...shadow.findings,
    ...tests.flatMap((result) => result.findings),
  ].slice(0, MAX_FINDINGS);
  const readable = readableTunnels(bundles);
  return { findings, readable, plan, bundles, blocks, shadow, tests, edges, mutual, settled: ways.settled, right };
}

function proveBlocks(
  { blocks, bundles, plan }: CompiledFabric,
  before: FabricProof | undefined,
): readonly BlockProof[] {
  const { ownership } = plan.topology;
  const old = new Map((before?.blocks ?? []).map((block) => [block.rules, block]));
  const touched = before?.blocks.length === blocks.length ? touchedPositions(bundles, before.bundles) : undefined;
  return blocks.map(({ rules }, position) => {
    const known = before?.blocks[position];
    if (touched?.has(position) === false && known?.rules === rules) return known;
    return proveBlock(rules, position, bundles, ownership, old.get(rules));
  });
}

/** Positions at which some edge has another section than before. */
function touchedPositions(now: readonly SharedBundle[], before: readonly SharedBundle[]): ReadonlySet<number> {
  const touched = new Set<number>();
  for (const [edge, { policies }] of now.entries()) {
    const old = before[edge]?.policies;
    if (old === policies) continue;
    for (let position = 0; position < Math.max(policies.length, old?.length ?? 0); position += 1) {
      if (policies[position] !== old?.[position]) touched.add(position);
    }
  }
  return touched;
}

/** Looks at edges with a differing section as a whole: a difference may be decided by earlier rules anyway. */
function provePolicies(fabric: CompiledFabric, blocks: readonly BlockProof[]): readonly Finding[] {
  const { bundles, rules, plan } = fabric;
  const suspects = new Set(blocks.flatMap(({ differing }) => differing));
  for (const [edge, { policies }] of bundles.entries()) if (policies.length > blocks.length) suspects.add(edge);
  const findings = blocks.flatMap(({ foreign }) =>
    foreign.flatMap(({ edge, ruleId }) => (bundles[edge] === undefined ? [] : [foreignLocal(bundles[edge], ruleId)])),
  );
  if (suspects.size === 0) return findings;
  const whole = new PolicyProof(rules, plan.topology.ownership, 'whole');
  for (const edge of suspects) {
    if (findings.length >= MAX_FINDINGS) break;
    const bundle = bundles[edge];
    if (bundle === undefined) continue;
    const { differences } = whole.ofSite(edge, wholeSection(bundle.policies));
    findings.push(...differences.slice(0, MAX_PER_EDGE).map((difference) => policyFinding(difference, fabric)));
  }
  return findings;
}

function proveTransit(fabric: CompiledFabric): readonly Finding[] {
  const { bundles, rules, plan } = fabric;
  const relays = bundles.filter(({ transit, transitDuties }) => transitDuties.length > 0 || transit.length > 0);
  if (relays.length === 0) return [];
  const whole = new PolicyProof(rules, plan.topology.ownership, 'whole');
  return relays.flatMap((bundle) => {
    const differences = whole.ofTransit(bundle.owner, wholeSection(bundle.transit), bundle.transitDuties);
    const findings = differences.slice(0, MAX_PER_EDGE).map((difference) => policyFinding(difference, fabric));
    return [...findings, ...foreignTransit(bundle)];
  });
}

/** Entries for relayed traffic about addresses that the edge does not relay for. */
function foreignTransit(bundle: SharedBundle): readonly Finding[] {
  return entriesOf(bundle.transit).flatMap(({ local, ruleId }) => {
    if (local === 'site') return [foreignLocal(bundle, ruleId)];
    const owners = ownersIn(local);
    const allowed = emptyBits(32 * owners.length);
    for (const { from } of bundle.transitDuties) addBits(allowed, from);
    return noBits(owners.map((word, index) => word & ~(allowed[index] ?? 0))) ? [] : [foreignLocal(bundle, ruleId)];
  });
}

function foreignLocal({ edgeId }: SharedBundle, ruleId: string): Finding {
  return {
    kind: 'foreign_local',
    detail: `An SPD entry of the edge ${edgeId} names local addresses that are not behind it, and that it relays for nobody.`,
    fix: 'Compile the revision anew; the bundle was not made from it.',
    edgeIds: [edgeId],
    ruleId,
    counterexample: undefined,
  };
}

/** Edges whose peers changed, and those that were a peer of one. */
function peersToCheck(bundles: readonly SharedBundle[], before: FabricProof | undefined): ReadonlySet<number> {
  const all = new Set(bundles.keys());
  if (before === undefined) return all;
  const changed = [...all].filter((edge) => bundles[edge]?.peers !== before.bundles[edge]?.peers);
  const concerned = new Set(changed);
  for (const edge of changed) {
    const old = before.bundles[edge];
    const now = bundles[edge];
    if (old === undefined || now === undefined) return all;
    const peers = new Set(peersOf(now).map(({ owner }) => owner));
    for (const { owner } of peersOf(old)) if (!peers.has(owner)) concerned.add(owner);
  }
  return concerned;
}

/** Every owner with whom the rules protect traffic must be reached; directly, or by a way that ends there. */
function proveWays(
  fabric: CompiledFabric,
  blocks: readonly BlockProof[],
  before: FabricProof | undefined,
  paths: PathProof,
): { readonly findings: readonly Finding[]; readonly settled: readonly boolean[] } {
  const { topology } = fabric.plan;
  const servable = emptyBits(topology.owners.length);
  for (const [owner, { kind }] of topology.owners.entries()) if (kind !== 'unserved') setBit(servable, owner);
  const old = new Set(before?.blocks);
  const added = blocks.filter((block) => !old.has(block));
  const findings: Finding[] = [];
  const settled = fabric.bundles.map((bundle, edge) => {
    const known = before?.settled[edge] === true && bundle.peers === before.bundles[edge]?.peers;
    const ways = waysToFollow(known ? added : blocks, edge, bundle, servable);
    for (const { owner, profileId } of ways) {
      if (findings.length >= MAX_FINDINGS) break;
      const finding = paths.ofWay(edge, owner, profileId, () =>
        decidedPacket(edge, owner, fabric, (rule) => rule.profileId === profileId),
      );
      // What some rule protects may be forbidden by an earlier one: only a packet that is allowed shows a gap.
      if (finding?.counterexample !== undefined) findings.push(finding);
    }
    return ways.length === 0;
  });
  return { findings, settled };
}

/** Owners whom an edge must reach and has no peer of their own for: where the way goes is to be seen. */
function waysToFollow(
  blocks: readonly BlockProof[],
  edge: number,
  bundle: SharedBundle,
  servable: Bitset,
): readonly { readonly owner: number; readonly profileId: string }[] {
  const { direct, reached } = peerView(bundle);
  return [...neededBy(blocks, edge, servable)].flatMap(([profileId, owners]) => {
    const byPeer = direct ? reached.get(profileId) : undefined;
    const open = byPeer === undefined ? owners : owners.map((word, index) => word & ~(byPeer[index] ?? 0));
    return [...membersOf(open)].map((owner) => ({ owner, profileId }));
  });
}

function neededBy(blocks: readonly BlockProof[], edge: number, servable: Bitset): ReadonlyMap<string, Bitset> {
  const needed = new Map<string, Bitset>();
  for (const { needs } of blocks) {
    for (const [profileId, owners] of needs[edge] ?? []) {
      const known = needed.get(profileId);
      if (known === undefined) needed.set(profileId, commonBits(owners, servable));
      else addBits(known, commonBits(owners, servable));
    }
  }
  for (const owners of needed.values()) clearBit(owners, edge);
  return needed;
}

/** A packet from one owner to the other that a rule like this protects. */
function decidedPacket(
  from: number,
  to: number,
  fabric: CompiledFabric,
  isMeant: (rule: Pick<ResolvedRule, 'ruleId' | 'profileId'>) => boolean,
): Packet | undefined {
  const { ownership } = fabric.plan.topology;
  const whole = (owner: number) => {
    const owners = emptyBits(ownership.length);
    setBit(owners, owner);
    return wholeOwners(owners, ownership);
  };
  const space = { sources: whole(from), destinations: whole(to), services: ANY_SERVICE };
  for (const { packet, clause } of decisionsIn(space, fabric.rules, ownership)) {
    if (clause?.action === 'PROTECT' && isMeant(clause)) return packet;
  }
  return undefined;
}

function wholeSection(sections: readonly SpdSection[]): SpdSection {
  return { entries: entriesOf(sections), digest: new Uint8Array(), id: '', endsRun: false, reaches: new Map() };
}

const ANY_SERVICE = { 4: [{ protocol: 'any', ports: [] }], 6: [{ protocol: 'any', ports: [] }] } as const;
const MAX_FINDINGS = 50;
const MAX_PER_EDGE = 3;
