import { reportUnfitForAh } from '../authentication-header.js';
import { type Bitset, emptyBits, setBit } from '../bitset.js';
import type { FabricIntent, Rule, Selector } from '../intent.js';
import { deviceMtu } from '../overlay-mtu.js';
import type { CompileProblem } from '../problem.js';
import { checkReferences } from '../references.js';
import type { ResolvedRule, RuleContext } from '../resolved-rule.js';
import { resolveRules, ruleContext, servicesOf } from '../rules.js';
import { sameValue } from '../same-value.js';
import { forgetSets, type SetContext, sameGroup, withGroupsOf } from '../selectors.js';
import { checkTopology, type ServedSite, type Topology } from '../topology.js';
import { reportUnfitForTransport } from '../transport-mode.js';
import { reportUnfitUplinks } from '../uplinks.js';
import { OctetWriter } from './octet-writer.js';
import { findPaths, type Paths } from './paths.js';
import { edgeAuthentication, edgeIdentity, type PeerSection, PeerSections } from './peer-section.js';
import { type RouteSection, routeSections } from './route-section.js';
import { type RuleBlock, ruleBlocks, sameBlock } from './rule-block.js';
import { type BundleFrame, peersOf, type SharedBundle, sealedBundle } from './shared-bundle.js';
import { sameReaches, siteLinks, unionOfReaches } from './site-links.js';
import { EMPTY_SECTION, RunDigests, type SpdSection, siteSections, transitSection } from './spd-section.js';

/** A compiled revision, and what makes the next one cheap. Nothing in it changes. */
export interface CompiledFabric {
  readonly intent: FabricIntent;
  readonly plan: FabricPlan;
  /** What its rules and policy tests are resolved against. */
  readonly context: RuleContext;
  readonly rules: readonly ResolvedRule[];
  readonly blocks: readonly CompiledBlock[];
  /** By number of the owner: edges come first among them. */
  readonly bundles: readonly SharedBundle[];
}

/** What depends on sites, networks, edges, profiles and topology, but on no rule, and on nothing that rules name but these. */
export interface FabricPlan {
  readonly topology: Topology;
  readonly paths: Paths;
  readonly context: SetContext & Pick<RuleContext, 'profiles' | 'defaultProfileId'>;
  readonly frames: readonly BundleFrame[];
  readonly routes: readonly (readonly RouteSection[])[];
  readonly peers: PeerSections;
  /** Hashes of runs of entries, met so far. */
  readonly runs: RunDigests;
  /** SHA-256 of who owns which address. */
  readonly addressPlan: Uint8Array;
}

export interface CompiledBlock {
  readonly rules: RuleBlock;
  /** By number of the edge's site. */
  readonly sections: readonly SpdSection[];
}

export type SharedCompileResult =
  | {
      readonly ok: true;
      readonly fabric: CompiledFabric;
      /** Numbers of the edges whose bundle is another one than before; all of them without a before. */
      readonly changed: readonly number[];
    }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/**
 * Compiles a revision into one bundle per edge, or says everything that is wrong with it. Pure and deterministic: the
 * same intent gives the same octets and hashes, whatever the order of its unordered collections, and whatever `previous`
 * is. A revision that differs from `previous` in its rules, groups and named services only takes everything over that they do not
 * change.
 */
export function compileShared(intent: FabricIntent, previous?: CompiledFabric): SharedCompileResult {
  const problems: CompileProblem[] = [];
  const before = previous !== undefined && samePlan(previous.intent, intent) ? previous : undefined;
  const plan = before?.plan ?? planOf(intent, problems);
  // Of its own: what is resolved for a revision that is refused is not known afterwards.
  const context = withGroupsOf({ ...plan.context, ...groupsBefore(before) }, intent);
  forgetSets(context);
  const rules = resolveRules(intent, context, problems, before && knownRules(before, intent, context));
  if (problems.length > 0) return { ok: false, problems };
  const blocks = compiledBlocks(rules, plan, before);
  const bundles = bundlesOf(blocks, plan, before);
  reportLimits(bundles, plan.topology, before, problems);
  if (problems.length > 0) return { ok: false, problems };
  const changed = bundles.flatMap((bundle, edge) => (sameBundle(bundle, previous?.bundles[edge]) ? [] : [edge]));
  return { ok: true, fabric: { intent, plan, context, rules, blocks, bundles }, changed };
}

/** Whether the two differ in nothing but rules, groups, named services and policy tests. */
function samePlan(before: FabricIntent, after: FabricIntent): boolean {
  const others = { policies: undefined, groups: undefined, services: undefined, policyTests: undefined };
  return sameValue({ ...before, ...others }, { ...after, ...others });
}

function groupsBefore(before: CompiledFabric | undefined): Pick<RuleContext, 'groups' | 'groupSets'> {
  return { groups: before?.context.groups ?? new Map(), groupSets: before?.context.groupSets ?? new Map() };
}

function planOf(intent: FabricIntent, problems: CompileProblem[]): FabricPlan {
  const topology = checkTopology(intent, problems);
  checkReferences(intent, problems);
  reportUnfitForAh(intent, topology, problems);
  reportUnfitForTransport(intent, topology, problems);
  reportUnfitUplinks(intent, problems);
  const context = ruleContext(intent, topology);
  const routes = routeSections(topology);
  const writer = new OctetWriter();
  for (const { siteId, prefixes } of topology.owners) writer.text(siteId).text(prefixes.map(({ text }) => text).join());
  return {
    topology,
    context,
    paths: findPaths(intent.topology, topology),
    frames: topology.served.map((_, owner) => frameOf(intent, topology, owner)),
    routes: topology.served.map((_, owner) => routes(owner)),
    peers: new PeerSections(topology, intent, context.profiles),
    runs: new RunDigests(),
    addressPlan: writer.hash(),
  };
}

function frameOf(intent: FabricIntent, { served }: Topology, owner: number): BundleFrame {
  const { tenantId, keyingMode } = intent;
  const site = served[owner];
  if (site === undefined) throw new Error(`owner ${owner} has no edge`);
  const { edgeId, underlay, otherUnderlays, outerFamily } = site.edge;
  const [, ...standbys] = site.edges;
  return {
    tenantId,
    owner,
    edgeId,
    keyingMode: keyingMode ?? 'ike-less',
    device: { mtu: deviceMtu(outerFamily, intent) },
    underlay,
    otherUnderlays,
    identity: edgeIdentity(tenantId, edgeId),
    authentication: edgeAuthentication(tenantId),
    localNetworks: site.prefixes.map(({ text }) => text),
    mappings: site.mappings,
    standbys: standbys.map((edge) => ({
      edgeId: edge.edgeId,
      device: { mtu: deviceMtu(edge.outerFamily, intent) },
      underlay: edge.underlay,
      otherUnderlays: edge.otherUnderlays,
      identity: edgeIdentity(tenantId, edge.edgeId),
    })),
  };
}

/** Knows the rules of the revision before that were not edited, nor a group or service that they name. */
function knownRules(
  { intent, rules, context }: CompiledFabric,
  after: FabricIntent,
  { groups }: RuleContext,
): (rule: Rule) => ResolvedRule | undefined {
  const resolved = new Map(rules.map((rule) => [rule.ruleId, rule]));
  const written = new Map<string, Rule>();
  for (const policy of intent.policies) for (const rule of policy.rules) written.set(rule.id, rule);
  const [old, now] = [servicesOf(intent), servicesOf(after)];
  const same = (id: string) => now.has(id) && sameValue(old.get(id)?.services, now.get(id)?.services);
  const other = new Set([...groups.keys()].filter((id) => !sameGroup(context.groups.get(id), groups.get(id))));
  const stays = (selector: Selector) =>
    selector.kind !== 'group' || (groups.has(selector.groupId) && !other.has(selector.groupId));
  return (rule) => {
    const kept =
      sameValue(written.get(rule.id), rule) &&
      (rule.serviceIds ?? []).every(same) &&
      rule.sources.every(stays) &&
      rule.destinations.every(stays);
    return kept ? resolved.get(rule.id) : undefined;
  };
}

function compiledBlocks(
  rules: readonly ResolvedRule[],
  { topology, context }: FabricPlan,
  before: CompiledFabric | undefined,
): readonly CompiledBlock[] {
  const known = new Map((before?.blocks ?? []).map((block) => [block.rules[0], block]));
  return ruleBlocks(rules).map((block) => {
    const same = known.get(block[0]);
    if (same !== undefined && sameBlock(same.rules, block)) return same;
    return { rules: block, sections: siteSections(block, topology.served.length, context) };
  });
}

function bundlesOf(
  blocks: readonly CompiledBlock[],
  plan: FabricPlan,
  before: CompiledFabric | undefined,
): readonly SharedBundle[] {
  const replaced = before?.blocks.length === blocks.length ? replacedBlocks(blocks, before.blocks) : undefined;
  const policies = plan.frames.map((_, edge) => policiesOf(blocks, edge, before?.bundles[edge], replaced));
  if (before !== undefined && policies.every((sections, edge) => sections === before.bundles[edge]?.policies)) {
    // Relays have entries for what others send, too, even of rules that give nobody an entry of his own.
    if (plan.paths.kind === 'direct' || replaced?.length === 0) return before.bundles;
  }
  const links =
    plan.paths.kind === 'direct'
      ? undefined
      : siteLinks(
          policies.map(unionOfReaches),
          plan.paths,
          plan.topology,
          blocks.flatMap(({ rules }) => rules),
        );
  const meshed = fullMesh(plan.topology);
  return plan.frames.map((frame, edge): SharedBundle => {
    const old = before?.bundles[edge];
    const sections = policies[edge] ?? [];
    if (links === undefined && old !== undefined && sections === old.policies) return old;
    const link = links?.[edge];
    const peers = link === undefined ? directPeers(edge, sections, old, plan, meshed) : plan.peers.ofRoutes(link.uses);
    const transitDuties = link?.duties ?? [];
    const transit =
      transitDuties.length === 0 ? [] : blocks.map(({ rules }) => transitSection(rules, transitDuties, plan.context));
    const parts = { policies: sections, transit, transitDuties, peers, routes: plan.routes[edge] ?? [] };
    return sealedBundle(frame, parts, plan.addressPlan, plan.runs);
  });
}

function replacedBlocks(now: readonly CompiledBlock[], before: readonly CompiledBlock[]): readonly number[] {
  return now.flatMap((block, position) => (block === before[position] ? [] : [position]));
}

/** The sections of one edge; the very list of before when nothing in it changed. `replaced`: the only ones that may have. */
function policiesOf(
  blocks: readonly CompiledBlock[],
  edge: number,
  old: SharedBundle | undefined,
  replaced: readonly number[] | undefined,
): readonly SpdSection[] {
  if (old === undefined || replaced === undefined) return blocks.map(({ sections }) => sections[edge] ?? EMPTY_SECTION);
  let policies: SpdSection[] | undefined;
  for (const position of replaced) {
    const section = blocks[position]?.sections[edge] ?? EMPTY_SECTION;
    if (old.policies[position]?.id === section.id) continue;
    policies ??= old.policies.slice();
    policies[position] = section;
  }
  return policies ?? old.policies;
}

/** The very peers of before when no section reaches anybody else than it did. */
function directPeers(
  edge: number,
  sections: readonly SpdSection[],
  old: SharedBundle | undefined,
  { peers }: FabricPlan,
  meshed: Bitset,
): readonly PeerSection[] {
  const same =
    old?.policies.length === sections.length &&
    sections.every((section, index) => {
      const known = old.policies[index];
      return section === known || sameReaches(section.reaches, known?.reaches);
    });
  return same ? old.peers : peers.ofFullMesh(edge, unionOfReaches(sections), meshed);
}

function fullMesh({ owners, served }: Topology): Bitset {
  const bits = emptyBits(owners.length);
  for (const edge of served.keys()) setBit(bits, edge);
  return bits;
}

function sameBundle(bundle: SharedBundle, other: SharedBundle | undefined): boolean {
  if (bundle === other) return true;
  return other?.edgeId === bundle.edgeId && bundle.digest.every((octet, index) => octet === other.digest[index]);
}

/** What a bundle may not be, of those that were made anew. */
function reportLimits(
  bundles: readonly SharedBundle[],
  { served }: Topology,
  before: CompiledFabric | undefined,
  problems: CompileProblem[],
): void {
  const families = new Set(served.flatMap(({ edges }) => edges.map(({ underlayFamily }) => underlayFamily)));
  for (const [edge, bundle] of bundles.entries()) {
    const site = served[edge];
    if (site === undefined || bundle === before?.bundles[edge]) continue;
    if (families.size > 1) reportUnreachablePeers(edge, bundle, served, problems);
    const { pointer, name } = site.edge;
    const tunnels = bundle.peers.reduce((sum, { tunnelCount }) => sum + tunnelCount, 0);
    if (tunnels > MAX_TUNNELS) {
      problems.push({
        pointer,
        rule: 'too_many_tunnels',
        detail: `The edge "${name}" would need ${tunnels} tunnels; an edge accepts ${MAX_TUNNELS}.`,
        fix: 'Let fewer sites talk to the site of this edge, or give it a hub.',
      });
    }
    const routes = bundle.routes.reduce((sum, { prefixes }) => sum + prefixes.length, 0);
    if (routes > MAX_ROUTES) {
      problems.push({
        pointer,
        rule: 'too_many_routes',
        detail: `The edge "${name}" would need ${routes} routes; an edge accepts ${MAX_ROUTES}.`,
        fix: 'Join networks of the other sites into fewer, wider prefixes.',
      });
    }
  }
}

function reportUnreachablePeers(
  edge: number,
  bundle: SharedBundle,
  served: readonly ServedSite[],
  problems: CompileProblem[],
): void {
  for (const { owner } of peersOf(bundle)) {
    if (owner < edge) continue;
    for (const one of served[edge]?.edges ?? []) {
      for (const other of served[owner]?.edges ?? []) {
        if (one.underlayFamily === other.underlayFamily) continue;
        problems.push({
          pointer: `${other.pointer}/underlayAddress`,
          rule: 'underlay_family_mismatch',
          detail: `The edges "${one.name}" (${one.underlay.address}) and "${other.name}" (${other.underlay.address}) cannot reach each other: their underlay addresses are of different IP versions.`,
          fix: 'Give both edges underlay addresses of the same IP version, or do not protect traffic between their sites.',
        });
      }
    }
  }
}

/** What an edge accepts in one bundle. */
const MAX_TUNNELS = 4096;
const MAX_ROUTES = 65_536;
