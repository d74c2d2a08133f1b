import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { EdgesRepository } from '../edges/edges.repository.js';
import { ExternalPeersRepository } from '../external-peers/external-peers.repository.js';
import { NetworksRepository } from '../networks/networks.repository.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import type { Selector } from '../policies/policy.dto.js';
import { PolicyTestsRepository } from '../policy-tests/policy-tests.repository.js';
import { SitesRepository } from '../sites/sites.repository.js';
import type { Tenant } from '../tenants/tenant.dto.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import type {
  ConfiguredEdge,
  ConfiguredNetwork,
  ConfiguredPolicy,
  ConfiguredPolicyTest,
  ConfiguredSite,
  NamedSelector,
} from './configuration.dto.js';
import { configuredExternalPeer, type PlannedExternalPeer } from './configured-external-peer.js';

/** Something that is stored, as the document writes it. */
export interface Stored<Item> {
  readonly id: string;
  readonly item: Item;
}

/** What is configured in a tenant now, by name and with identifiers beside. */
export interface CurrentConfiguration {
  readonly fabric: Pick<Tenant, 'keyingMode' | 'encapsulation' | 'securityProtocol' | 'mode'>;
  readonly sites: readonly Stored<ConfiguredSite>[];
  readonly networks: readonly Stored<ConfiguredNetwork>[];
  readonly edges: readonly Stored<ConfiguredEdge>[];
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
  readonly #externalPeers: ExternalPeersRepository;

  constructor(
    tenants: TenantsRepository,
    sites: SitesRepository,
    networks: NetworksRepository,
    edges: EdgesRepository,
    policies: PoliciesRepository,
    tests: PolicyTestsRepository,
    externalPeers: ExternalPeersRepository,
  ) {
    this.#tenants = tenants;
    this.#sites = sites;
    this.#networks = networks;
    this.#edges = edges;
    this.#policies = policies;
    this.#tests = tests;
    this.#externalPeers = externalPeers;
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
    const externalPeers = await this.#externalPeers.list(sql, tenantId);
    const siteName = naming(sites);
    const peerName = naming(externalPeers);
    const places = new Map(networks.map(({ id, siteId, name }) => [id, { site: siteName(siteId), network: name }]));
    const named = (selector: Selector) => namedSelector(selector, siteName, places, peerName);
    const known = new Set([...sites, ...networks, ...externalPeers].map(({ id }) => id));
    const { keyingMode, encapsulation, securityProtocol, mode } = tenant;
    return {
      fabric: { keyingMode, encapsulation, securityProtocol, mode },
      sites: sites.map(({ id, name, description }) => ({ id, item: { name, description } })),
      networks: networks.map(({ id, siteId, name, prefix }) => ({
        id,
        item: { site: siteName(siteId), name, prefix },
      })),
      edges: edges.map(({ id, siteId, name, underlayAddress, underlayPort, preference }) => {
        return { id, item: { name, site: siteName(siteId), underlayAddress, underlayPort, preference } };
      }),
      policies: policies.map(({ id, name, description, enabled, confidential, rules }) => ({
        id,
        ruleIds: rules.map((rule) => rule.id),
        item: {
          name,
          description,
          enabled,
          confidential,
          rules: rules.map(({ id: _, ...rule }) => withNames(rule, named)),
        },
      })),
      policyTests: tests.map(({ id, name, description, sources, destinations, services, expect }) => {
        const sides = withNames({ sources, destinations, services }, named);
        return { id, item: { name, description, ...sides, expect } };
      }),
      externalPeers: externalPeers.map((peer) => {
        const { id, siteId, commitment } = peer;
        return { id, commitment, item: configuredExternalPeer(peer, siteName(siteId)) };
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

function namedSelector(
  selector: Selector,
  siteName: (id: string) => string,
  places: ReadonlyMap<string, { readonly site: string; readonly network: string }>,
  peerName: (id: string) => string,
): NamedSelector {
  switch (selector.kind) {
    case 'site':
      return { kind: 'site', site: siteName(selector.siteId) };
    case 'network': {
      const place = places.get(selector.networkId) ?? { site: selector.networkId, network: selector.networkId };
      return { kind: 'network', ...place };
    }
    case 'external_peer':
      return { kind: 'external_peer', externalPeer: peerName(selector.externalPeerId) };
    default:
      return selector;
  }
}

function resolves(selector: Selector, known: ReadonlySet<string>): boolean {
  if (selector.kind === 'site') return known.has(selector.siteId);
  if (selector.kind === 'external_peer') return known.has(selector.externalPeerId);
  return selector.kind !== 'network' || known.has(selector.networkId);
}

/** What is not there any more is called by its identifier. */
function naming(items: readonly { readonly id: string; readonly name: string }[]): (id: string) => string {
  const names = new Map(items.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
