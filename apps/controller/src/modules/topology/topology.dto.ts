import { z } from 'zod';
import { Identifier } from '../../platform/http/schemas.js';
import { type TopologyProblem, topologyProblems } from './topology-problems.js';

export const MAX_HUBS = 64;
export const MAX_HOMES = 10_000;
export const MAX_MESHES = 1000;
export const MAX_MESH_SITES = 1000;
export const MAX_LINKS = 20_000;
export const MAX_RELAYS = 1000;

const HubAndSpoke = z
  .strictObject({
    kind: z.literal('hub_and_spoke'),
    hubSiteIds: z.array(Identifier).min(1).max(MAX_HUBS).meta({ description: 'They have tunnels with each other.' }),
    homes: z
      .array(z.strictObject({ siteId: Identifier, hubSiteId: Identifier }))
      .max(MAX_HOMES)
      .default([])
      .meta({ description: 'Which hub a site has its tunnel with; all others have theirs with the first one.' }),
  })
  .superRefine((topology, context) => report(context, topologyProblems(topology)));

const PartialMesh = z
  .strictObject({
    kind: z.literal('partial_mesh'),
    meshes: z.array(z.array(Identifier).min(1).max(MAX_MESH_SITES)).max(MAX_MESHES),
  })
  .superRefine((topology, context) => report(context, topologyProblems(topology)));

const CustomLinks = z
  .strictObject({
    kind: z.literal('custom_links'),
    links: z.array(z.strictObject({ siteIds: z.tuple([Identifier, Identifier]) })).max(MAX_LINKS),
    relaySiteIds: z.array(Identifier).max(MAX_RELAYS).default([]).meta({ description: 'Sites that pass packets on.' }),
  })
  .superRefine((topology, context) => report(context, topologyProblems(topology)));

export const TopologyInput = z
  .discriminatedUnion(
    'kind',
    [z.strictObject({ kind: z.literal('full_mesh') }), HubAndSpoke, PartialMesh, CustomLinks],
    // Of a kind that there is not, fields that no kind has are named as well.
    { unionFallback: true },
  )
  .meta({
    id: 'TopologyInput',
    description:
      'Which sites have tunnels with each other. full_mesh: any two that rules let talk, which is what a new tenant has. hub_and_spoke: every site with its hub alone, and hubs among themselves; a hub decrypts what goes from one to another, holds it against the policy, and protects it again. partial_mesh: the sites of each mesh with each other, and nobody passes anything on. custom_links: these and no others; relays pass packets on. What a rule allows and no way leads to fails the proof. In force with the next revision.',
    examples: [{ kind: 'hub_and_spoke', hubSiteIds: ['01890a5d-ac96-774b-bcce-b302099a8057'], homes: [] }],
  });

export const Topology = z
  .object({
    topology: TopologyInput,
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
  })
  .meta({ id: 'Topology' });

export type TopologyInput = z.infer<typeof TopologyInput>;
export type Topology = z.infer<typeof Topology>;

function report(context: z.RefinementCtx, problems: readonly TopologyProblem[]): void {
  for (const { path, rule, detail: message, fix } of problems) {
    context.addIssue({ code: 'custom', path: [...path], message, params: { rule, fix } });
  }
}
