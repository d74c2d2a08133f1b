import type { TopologyInput } from './topology.dto.js';

/** What is wrong with one place of a topology, whether it names sites by identifier or by name. */
export interface TopologyProblem {
  readonly path: readonly (string | number)[];
  readonly rule: 'duplicate_site' | 'duplicate_link' | 'same_site' | 'not_a_hub' | 'too_big';
  readonly detail: string;
  readonly fix: string;
}

/** What cannot be in any topology; whether the sites are there is for the tables to say. */
export function topologyProblems(topology: TopologyInput): readonly TopologyProblem[] {
  switch (topology.kind) {
    case 'full_mesh':
      return [];
    case 'hub_and_spoke':
      return [
        ...twice(topology.hubSiteIds, (index) => ['hubSiteIds', index]),
        ...twice(
          topology.homes.map(({ siteId }) => siteId),
          (index) => ['homes', index, 'siteId'],
        ),
        ...homeProblems(topology),
      ];
    case 'partial_mesh':
      return [
        ...topology.meshes.flatMap((mesh, number) => twice(mesh, (index) => ['meshes', number, index])),
        ...tooManyInMeshes(topology.meshes),
      ];
    case 'custom_links':
      return [...linkProblems(topology.links), ...twice(topology.relaySiteIds, (index) => ['relaySiteIds', index])];
  }
}

function twice(siteIds: readonly string[], pathOf: (index: number) => TopologyProblem['path']): TopologyProblem[] {
  const known = new Set<string>();
  return siteIds.flatMap((siteId, index): TopologyProblem[] => {
    if (known.has(siteId)) {
      const detail = 'The site stands here twice';
      return [{ path: pathOf(index), rule: 'duplicate_site', detail, fix: 'Name each site once.' }];
    }
    known.add(siteId);
    return [];
  });
}

function homeProblems({
  hubSiteIds,
  homes,
}: Extract<TopologyInput, { readonly kind: 'hub_and_spoke' }>): TopologyProblem[] {
  const hubs = new Set(hubSiteIds);
  return homes.flatMap(({ siteId, hubSiteId }, index): TopologyProblem[] => {
    if (hubs.has(siteId)) {
      const fix = 'Leave it away: hubs have tunnels with each other.';
      return [{ path: ['homes', index, 'siteId'], rule: 'same_site', detail: 'The site is a hub itself', fix }];
    }
    if (hubs.has(hubSiteId)) return [];
    const detail = 'The site is not among the hubs';
    return [{ path: ['homes', index, 'hubSiteId'], rule: 'not_a_hub', detail, fix: 'Name one of the hubs.' }];
  });
}

function linkProblems(links: readonly { readonly siteIds: readonly [string, string] }[]): TopologyProblem[] {
  const known = new Set<string>();
  return links.flatMap(({ siteIds }, index): TopologyProblem[] => {
    const path = ['links', index, 'siteIds'];
    if (siteIds[0] === siteIds[1]) {
      const detail = 'Both ends of the link are the same site';
      return [{ path, rule: 'same_site', detail, fix: 'Name two sites.' }];
    }
    // A name has no line feed.
    const key = [...siteIds].sort().join('\n');
    if (known.has(key)) {
      const detail = 'The link stands here twice';
      return [{ path, rule: 'duplicate_link', detail, fix: 'Name each link once; it is one in both directions.' }];
    }
    known.add(key);
    return [];
  });
}

function tooManyInMeshes(meshes: readonly (readonly string[])[]): TopologyProblem[] {
  const count = meshes.reduce((sum, mesh) => sum + mesh.length, 0);
  if (count <= MAX_SITES_OF_MESHES) return [];
  const detail = `The meshes name ${count} sites, and ${MAX_SITES_OF_MESHES} is the most`;
  return [{ path: ['meshes'], rule: 'too_big', detail, fix: 'Use fewer or smaller meshes.' }];
}

const MAX_SITES_OF_MESHES = 20_000;
