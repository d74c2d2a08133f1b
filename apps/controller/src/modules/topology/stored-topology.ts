import type { IntentTopology } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { TopologyInput } from './topology.dto.js';

/** A row of `topology_members` without its place. */
export interface TopologyMember {
  readonly kind: 'hub' | 'home' | 'mesh' | 'link' | 'relay';
  readonly siteId: string;
  readonly otherSiteId?: string;
  readonly mesh?: number;
}

export interface StoredTopology {
  readonly kind: Exclude<TopologyInput['kind'], 'full_mesh'>;
  readonly members: readonly TopologyMember[];
}

export const FULL_MESH: TopologyInput = { kind: 'full_mesh' };

/** The topology of the tenant `t` as it is stored; null: a full mesh. */
export function topologyJson(sql: SqlExecutor) {
  return sql`(
    select json_build_object('kind', y.kind, 'members', coalesce((
      select json_agg(json_strip_nulls(json_build_object(
        'kind', m.kind, 'siteId', m.site_id, 'otherSiteId', m.other_site_id, 'mesh', m.mesh)) order by m.position)
      from topology_members m where m.tenant_id = y.tenant_id), '[]'))
    from topologies y where y.tenant_id = t.id)`;
}

/** What stands for a topology in the tables; undefined: nothing, it is a full mesh. */
export function storedTopology(topology: IntentTopology): StoredTopology | undefined {
  switch (topology.kind) {
    case 'full_mesh':
      return undefined;
    case 'hub_and_spoke': {
      const hubs = topology.hubSiteIds.map((siteId): TopologyMember => ({ kind: 'hub', siteId }));
      const homes = (topology.homes ?? []).map(
        ({ siteId, hubSiteId }): TopologyMember => ({ kind: 'home', siteId, otherSiteId: hubSiteId }),
      );
      return { kind: topology.kind, members: [...hubs, ...homes] };
    }
    case 'partial_mesh': {
      const members = topology.meshes.flatMap((siteIds, mesh) =>
        siteIds.map((siteId): TopologyMember => ({ kind: 'mesh', siteId, mesh })),
      );
      return { kind: topology.kind, members };
    }
    case 'custom_links': {
      const links = topology.links.map(
        ({ siteIds: [siteId, otherSiteId] }): TopologyMember => ({ kind: 'link', siteId, otherSiteId }),
      );
      const relays = topology.relaySiteIds.map((siteId): TopologyMember => ({ kind: 'relay', siteId }));
      return { kind: topology.kind, members: [...links, ...relays] };
    }
  }
}

/** The other way round. */
export function topologyOf(stored: StoredTopology | null): TopologyInput {
  if (stored === null) return FULL_MESH;
  const of = (kind: TopologyMember['kind']) => stored.members.filter((member) => member.kind === kind);
  switch (stored.kind) {
    case 'hub_and_spoke':
      return {
        kind: stored.kind,
        hubSiteIds: of('hub').map(({ siteId }) => siteId),
        homes: of('home').map(({ siteId, otherSiteId = '' }) => ({ siteId, hubSiteId: otherSiteId })),
      };
    case 'partial_mesh': {
      const meshes: string[][] = [];
      for (const { siteId, mesh = 0 } of of('mesh')) {
        const siteIds = meshes[mesh] ?? [];
        siteIds.push(siteId);
        meshes[mesh] = siteIds;
      }
      return { kind: stored.kind, meshes };
    }
    case 'custom_links':
      return {
        kind: stored.kind,
        links: of('link').map(({ siteId, otherSiteId = '' }) => ({ siteIds: [siteId, otherSiteId] })),
        relaySiteIds: of('relay').map(({ siteId }) => siteId),
      };
  }
}

/** Every site that it names, with where it does. */
export function namedSites(topology: TopologyInput): readonly (readonly [pointer: string, siteId: string])[] {
  switch (topology.kind) {
    case 'full_mesh':
      return [];
    case 'hub_and_spoke':
      return [
        ...listed('/hubSiteIds', topology.hubSiteIds),
        ...topology.homes.flatMap(({ siteId, hubSiteId }, index) => [
          [`/homes/${index}/siteId`, siteId] as const,
          [`/homes/${index}/hubSiteId`, hubSiteId] as const,
        ]),
      ];
    case 'partial_mesh':
      return topology.meshes.flatMap((siteIds, mesh) => listed(`/meshes/${mesh}`, siteIds));
    case 'custom_links':
      return [
        ...topology.links.flatMap(({ siteIds }, index) => listed(`/links/${index}/siteIds`, siteIds)),
        ...listed('/relaySiteIds', topology.relaySiteIds),
      ];
  }
}

function listed(pointer: string, siteIds: readonly string[]) {
  return siteIds.map((siteId, index) => [`${pointer}/${index}`, siteId] as const);
}
