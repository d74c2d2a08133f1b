import type { Topology, TopologyInput } from '../../api/index.js';

export type TopologyKind = TopologyInput['kind'];

/** A topology as the form has it: what belongs to another kind stays while somebody looks at several. */
export interface TopologyValues {
  readonly kind: TopologyKind;
  readonly hubs: readonly string[];
  /** By hub, but for the first: the sites that have their tunnel with it. */
  readonly homes: Readonly<Record<string, readonly string[]>>;
  readonly meshes: readonly Row[];
  readonly links: readonly Row[];
  readonly relays: readonly string[];
}

/** Some sites, in a list that grows and shrinks while somebody looks at it. */
export interface Row {
  readonly key: number;
  readonly siteIds: readonly string[];
}

export interface TopologyChoice {
  readonly value: TopologyKind;
  readonly label: string;
  /** One sentence. */
  readonly meaning: string;
}

/** The first is what a new tenant has. */
export const TOPOLOGIES: readonly [TopologyChoice, ...TopologyChoice[]] = [
  {
    value: 'full_mesh',
    label: 'Full mesh',
    meaning: 'Any two sites that rules let talk have a tunnel with each other.',
  },
  {
    value: 'hub_and_spoke',
    label: 'Hub and spoke',
    meaning:
      'Every site has a tunnel with its hub alone; the hub decrypts what goes from one to another, holds it against the policy, and encrypts it again.',
  },
  {
    value: 'partial_mesh',
    label: 'Partial mesh',
    meaning: 'The sites of each mesh have tunnels with each other, and nobody passes anything on.',
  },
  {
    value: 'custom_links',
    label: 'Custom links',
    meaning: 'These tunnels and no others; relays pass on what is not for them, as a hub does.',
  },
];

export function topologyValues(topology: TopologyInput): TopologyValues {
  const nothing: TopologyValues = { kind: topology.kind, hubs: [], homes: {}, meshes: [], links: [], relays: [] };
  switch (topology.kind) {
    case 'full_mesh':
      return nothing;
    case 'hub_and_spoke': {
      const homes: Record<string, string[]> = {};
      for (const { siteId, hubSiteId } of topology.homes ?? []) {
        homes[hubSiteId] = [...(homes[hubSiteId] ?? []), siteId];
      }
      return { ...nothing, hubs: topology.hubSiteIds, homes };
    }
    case 'partial_mesh':
      return { ...nothing, meshes: topology.meshes.map(rowOf) };
    case 'custom_links':
      return {
        ...nothing,
        links: topology.links.map(({ siteIds }, key) => rowOf(siteIds, key)),
        relays: topology.relaySiteIds ?? [],
      };
  }
}

/** What the controller is asked for, or what is missing. */
export function readTopology(values: TopologyValues): { readonly body: TopologyInput } | { readonly problem: string } {
  switch (values.kind) {
    case 'full_mesh':
      return { body: { kind: values.kind } };
    case 'hub_and_spoke': {
      if (values.hubs.length === 0) return { problem: 'Choose a hub.' };
      const homes = values.hubs.flatMap((hubSiteId) =>
        (values.homes[hubSiteId] ?? []).map((siteId) => ({ siteId, hubSiteId })),
      );
      return { body: { kind: values.kind, hubSiteIds: [...values.hubs], homes } };
    }
    case 'partial_mesh': {
      if (values.meshes.some(({ siteIds }) => siteIds.length === 0)) {
        return { problem: 'A mesh has no sites. Choose some, or remove it.' };
      }
      return { body: { kind: values.kind, meshes: values.meshes.map(({ siteIds }) => [...siteIds]) } };
    }
    case 'custom_links': {
      const links = values.links.flatMap(({ siteIds: [one, other] }) =>
        one === undefined || other === undefined ? [] : [{ siteIds: [one, other] as [string, string] }],
      );
      if (links.length < values.links.length) {
        return { problem: 'A link has fewer than two ends. Choose both, or remove it.' };
      }
      return { body: { kind: values.kind, links, relaySiteIds: [...values.relays] } };
    }
  }
}

/** Whether saving would change something. */
export function differs({ topology }: Topology, values: TopologyValues): boolean {
  const read = readTopology(values);
  const known = readTopology(topologyValues(topology));
  return 'problem' in read || JSON.stringify(read) !== JSON.stringify(known);
}

/** With one more at the end. */
export function withRow(rows: readonly Row[]): readonly Row[] {
  return [...rows, { key: Math.max(-1, ...rows.map(({ key }) => key)) + 1, siteIds: [] }];
}

function rowOf(siteIds: readonly string[], key: number): Row {
  return { key, siteIds };
}
