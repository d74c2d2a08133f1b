import { byAddress } from '../address/prefix.js';
import type { BundleTunnel, EdgeBundle } from '../bundle.js';
import type { TopologyEdge } from '../edges.js';
import { externalTunnels } from '../external-tunnels.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { FabricIntent } from '../intent.js';
import { deviceMtu } from '../overlay-mtu.js';
import type { CompileProblem } from '../problem.js';
import { poolPrefixes, routedPrefixes, type Topology } from '../topology.js';
import { reportUnfitProfiles } from '../tunnel-profiles.js';
import { reportUnfitStarts } from '../tunnel-starts.js';
import { pathWatchOf } from '../uplinks.js';
import { AddressLists } from './address-lists.js';
import { DeliveredEntries } from './delivered-entries.js';
import { deliveredTunnels, type TunnelContext } from './delivered-tunnels.js';
import { PeerChoices } from './peer-choices.js';

export type DeliveryResult =
  | {
      readonly ok: true;
      /** By edge id; one for every edge of the intent, or of those that were asked for. */
      readonly bundles: ReadonlyMap<string, EdgeBundle>;
    }
  | Refusal;

export type DeliveryPlan = { readonly ok: true; readonly delivery: Delivery } | Refusal;

interface Refusal {
  readonly ok: false;
  readonly problems: readonly CompileProblem[];
}

/**
 * Writes a compiled fabric as the bundles that its edges are given, or says what of it they cannot be given. An entry that protects
 * names no tunnel: its packets go into the one that carries their remote address, as the shared bundle has it that was proven.
 *
 * @param edgeIds only the bundles of these edges.
 */
export function deliverFabric(fabric: CompiledFabric, edgeIds?: ReadonlySet<string>): DeliveryResult {
  const plan = planDelivery(fabric);
  if (!plan.ok) return plan;
  const bundles = fabric.bundles.flatMap(({ owner }) => plan.delivery.bundlesOf(owner, edgeIds));
  return { ok: true, bundles: new Map(bundles.map((bundle) => [bundle.edgeId, bundle])) };
}

/** The same site by site, for who does not want all of them in memory at once. */
export function planDelivery(fabric: CompiledFabric): DeliveryPlan {
  const { intent, plan, rules } = fabric;
  const problems = undeliverable(intent);
  const external = externalTunnels(intent, plan.topology, rules, problems);
  if (problems.length > 0) return { ok: false, problems };
  const choices = new PeerChoices(fabric);
  choices.report(fabric.bundles, problems);
  const delivery = new Delivery(fabric, external, choices);
  for (const bundle of fabric.bundles) delivery.reportLimits(bundle, problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, delivery };
}

/** What edges cannot be given of an intent, as far as that can be said before it is compiled, or where it does not compile. */
export function undeliverable(intent: FabricIntent): CompileProblem[] {
  const problems: CompileProblem[] = [];
  reportUnfitProfiles(intent, problems);
  reportUnfitStarts(intent, problems);
  return problems;
}

/** What edges are given of a fabric that they can be given. */
export class Delivery {
  readonly #fabric: CompiledFabric;
  readonly #context: TunnelContext;
  readonly #choices: PeerChoices;
  readonly #entries: DeliveredEntries;
  readonly #routes: ReturnType<typeof fabricRoutes>;

  constructor(fabric: CompiledFabric, external: TunnelContext['external'], choices: PeerChoices) {
    const { intent, plan } = fabric;
    const { topology } = plan;
    const lists = new AddressLists(topology.ownership);
    this.#fabric = fabric;
    this.#context = { intent, topology, lists, external };
    this.#choices = choices;
    this.#entries = new DeliveredEntries(lists, topology.ownership);
    this.#routes = fabricRoutes(topology);
  }

  /** The bundles of a site with this number among the owners, preferred edge first; those of other edges than `edgeIds` are left out. */
  bundlesOf(owner: number, edgeIds?: ReadonlySet<string>): readonly EdgeBundle[] {
    const { intent, plan, bundles } = this.#fabric;
    const [shared, site] = [bundles[owner], plan.topology.served[owner]];
    const edges = (site?.edges ?? []).filter(({ edgeId }) => edgeIds?.has(edgeId) ?? true);
    if (shared === undefined || site === undefined || edges.length === 0) return [];
    const [securityPolicies, peers] = [this.#entries.of(shared), this.#choices.of(shared)];
    const routes = this.#routes.filter(({ siteId }) => siteId !== site.siteId).map(({ text }) => text);
    const localNetworks = site.prefixes.map(({ text }) => text);
    return edges.map((edge): EdgeBundle => {
      const { tunnels, tunnelGroups } = deliveredTunnels(edge, peers, this.#context);
      return {
        tenantId: intent.tenantId,
        edgeId: edge.edgeId,
        device: { mtu: deviceMtu(edge.outerFamily, intent) },
        underlay: edge.underlay,
        ...uplinksOf(edge, tunnels),
        tunnels,
        securityPolicies,
        routes,
        localNetworks,
        networkMappings: site.mappings,
        tunnelGroups,
      };
    });
  }

  /** Reports what no edge takes, but for what is reported of shared bundles. */
  reportLimits(bundle: SharedBundle, problems: CompileProblem[]): void {
    const site = this.#context.topology.served[bundle.owner];
    if (site === undefined) return;
    const { pointer, name } = site.edge;
    const { entries, ranges } = this.#entries.sizeOf(bundle);
    if (ranges > MAX_RANGES) {
      problems.push({
        pointer,
        rule: 'too_many_entries',
        detail: `The SPD entries of the edge "${name}" would name ${ranges} ranges of addresses; an edge accepts ${MAX_RANGES}.`,
        fix: 'Join networks of the sites into fewer, wider prefixes that touch, or use fewer rules.',
      });
    }
    if (entries > MAX_ENTRIES) {
      const relays = bundle.transit.some((section) => section.entries.length > 0);
      problems.push({
        pointer,
        rule: 'too_many_entries',
        detail: `The edge "${name}" would need ${entries} SPD entries; an edge accepts ${MAX_ENTRIES}.`,
        fix: relays
          ? 'Use fewer rules. The edge relays, and has entries for what others send through it, too: share the sites out among more hubs, or let those that talk much have tunnels with each other.'
          : 'Use fewer rules.',
      });
    }
    if (site.mappings.length > MAX_MAPPINGS) {
      problems.push({
        pointer,
        rule: 'too_many_mappings',
        detail: `The edge "${name}" would need ${site.mappings.length} mapped networks; an edge accepts ${MAX_MAPPINGS}.`,
        fix: 'Join networks of its site into fewer, wider prefixes.',
      });
    }
  }
}

/** Also what is behind external peers and of pools: what is for that never leaves in the clear, wherever it comes from. */
function fabricRoutes(topology: Topology): readonly { readonly siteId: string | undefined; readonly text: string }[] {
  return [
    ...topology.owners.flatMap((owner) => routedPrefixes(owner).map((prefix) => ({ siteId: owner.siteId, prefix }))),
    ...poolPrefixes(topology).map((prefix) => ({ siteId: undefined, prefix })),
  ]
    .sort((left, right) => byAddress(left.prefix, right.prefix))
    .map(({ siteId, prefix }) => ({ siteId, text: prefix.text }));
}

function uplinksOf(
  { otherUnderlays }: TopologyEdge,
  tunnels: readonly BundleTunnel[],
): Pick<EdgeBundle, 'otherUnderlays' | 'pathWatch'> {
  const own = otherUnderlays.length === 0 ? {} : { otherUnderlays };
  const pathWatch = pathWatchOf({ ...own, tunnels });
  return { ...own, ...(pathWatch === undefined ? {} : { pathWatch }) };
}

/** What an edge accepts in one bundle. */
const MAX_ENTRIES = 100_000;
const MAX_RANGES = 4_194_304;
const MAX_MAPPINGS = 256;
