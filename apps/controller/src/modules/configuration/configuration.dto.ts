import { z } from 'zod';
import { Description, Name, Prefix, UnderlayAddress } from '../../platform/http/schemas.js';
import { addressPoolFields, MAX_ADDRESS_POOLS, refineNames } from '../address-pools/address-pool.dto.js';
import { OtherUnderlayAddresses, Preference, UnderlayPort } from '../edges/edge.dto.js';
import { MAX_EXTERNAL_PEERS } from '../external-peers/external-peer.dto.js';
import { LABEL_MEMBERS, MAX_GROUPS } from '../groups/group.dto.js';
import { Labels } from '../labels.dto.js';
import { MAX_NAMED_SERVICES } from '../named-services/named-service.dto.js';
import { MappedPrefix } from '../networks/network.dto.js';
import { Action, ANY_SERVICE, Confidential, MAX_NAMED, MAX_POLICIES, Service } from '../policies/policy.dto.js';
import { MAX_POLICY_TESTS } from '../policy-tests/policy-test.dto.js';
import { ConfiguredProfile, MAX_PROFILES } from '../profiles/profile.dto.js';
import { Encapsulation, IpsecMode, KeyingMode, SecurityProtocol } from '../tenants/tenant.dto.js';
import { TunnelStart } from '../tunnel-start.dto.js';
import { ConfiguredExternalPeer } from './configured-external-peer.js';
import { ConfiguredTopology } from './configured-topology.js';

const MAX_SITES = 10_000;
const MAX_NETWORKS = 20_000;
const MAX_RULES = 500;
const MAX_SELECTORS = 100;
const MAX_SERVICES = 50;
const MAX_MEMBERS = 1000;

const NAMED_PLACES = [
  z.strictObject({ kind: z.literal('site'), site: Name }),
  z.strictObject({ kind: z.literal('network'), site: Name, network: Name }),
  z.strictObject({ kind: z.literal('prefix'), prefix: Prefix }),
  z.strictObject({ kind: z.literal('external_peer'), externalPeer: Name }),
] as const;

export const NamedSelector = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('any') }),
    ...NAMED_PLACES,
    z.strictObject({ kind: z.literal('address_pool'), addressPool: Name }),
    z.strictObject({ kind: z.literal('group'), group: Name }),
  ])
  .meta({ id: 'NamedSelector', description: 'As Selector, with names: a network has its name within its site.' });

export const NamedGroupMember = z.discriminatedUnion('kind', [...NAMED_PLACES, ...LABEL_MEMBERS]).meta({
  id: 'NamedGroupMember',
  description: 'As GroupMember, with names.',
});

const sides = {
  sources: z.array(NamedSelector).min(1).max(MAX_SELECTORS),
  destinations: z.array(NamedSelector).min(1).max(MAX_SELECTORS),
};
const SomeServices = z.array(Service).min(1).max(MAX_SERVICES);

export const ConfiguredSite = z
  .strictObject({ name: Name, description: Description.default(''), labels: Labels.default({}) })
  .meta({ id: 'ConfiguredSite' });

export const ConfiguredNetwork = z
  .strictObject({
    site: Name,
    name: Name,
    prefix: Prefix,
    mappedPrefix: MappedPrefix.optional(),
    labels: Labels.default({}),
  })
  .meta({ id: 'ConfiguredNetwork' });

export const ConfiguredEdge = z
  .strictObject({
    name: Name,
    site: Name,
    underlayAddress: UnderlayAddress,
    otherUnderlayAddresses: OtherUnderlayAddresses.default([]),
    underlayPort: UnderlayPort.default(4500),
    preference: Preference.optional().meta({
      description: 'Absent: as it is, and of a new edge behind all others of its site.',
    }),
  })
  .meta({ id: 'ConfiguredEdge' });

export const ConfiguredAddressPool = z
  .strictObject({ ...addressPoolFields, site: Name })
  .superRefine(refineNames)
  .meta({ id: 'ConfiguredAddressPool', description: 'As AddressPool, with the name of its site.' });

export const ConfiguredGroup = z
  .strictObject({
    name: Name,
    description: Description.default(''),
    members: z.array(NamedGroupMember).max(MAX_MEMBERS),
  })
  .meta({ id: 'ConfiguredGroup' });

export const ConfiguredService = z
  .strictObject({ name: Name, description: Description.default(''), services: SomeServices })
  .meta({ id: 'ConfiguredService', description: 'A named service.' });

export const ConfiguredRule = z
  .strictObject({
    name: Name,
    action: Action,
    enabled: z.boolean().default(true),
    ...sides,
    services: z.array(Service).max(MAX_SERVICES),
    namedServices: z
      .array(Name)
      .max(MAX_NAMED)
      .default([])
      .meta({ description: 'By name, in addition to `services`; a rule has one of either at least.' }),
    profile: Name.optional().meta({ description: 'By name; absent: the default one.' }),
    tunnelStart: TunnelStart.optional().meta({ description: 'Absent: as the fabric has it.' }),
  })
  .refine(({ services, namedServices }) => services.length + namedServices.length > 0, ANY_SERVICE)
  .meta({ id: 'ConfiguredRule' });

export const ConfiguredPolicy = z
  .strictObject({
    name: Name,
    description: Description.default(''),
    enabled: z.boolean().default(true),
    confidential: Confidential.default(false),
    rules: z.array(ConfiguredRule).max(MAX_RULES),
  })
  .meta({ id: 'ConfiguredPolicy' });

export const ConfiguredPolicyTest = z
  .strictObject({
    name: Name,
    description: Description.default(''),
    ...sides,
    services: SomeServices,
    expect: z.enum(['allowed', 'denied']),
  })
  .meta({ id: 'ConfiguredPolicyTest' });

export const Configuration = z
  .strictObject({
    version: z.literal(1).meta({ description: 'Of the form of this document.' }),
    fabric: z
      .strictObject({
        keyingMode: KeyingMode.optional(),
        encapsulation: Encapsulation.optional(),
        securityProtocol: SecurityProtocol.optional(),
        mode: IpsecMode.optional(),
        defaultProfile: Name.nullable().optional().meta({ description: 'By name; null: that of the product.' }),
        tunnelStart: TunnelStart.optional(),
        topology: ConfiguredTopology.optional(),
      })
      .optional()
      .meta({ id: 'ConfiguredFabric', description: 'Absent fields keep their value.' }),
    sites: z.array(ConfiguredSite).max(MAX_SITES).optional(),
    networks: z.array(ConfiguredNetwork).max(MAX_NETWORKS).optional(),
    edges: z.array(ConfiguredEdge).max(MAX_SITES).optional(),
    addressPools: z.array(ConfiguredAddressPool).max(MAX_ADDRESS_POOLS).optional(),
    externalPeers: z.array(ConfiguredExternalPeer).max(MAX_EXTERNAL_PEERS).optional(),
    groups: z.array(ConfiguredGroup).max(MAX_GROUPS).optional(),
    services: z.array(ConfiguredService).max(MAX_NAMED_SERVICES).optional(),
    profiles: z.array(ConfiguredProfile).max(MAX_PROFILES).optional(),
    policies: z.array(ConfiguredPolicy).max(MAX_POLICIES).optional().meta({ description: 'In order.' }),
    policyTests: z.array(ConfiguredPolicyTest).max(MAX_POLICY_TESTS).optional(),
  })
  .meta({
    id: 'Configuration',
    description:
      'What people configure in a tenant, by name and without identifiers or secrets: for a repository and for another tenant. ' +
      'A list that is absent is left as it is. Of the key of an external peer it says that there is one; a document may have the key itself.',
    examples: [
      {
        version: 1,
        sites: [{ name: 'berlin' }],
        networks: [{ site: 'berlin', name: 'lan', prefix: '10.1.0.0/16' }],
      },
    ],
  });

export const ExportQuery = z.strictObject({ format: z.enum(['yaml', 'json']).default('yaml') });

export const ImportQuery = z.strictObject({
  prune: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'true: what a list of the document does not name is removed.' }),
  dryRun: z.enum(['true', 'false']).optional(),
});

export const FieldDifference = z
  .object({
    pointer: z.string().meta({ description: 'JSON pointer (RFC 6901) within the item.' }),
    before: z.unknown(),
    after: z.unknown(),
  })
  .meta({ id: 'FieldDifference', description: 'null: not there.' });

export const ImportedItem = z
  .object({
    noun: z.enum([
      'fabric',
      'site',
      'network',
      'edge',
      'address_pool',
      'external_peer',
      'group',
      'service',
      'profile',
      'policy',
      'policy_test',
    ]),
    name: z.string().meta({ description: 'Of a network with its site: "berlin/lan".' }),
    outcome: z.enum(['created', 'changed', 'unchanged', 'removed', 'kept']).meta({
      description: 'kept: it is there and not in the document; with prune it would be removed.',
    }),
    differences: z
      .array(FieldDifference)
      .meta({ description: 'Of a pre-shared key that is not the one before it, the word new; never a key.' }),
  })
  .meta({ id: 'ImportedItem' });

export const ImportResult = z
  .object({
    changed: z.boolean().meta({ description: 'False: everything was as the document says already.' }),
    counts: z.object({
      created: z.int(),
      changed: z.int(),
      unchanged: z.int(),
      removed: z.int(),
      kept: z.int(),
    }),
    items: z.array(ImportedItem),
  })
  .meta({ id: 'ImportResult' });

export type NamedSelector = z.infer<typeof NamedSelector>;
export type NamedGroupMember = z.infer<typeof NamedGroupMember>;
export type NamedPlace = Extract<NamedSelector, NamedGroupMember>;
export type ConfiguredGroup = z.infer<typeof ConfiguredGroup>;
export type ConfiguredService = z.infer<typeof ConfiguredService>;
export type Configuration = z.infer<typeof Configuration>;
export type ConfiguredSite = z.infer<typeof ConfiguredSite>;
export type ConfiguredNetwork = z.infer<typeof ConfiguredNetwork>;
export type ConfiguredEdge = z.infer<typeof ConfiguredEdge>;
export type ConfiguredAddressPool = z.infer<typeof ConfiguredAddressPool>;
export type ConfiguredRule = z.infer<typeof ConfiguredRule>;
export type ConfiguredPolicy = z.infer<typeof ConfiguredPolicy>;
export type ConfiguredPolicyTest = z.infer<typeof ConfiguredPolicyTest>;
export type ExportQuery = z.infer<typeof ExportQuery>;
export type ImportQuery = z.infer<typeof ImportQuery>;
export type FieldDifference = z.infer<typeof FieldDifference>;
export type ImportedItem = z.infer<typeof ImportedItem>;
export type ImportResult = z.infer<typeof ImportResult>;
