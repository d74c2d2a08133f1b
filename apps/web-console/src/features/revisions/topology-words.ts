import type { TopologyInput } from '../../api/index.js';
import { TOPOLOGIES } from '../fabric/topology-form.js';

type NameOf = (id: string) => string;

/**
 * What became of a topology, in lines: hubs, spokes, meshes, links and relays that come and go. A tenant without one has a full mesh.
 */
export function topologyWords(
  before: TopologyInput | null,
  after: TopologyInput | null,
  nameOf: NameOf,
): readonly string[] {
  const [was, is] = [before ?? FULL_MESH, after ?? FULL_MESH];
  if (was.kind !== is.kind) {
    return [`${labelOf(was)} becomes ${labelOf(is).toLowerCase()}`, ...partsOf(is, nameOf).values()];
  }
  return [
    ...(was.kind === 'hub_and_spoke' && is.kind === 'hub_and_spoke' ? firstHubWords(was, is, nameOf) : []),
    ...differenceWords(partsOf(was, nameOf), partsOf(is, nameOf)),
  ];
}

/** What a topology is made of, in words, by what each is about: the same thing may be said of it otherwise afterwards. */
function partsOf(topology: TopologyInput, nameOf: NameOf): ReadonlyMap<string, string> {
  switch (topology.kind) {
    case 'full_mesh':
      return new Map();
    case 'hub_and_spoke':
      return new Map([
        ...topology.hubSiteIds.map((id) => [`hub ${id}`, `hub ${nameOf(id)}`] as const),
        ...(topology.homes ?? []).map(
          ({ siteId, hubSiteId }) =>
            [`home ${siteId}`, `spoke ${nameOf(siteId)} has its tunnel with ${nameOf(hubSiteId)}`] as const,
        ),
      ]);
    case 'partial_mesh':
      return new Map(
        topology.meshes.map((ids, index) => [`mesh ${index}`, `mesh ${index + 1}: ${ids.map(nameOf).join(', ')}`]),
      );
    case 'custom_links':
      return new Map([
        ...topology.links.map(({ siteIds }) => {
          return [`link ${[...siteIds].sort().join(' ')}`, `link ${siteIds.map(nameOf).join(' – ')}`] as const;
        }),
        ...(topology.relaySiteIds ?? []).map((id) => [`relay ${id}`, `relay ${nameOf(id)}`] as const),
      ]);
  }
}

function differenceWords(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): readonly string[] {
  const gone = [...was].flatMap(([part, words]) => (is.has(part) ? [] : [`${words}: removed`]));
  const other = [...is].flatMap(([part, words]) => {
    const old = was.get(part);
    if (old === undefined) return [`${words}: added`];
    // The two ends of a link may change places.
    return old === words || part.startsWith('link ') ? [] : [`${words}; before: ${old}`];
  });
  return [...gone, ...other];
}

type HubAndSpoke = Extract<TopologyInput, { kind: 'hub_and_spoke' }>;

/** The order of hubs says one thing: with whom those have their tunnel that have no hub of their own. */
function firstHubWords(was: HubAndSpoke, is: HubAndSpoke, nameOf: NameOf): readonly string[] {
  const [[old], [now]] = [was.hubSiteIds, is.hubSiteIds];
  if (old === undefined || now === undefined || old === now) return [];
  return [`spokes without a hub of their own have their tunnel with ${nameOf(now)}; before: ${nameOf(old)}`];
}

function labelOf({ kind }: TopologyInput): string {
  return TOPOLOGIES.find(({ value }) => value === kind)?.label ?? kind;
}

const FULL_MESH: TopologyInput = { kind: 'full_mesh' };
