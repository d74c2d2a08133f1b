import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { notFound, refusal } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
import { inUse, nameTaken, unknownSite } from '../resource-names.js';
import type { CreateNetwork, Network, UpdateNetwork } from './network.dto.js';
import { overlappingNetwork, type PlacedNetwork, unfitMapping } from './networks.errors.js';
import { NetworksRepository } from './networks.repository.js';

@Injectable()
export class NetworksService {
  readonly #database: Database;
  readonly #repository: NetworksRepository;

  constructor(database: Database, repository: NetworksRepository) {
    this.#database = database;
    this.#repository = repository;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Network>> {
    const items = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageOf(page, { items, keyOf: ({ prefix, id }) => [prefix, id] });
  }

  async read(tenantId: string, networkId: string): Promise<Network> {
    const network = await this.#repository.read(this.#database.sql, tenantId, networkId);
    if (network === undefined) throw notFound('network', networkId);
    return network;
  }

  /** Throws DomainError 'unknown_site', 'name_taken', 'overlapping_networks', 'mapping_length' or 'ambiguous_network'. */
  async create(tenantId: string, network: CreateNetwork): Promise<Network> {
    const insert = (sql: SqlExecutor) => this.#repository.insert(sql, tenantId, randomUUID(), network);
    const [created] = await refusing(this.#database.transaction(insert), {
      networks_site_fkey: () => unknownSite('/siteId', network.siteId),
      networks_name_key: () => nameTaken('network', network.name, 'the site'),
      ...this.#unplaced(tenantId, network),
    });
    if (created === undefined) throw new Error('insert … returning gave no row');
    return created;
  }

  /** As create, and 'unknown_network' or 'network_changed'. */
  async update(
    tenantId: string,
    networkId: string,
    ifMatch: string | undefined,
    change: UpdateNetwork,
  ): Promise<Network> {
    const before = await this.read(tenantId, networkId);
    const update = async (sql: SqlExecutor) => {
      await this.#demand(sql, tenantId, networkId, ifMatch);
      return this.#repository.update(sql, tenantId, networkId, change);
    };
    const [updated] = await refusing(this.#database.transaction(update), {
      networks_name_key: () => nameTaken('network', change.name ?? '', 'the site'),
      ...this.#unplaced(tenantId, { ...before, ...change, name: change.name ?? before.name }, networkId),
    });
    if (updated === undefined) throw notFound('network', networkId);
    return updated;
  }

  /** What the tables say of a network that cannot be where it is to be on the fabric. */
  #unplaced(tenantId: string, network: PlacedNetwork, networkId?: string) {
    const place = network.mappedPrefix ?? network.prefix;
    return {
      networks_prefix_overlap: async () =>
        overlappingNetwork(network, await this.#repository.overlapping(this.#database.sql, tenantId, place, networkId)),
      networks_mapped_prefix_length: () => refusal('invalid', unfitMapping('mapping_length', network)),
      networks_mapped_prefix_apart: () => refusal('invalid', unfitMapping('ambiguous_network', network)),
    };
  }

  /** Throws DomainError 'unknown_network', 'network_changed' or 'network_in_use'. */
  async remove(tenantId: string, networkId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('network', await this.#repository.users(this.#database.sql, tenantId, networkId));
    await refusing(
      this.#database.transaction(async (sql) => {
        await this.#demand(sql, tenantId, networkId, ifMatch);
        await this.#repository.remove(sql, tenantId, networkId);
      }),
      {
        rule_endpoints_network_fkey: used,
        group_members_network_fkey: used,
      },
    );
  }

  /** It is there, and as it was seen, until the end of the transaction. */
  async #demand(sql: SqlExecutor, tenantId: string, networkId: string, ifMatch: string | undefined): Promise<void> {
    const version = await this.#repository.lockVersion(sql, tenantId, networkId);
    if (version === undefined) throw notFound('network', networkId);
    demandUnchanged('network', version, ifMatch);
  }
}
