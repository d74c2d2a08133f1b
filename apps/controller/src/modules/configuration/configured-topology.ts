import { z } from 'zod';
import { Name } from '../../platform/http/schemas.js';
import { namedSites } from '../topology/stored-topology.js';
import {
  MAX_HOMES,
  MAX_HUBS,
  MAX_LINKS,
  MAX_MESH_SITES,
  MAX_MESHES,
  MAX_RELAYS,
  type TopologyInput,
} from '../topology/topology.dto.js';
import { topologyProblems } from '../topology/topology-problems.js';

/** As `TopologyInput`, with names. */
export const ConfiguredTopology = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('full_mesh') }),
    z.strictObject({
      kind: z.literal('hub_and_spoke'),
      hubs: z.array(Name).min(1).max(MAX_HUBS),
      homes: z
        .array(z.strictObject({ site: Name, hub: Name }))
        .max(MAX_HOMES)
        .default([]),
    }),
    z.strictObject({
      kind: z.literal('partial_mesh'),
      meshes: z.array(z.array(Name).min(1).max(MAX_MESH_SITES)).max(MAX_MESHES),
    }),
    z.strictObject({
      kind: z.literal('custom_links'),
      links: z.array(z.strictObject({ sites: z.tuple([Name, Name]) })).max(MAX_LINKS),
      relays: z.array(Name).max(MAX_RELAYS).default([]),
    }),
  ])
  .superRefine((topology, context) => {
    for (const { path, rule, detail: message, fix } of topologyProblems(topologyInput(topology, (name) => name))) {
      context.addIssue({ code: 'custom', path: path.map(inDocument), message, params: { rule, fix } });
    }
  })
  .meta({ id: 'ConfiguredTopology', description: 'As TopologyInput, with names.' });

export type ConfiguredTopology = z.infer<typeof ConfiguredTopology>;

/** A topology as a document writes it. */
export function configuredTopology(topology: TopologyInput, name: (siteId: string) => string): ConfiguredTopology {
  switch (topology.kind) {
    case 'full_mesh':
      return topology;
    case 'hub_and_spoke': {
      const homes = topology.homes.map(({ siteId, hubSiteId }) => ({ site: name(siteId), hub: name(hubSiteId) }));
      return { kind: topology.kind, hubs: topology.hubSiteIds.map(name), homes };
    }
    case 'partial_mesh':
      return { kind: topology.kind, meshes: topology.meshes.map((siteIds) => siteIds.map(name)) };
    case 'custom_links':
      return {
        kind: topology.kind,
        links: topology.links.map(({ siteIds: [one, other] }) => ({ sites: [name(one), name(other)] })),
        relays: topology.relaySiteIds.map(name),
      };
  }
}

/** The other way round. */
export function topologyInput(topology: ConfiguredTopology, id: (site: string) => string): TopologyInput {
  switch (topology.kind) {
    case 'full_mesh':
      return topology;
    case 'hub_and_spoke': {
      const homes = topology.homes.map(({ site, hub }) => ({ siteId: id(site), hubSiteId: id(hub) }));
      return { kind: topology.kind, hubSiteIds: topology.hubs.map(id), homes };
    }
    case 'partial_mesh':
      return { kind: topology.kind, meshes: topology.meshes.map((sites) => sites.map(id)) };
    case 'custom_links':
      return {
        kind: topology.kind,
        links: topology.links.map(({ sites: [one, other] }) => ({ siteIds: [id(one), id(other)] })),
        relaySiteIds: topology.relays.map(id),
      };
  }
}

/** Every name of a site in it, with where it stands. */
export function topologySites(
  topology: ConfiguredTopology | undefined,
): readonly (readonly [pointer: string, site: string])[] {
  if (topology === undefined) return [];
  return namedSites(topologyInput(topology, (name) => name)).map(([pointer, site]) => {
    return [pointer.split('/').map(inDocument).join('/'), site] as const;
  });
}

/** What a document calls a field that has an identifier otherwise. */
function inDocument<Segment extends string | number>(segment: Segment): Segment | string {
  return FIELDS.get(String(segment)) ?? segment;
}

const FIELDS = new Map([
  ['hubSiteIds', 'hubs'],
  ['siteId', 'site'],
  ['hubSiteId', 'hub'],
  ['siteIds', 'sites'],
  ['relaySiteIds', 'relays'],
]);
