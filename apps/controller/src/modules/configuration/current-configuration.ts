import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { AddressPoolsRepository } from '../address-pools/address-pools.repository.js';
import { EdgesRepository } from '../edges/edges.repository.js';
import { ExternalPeersRepository } from '../external-peers/external-peers.repository.js';
import type { GroupMember } from '../groups/group.dto.js';
import { GroupsRepository } from '../groups/groups.repository.js';
import { NamedServicesRepository } from '../named-services/named-services.repository.js';
import { NetworksRepository } from '../networks/networks.repository.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import type { Selector } from '../policies/policy.dto.js';
import { PolicyTestsRepository } from '../policy-tests/policy-tests.repository.js';
import type { ProfileInput } from '../profiles/profile.dto.js';
import { ProfilesRepository } from '../profiles/profiles.repository.js';
import { SitesRepository } from '../sites/sites.repository.js';
import type { Tenant } from '../tenants/tenant.dto.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { FULL_MESH } from '../topology/stored-topology.js';
import { TopologyRepository } from '../topology/topology.repository.js';
import type {
  ConfiguredAddressPool,
  ConfiguredEdge,
  ConfiguredGroup,
  ConfiguredNetwork,
  ConfiguredPolicy,
  ConfiguredPolicyTest,
  ConfiguredService,
  ConfiguredSite,
  NamedGroupMember,
  NamedPlace,
  NamedSelector,
} from './configuration.dto.js';
import { configuredExternalPeer, type PlannedExternalPeer } from './configured-external-peer.js';
import { type ConfiguredTopology, configuredTopology } from './configured-topology.js';

/** Something that is stored, as the document writes it. */
export interface Stored<Item> {
  readonly id: string;
  readonly item: Item;
}

/** What is configured in a tenant now, by name and with identifiers beside. */
export interface CurrentConfiguration {
  readonly fabric: Pick<Tenant, 'keyingMode' | 'encapsulation' | 'securityProtocol' | 'mode' | 'tunnelStart'> & {
    /** By name; null: that of the product. */
    readonly defaultProfile: string | null;
    readonly topology: ConfiguredTopology;
  };
  readonly sites: readonly Stored<ConfiguredSite>[];
  readonly networks: readonly Stored<ConfiguredNetwork>[];
  readonly edges: readonly Stored<ConfiguredEdge>[];
  readonly addressPools: readonly Stored<ConfiguredAddressPool>[];
  readonly groups: readonly Stored<ConfiguredGroup>[];
  readonly services: readonly Stored<ConfiguredService>[];
  readonly profiles: readonly Stored<ProfileInput>[];
  /** In order; the identifiers of the rules in theirs. */
  readonly policies: readonly (Stored<ConfiguredPolicy> & { readonly ruleIds: readonly string[] })[];
  readonly policyTests: readonly Stored<ConfiguredPolicyTest>[];
  readonly externalPeers: readonly (Stored<PlannedExternalPeer> & { readonly commitment: string | null })[];
  /** Names of the policy tests that name something that was removed. */
  readonly dangling: readonly string[];
}

@Injectable()
export class ConfigurationReader {
  readonly #tenants: TenantsRepository;
  readonly #sites: SitesRepository;
  readonly #networks: NetworksRepository;
  readonly #edges: EdgesRepository;
  readonly #policies: PoliciesRepository;
  readonly #tests: PolicyTestsRepository;
  readonly #addressPools: AddressPoolsRepository;
  readonly #externalPeers: ExternalPeersRepository;
  readonly #groups: GroupsRepository;
  readonly #services: NamedServicesRepository;
  readonly #profiles: ProfilesRepository;
  readonly #topology: TopologyRepository;

  constructor(
    tenants: TenantsRepository,
    sites: SitesRepository,
    networks: NetworksRepository,
    edges: EdgesRepository,
    policies: PoliciesRepository,
    tests: PolicyTestsRepository,
    addressPools: AddressPoolsRepository,
    externalPeers: ExternalPeersRepository,
    groups: GroupsRepository,
    services: NamedServicesRepository,
    profiles: ProfilesRepository,
    topology: TopologyRepository,
  ) {
    this.#tenants = tenants;
    this.#sites = sites;
    this.#networks = networks;
    this.#edges = edges;
    this.#policies = policies;
    this.#tests = tests;
    this.#addressPools = addressPools;
    this.#externalPeers = externalPeers;
    this.#groups = groups;
    this.#services = services;
    this.#profiles = profiles;
    this.#topology = topology;
  }

  /** In one snapshot, which is for the caller to see to. Undefined when there is no such tenant. */
  async read(sql: SqlExecutor, tenantId: string): Promise<CurrentConfiguration | undefined> {
    const tenant = await this.#tenants.read(sql, tenantId);
    if (tenant === undefined) return undefined;
    const sites = await this.#sites.list(sql, tenantId);
    const networks = await this.#networks.list(sql, tenantId);
    const edges = await this.#edges.list(sql, tenantId);
    const policies = await this.#policies.list(sql, tenantId);
    const tests = await this.#tests.list(sql, tenantId);
    const addressPools = await this.#addressPools.list(sql, tenantId);
    const externalPeers = await this.#externalPeers.list(sql, tenantId);
    const groups = await this.#groups.list(sql, tenantId);
    const services = await this.#services.list(sql, tenantId);
    const serviceName = naming(services);
    const profiles = await this.#profiles.list(sql, tenantId);
    const profileName = naming(profiles);
    const { topology = FULL_MESH } = (await this.#topology.read(sql, tenantId)) ?? {};
    const siteName = naming(sites);
    const places = new Map(networks.map(({ id, siteId, name }) => [id, { site: siteName(siteId), network: name }]));
    const names: Names = {
      site: siteName,
      places,
      addressPool: naming(addressPools),
      externalPeer: naming(externalPeers),
      group: naming(groups),
    };
    const named = (selector: Selector) => namedSelector(selector, names);
    const known = new Set([...sites, ...networks, ...addressPools, ...externalPeers, ...groups].map(({ id }) => id));
    const { keyingMode, encapsulation, securityProtocol, mode, tunnelStart, defaultProfileId } = tenant;
    const defaultProfile = defaultProfileId === null ? null : profileName(defaultProfileId);
    const configured = configuredTopology(topology, siteName);
    return {
      fabric: { keyingMode, encapsulation, securityProtocol, mode, tunnelStart, defaultProfile, topology: configured },
      sites: sites.map(({ id, name, description, labels }) => ({ id, item: { name, description, labels } })),
      networks: networks.map(({ id, siteId, name, prefix, mappedPrefix, labels }) => ({
        id,
        item: { site: siteName(siteId), name, prefix, ...(mappedPrefix === undefined ? {} : { mappedPrefix }), labels },
      })),
      edges: edges.map(({ id, siteId, name, underlayAddress, underlayPort, preference, ...edge }) => {
        const otherUnderlayAddresses = [...edge.otherUnderlayAddresses];
        const item = {
          name,
          site: siteName(siteId),
          underlayAddress,
          otherUnderlayAddresses,
          underlayPort,
          preference,
        };
        return { id, item };
      }),
      addressPools: addressPools.map(({ id, siteId, name, description, prefix, nameServers, domains }) => {
        return { id, item: { name, description, site: siteName(siteId), prefix, nameServers, domains } };
      }),
      groups: groups.map(({ id, name, description, members }) => ({
        id,
        item: { name, description, members: members.map((member) => namedMember(member, names)) },
      })),
      services: services.map(({ id, name, description, services }) => ({ id, item: { name, description, services } })),
      profiles: profiles.map(({ id, version: _, createdAt: _created, updatedAt: _updated, ...item }) => ({ id, item })),
      policies: policies.map(({ id, name, description, enabled, confidential, rules }) => ({
        id,
        ruleIds: rules.map((rule) => rule.id),
        item: {
          name,
          description,
          enabled,
          confidential,
          rules: rules.map(({ id: _, serviceIds, profileId, tunnelStart: start, ...rule }) => ({
            ...withNames(rule, named),
            namedServices: serviceIds.map(serviceName),
            ...(profileId === null ? {} : { profile: profileName(profileId) }),
            ...(start === null ? {} : { tunnelStart: start }),
          })),
        },
      })),
      policyTests: tests.map(({ id, name, description, sources, destinations, services, expect }) => {
        const sides = withNames({ sources, destinations, services }, named);
        return { id, item: { name, description, ...sides, expect } };
      }),
      externalPeers: externalPeers.map((peer) => {
        const { id, commitment } = peer;
        return { id, commitment, item: configuredExternalPeer(peer, names) };
      }),
      dangling: tests
        .filter(({ sources, destinations }) =>
          [...sources, ...destinations].some((selector) => !resolves(selector, known)),
        )
        .map(({ name }) => name),
    };
  }
}

function withNames<Rule extends { sources: Selector[]; destinations: Selector[] }>(
  rule: Rule,
  named: (selector: Selector) => NamedSelector,
) {
  return { ...rule, sources: rule.sources.map(named), destinations: rule.destinations.map(named) };
}

/** What identifiers are called. */
interface Names {
  readonly site: (id: string) => string;
  readonly places: ReadonlyMap<string, { readonly site: string; readonly network: string }>;
  readonly addressPool: (id: string) => string;
  readonly externalPeer: (id: string) => string;
  readonly group: (id: string) => string;
}

function namedSelector(selector: Selector, names: Names): NamedSelector {
  if (selector.kind === 'any') return selector;
  if (selector.kind === 'address_pool') {
    return { kind: 'address_pool', addressPool: names.addressPool(selector.addressPoolId) };
  }
  if (selector.kind === 'group') return { kind: 'group', group: names.group(selector.groupId) };
  return namedPlace(selector, names);
}

function namedMember(member: GroupMember, names: Names): NamedGroupMember {
  return member.kind === 'site_labels' || member.kind === 'network_labels' ? member : namedPlace(member, names);
}

function namedPlace(place: Extract<Selector, GroupMember>, { site, places, externalPeer }: Names): NamedPlace {
  switch (place.kind) {
    case 'site':
      return { kind: 'site', site: site(place.siteId) };
    case 'network': {
      const named = places.get(place.networkId) ?? { site: place.networkId, network: place.networkId };
      return { kind: 'network', ...named };
    }
    case 'external_peer':
      return { kind: 'external_peer', externalPeer: externalPeer(place.externalPeerId) };
    case 'prefix':
      return place;
  }
}

function resolves(selector: Selector, known: ReadonlySet<string>): boolean {
  if (selector.kind === 'site') return known.has(selector.siteId);
  if (selector.kind === 'address_pool') return known.has(selector.addressPoolId);
  if (selector.kind === 'external_peer') return known.has(selector.externalPeerId);
  if (selector.kind === 'group') return known.has(selector.groupId);
  return selector.kind !== 'network' || known.has(selector.networkId);
}

/** What is not there any more is called by its identifier. */
function naming(items: readonly { readonly id: string; readonly name: string }[]): (id: string) => string {
  const names = new Map(items.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
