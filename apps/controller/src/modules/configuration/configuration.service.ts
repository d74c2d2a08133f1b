import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { AddressPoolsRepository } from '../address-pools/address-pools.repository.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { EdgesRepository } from '../edges/edges.repository.js';
import { GroupsRepository } from '../groups/groups.repository.js';
import { NamedServicesRepository } from '../named-services/named-services.repository.js';
import { NetworksRepository } from '../networks/networks.repository.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import { PolicyTestsRepository } from '../policy-tests/policy-tests.repository.js';
import { ProfilesRepository } from '../profiles/profiles.repository.js';
import { SitesRepository } from '../sites/sites.repository.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { TopologyRepository } from '../topology/topology.repository.js';
import { canonicalDocument, writtenPlaces } from './canonical-document.js';
import type { Configuration, ImportResult } from './configuration.dto.js';
import { changedWhileImporting, danglingTests, notImportable, overlappingNetworks } from './configuration.errors.js';
import { ConfigurationRepository } from './configuration.repository.js';
import { ConfigurationReader, type CurrentConfiguration } from './current-configuration.js';
import { ExternalPeerWrites } from './external-peer-writes.js';
import { type ImportPlan, nameOf, type PlannedConfiguration, planImport } from './import-plan.js';
import { importProblems } from './import-problems.js';
import { importRecord } from './import-record.js';
import { withPreferences } from './preferences.js';

/** The whole configuration of a tenant as one document, out and in. */
@Injectable()
export class ConfigurationService {
  readonly #database: Database;
  readonly #reader: ConfigurationReader;
  readonly #repository: ConfigurationRepository;
  readonly #tenants: TenantsRepository;
  readonly #sites: SitesRepository;
  readonly #networks: NetworksRepository;
  readonly #edges: EdgesRepository;
  readonly #groups: GroupsRepository;
  readonly #services: NamedServicesRepository;
  readonly #profiles: ProfilesRepository;
  readonly #topology: TopologyRepository;
  readonly #policies: PoliciesRepository;
  readonly #tests: PolicyTestsRepository;
  readonly #addressPools: AddressPoolsRepository;
  readonly #peers: ExternalPeerWrites;
  readonly #audit: AuditRepository;

  constructor(
    database: Database,
    reader: ConfigurationReader,
    repository: ConfigurationRepository,
    tenants: TenantsRepository,
    sites: SitesRepository,
    networks: NetworksRepository,
    edges: EdgesRepository,
    groups: GroupsRepository,
    services: NamedServicesRepository,
    profiles: ProfilesRepository,
    topology: TopologyRepository,
    policies: PoliciesRepository,
    tests: PolicyTestsRepository,
    addressPools: AddressPoolsRepository,
    peers: ExternalPeerWrites,
    audit: AuditRepository,
  ) {
    this.#database = database;
    this.#reader = reader;
    this.#repository = repository;
    this.#tenants = tenants;
    this.#sites = sites;
    this.#networks = networks;
    this.#edges = edges;
    this.#groups = groups;
    this.#services = services;
    this.#profiles = profiles;
    this.#topology = topology;
    this.#policies = policies;
    this.#tests = tests;
    this.#addressPools = addressPools;
    this.#peers = peers;
    this.#audit = audit;
  }

  /** In an order that depends on names alone, and of policies on theirs. Throws DomainError 'dangling_policy_test'. */
  async export(tenantId: string): Promise<Configuration> {
    const read = (sql: SqlExecutor) => this.#reader.read(sql, tenantId);
    const current = await this.#database.transaction(read, 'repeatable read');
    if (current === undefined) throw notFound('tenant', tenantId);
    if (current.dangling.length > 0) throw danglingTests(current.dangling);
    return {
      version: 1,
      fabric: current.fabric,
      sites: current.sites.map(({ item }) => item).sort(byName('site')),
      networks: current.networks.map(({ item }) => item).sort(byName('network')),
      edges: current.edges.map(({ item }) => item).sort(byName('edge')),
      addressPools: current.addressPools.map(({ item }) => item).sort(byName('address_pool')),
      externalPeers: current.externalPeers.map(({ item }) => item).sort(byName('external_peer')),
      groups: current.groups.map(({ item }) => item).sort(byName('group')),
      services: current.services.map(({ item }) => item).sort(byName('service')),
      profiles: current.profiles.map(({ item }) => item).sort(byName('profile')),
      policies: current.policies.map(({ item }) => item),
      policyTests: current.policyTests.map(({ item }) => item).sort(byName('policy_test')),
    };
  }

  /**
   * Makes the tenant what the document says, whole or not at all. With `prune` what a list does not name is removed. What changes is one
   * entry of the audit log.
   * Throws DomainError 'not_importable' or 'changed_while_importing'.
   */
  import(tenantId: string, actor: CurrentUser, given: Configuration, prune: boolean): Promise<ImportResult> {
    const changed = () => changedWhileImporting();
    const work = this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const current = await this.#reader.read(sql, tenantId);
      if (current === undefined) throw notFound('tenant', tenantId);
      const canonical = await this.#canonical(sql, given);
      const { document: apart, keys } = await this.#peers.setKeysApart(sql, tenantId, current, canonical);
      const document = withPreferences(current, apart);
      const problems = importProblems(current, document, prune);
      if (problems.length > 0) throw notImportable(problems);
      const plan = planImport(current, document, prune, randomUUID);
      await this.#carryOut(sql, tenantId, plan, current, keys);
      await this.#refuseOverlaps(sql, tenantId, document, plan);
      await this.#repository.checkPlaces(sql, 'immediate');
      const result = resultOf(plan);
      if (result.changed) {
        const details = importRecord(result, prune);
        await this.#audit.append(sql, tenantId, { actor, action: 'configuration_imported', details });
      }
      return result;
    });
    return refusing(work, Object.fromEntries(RACES.map((constraint) => [constraint, changed])));
  }

  /** What is made or removed refers to what is there before and after: named things come first and go last. */
  async #carryOut(
    sql: SqlExecutor,
    tenantId: string,
    plan: ImportPlan,
    current: CurrentConfiguration,
    keys: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { sites, networks, edges, addressPools, externalPeers, groups, services, profiles, policyTests } = plan;
    const { defaultProfileId } = plan;
    if (plan.fabric !== undefined) await this.#tenants.update(sql, tenantId, plan.fabric);
    for (const { id, item } of sites.created) await this.#sites.insert(sql, tenantId, id, item);
    for (const { id, item } of sites.changed) await this.#sites.update(sql, tenantId, id, item);
    if (plan.topology !== undefined) await this.#topology.replace(sql, tenantId, plan.topology);
    await this.#repository.checkPlaces(sql, 'deferred');
    for (const { id, item } of networks.created) await this.#networks.insert(sql, tenantId, id, item);
    for (const { id, item } of networks.changed) await this.#networks.rewrite(sql, tenantId, id, item);
    for (const { id, item } of edges.created) await this.#edges.insert(sql, tenantId, id, item);
    for (const { id, item } of edges.changed) await this.#edges.update(sql, tenantId, id, item);
    await this.#carryOutPeers(sql, tenantId, plan, keys);
    for (const { id, item } of groups.created) await this.#groups.insert(sql, tenantId, id, item);
    for (const { id, item } of groups.changed) await this.#groups.update(sql, tenantId, id, item);
    for (const { id, item } of services.created) await this.#services.insert(sql, tenantId, id, item);
    for (const { id, item } of services.changed) await this.#services.update(sql, tenantId, id, item);
    for (const { id, item } of profiles.created) await this.#profiles.insert(sql, tenantId, id, item);
    for (const { id, item } of profiles.changed) await this.#profiles.update(sql, tenantId, id, item);
    if (defaultProfileId !== undefined) await this.#tenants.update(sql, tenantId, { defaultProfileId });
    await this.#carryOutPolicies(sql, tenantId, plan, current);
    for (const id of profiles.removed) await this.#profiles.remove(sql, tenantId, id);
    for (const id of services.removed) await this.#services.remove(sql, tenantId, id);
    for (const id of groups.removed) await this.#groups.remove(sql, tenantId, id);
    for (const id of policyTests.removed) await this.#tests.remove(sql, tenantId, id);
    for (const { id, item } of policyTests.created) await this.#tests.insert(sql, tenantId, id, item);
    for (const { id, item } of policyTests.changed) await this.#tests.update(sql, tenantId, id, item);
    await this.#peers.remove(sql, tenantId, externalPeers.removed);
    for (const id of addressPools.removed) await this.#addressPools.remove(sql, tenantId, id);
    for (const id of edges.removed) await this.#edges.remove(sql, tenantId, id);
    for (const id of networks.removed) await this.#networks.remove(sql, tenantId, id);
    for (const id of sites.removed) await this.#sites.remove(sql, tenantId, id);
  }

  async #carryOutPeers(
    sql: SqlExecutor,
    tenantId: string,
    { addressPools, externalPeers }: ImportPlan,
    keys: ReadonlyMap<string, string>,
  ): Promise<void> {
    await this.#peers.release(sql, tenantId, externalPeers);
    for (const { id, item } of addressPools.created) await this.#addressPools.insert(sql, tenantId, id, item);
    for (const { id, item } of addressPools.changed) await this.#addressPools.update(sql, tenantId, id, item);
    await this.#peers.carryOut(sql, tenantId, externalPeers, keys);
  }

  async #carryOutPolicies(
    sql: SqlExecutor,
    tenantId: string,
    { policies, policyOrder }: ImportPlan,
    current: CurrentConfiguration,
  ): Promise<void> {
    for (const id of policies.removed) await this.#policies.remove(sql, tenantId, id);
    for (const { id, item } of policies.changed) {
      await this.#policies.update(sql, tenantId, id, item);
      await this.#policies.replaceRules(sql, tenantId, id, item.rules);
    }
    for (const [index, { id, item }] of policies.created.entries()) {
      await this.#policies.insert(sql, tenantId, id, item, current.policies.length + index);
      await this.#policies.replaceRules(sql, tenantId, id, item.rules);
    }
    if (policyOrder !== undefined) await this.#policies.reorder(sql, tenantId, policyOrder);
  }

  /** For whoever wrote the document; the constraint is for whoever is faster than this look. */
  async #refuseOverlaps(
    sql: SqlExecutor,
    tenantId: string,
    document: PlannedConfiguration,
    { networks }: ImportPlan,
  ): Promise<void> {
    if (networks.created.length + networks.changed.length === 0) return;
    const pair = await this.#repository.overlappingPair(sql, tenantId);
    if (pair !== undefined) throw overlappingNetworks(document, pair);
  }

  async #canonical(sql: SqlExecutor, document: Configuration): Promise<Configuration> {
    const { prefixes, addresses } = writtenPlaces(document);
    const known = await this.#repository.canonical(sql, prefixes, addresses);
    return canonicalDocument(document, (given) => known.get(given) ?? given);
  }
}

function resultOf({ items }: ImportPlan): ImportResult {
  const counts = { created: 0, changed: 0, unchanged: 0, removed: 0, kept: 0 };
  for (const { outcome } of items) counts[outcome] += 1;
  return { changed: counts.created + counts.changed + counts.removed > 0, counts, items: [...items] };
}

function byName(noun: Parameters<typeof nameOf>[0]) {
  type Item = Parameters<typeof nameOf>[1];
  return (left: Item, right: Item) => (nameOf(noun, left) < nameOf(noun, right) ? -1 : 1);
}

/** Broken only by somebody who writes at the same moment: the plan was held against what was there. */
const RACES = [
  'sites_name_key',
  'networks_name_key',
  'networks_site_fkey',
  'networks_prefix_overlap',
  'edges_name_key',
  'edges_site_fkey',
  'edges_preference_key',
  'address_pools_name_key',
  'address_pools_site_fkey',
  'address_pools_prefix_overlap',
  'assigned_addresses_address_key',
  'assigned_addresses_address_pool_fkey',
  'assigned_addresses_external_peer_fkey',
  'assigned_addresses_in_prefix',
  'external_peers_name_key',
  'external_peers_site_fkey',
  'groups_name_key',
  'services_name_key',
  'profiles_name_key',
  'policies_name_key',
  'policy_tests_name_key',
  'policy_rules_profile_fkey',
  'tenants_default_profile_fkey',
  'rule_endpoints_site_fkey',
  'rule_endpoints_network_fkey',
  'rule_endpoints_address_pool_fkey',
  'rule_endpoints_external_peer_fkey',
  'rule_endpoints_group_fkey',
  'rule_named_services_service_fkey',
  'group_members_site_fkey',
  'group_members_network_fkey',
  'group_members_external_peer_fkey',
  'topology_members_site_fkey',
  'topology_members_other_site_fkey',
];
