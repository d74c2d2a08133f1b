import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { notFound } from '../../platform/http/domain-error.js';
import { refusing } from '../constraint-violation.js';
import { inUse, nameTaken, unknownSite } from '../resource-names.js';
import type { CreateNetwork, Network } from './network.dto.js';
import { overlappingNetwork } from './networks.errors.js';
import { NetworksRepository } from './networks.repository.js';

@Injectable()
export class NetworksService {
  readonly #database: Database;
  readonly #repository: NetworksRepository;

  constructor(database: Database, repository: NetworksRepository) {
    this.#database = database;
    this.#repository = repository;
  }

  list(tenantId: string): Promise<Network[]> {
    return this.#repository.list(this.#database.sql, tenantId);
  }

  /** Throws DomainError 'unknown_site', 'name_taken' or 'overlapping_networks'. */
  async create(tenantId: string, network: CreateNetwork): Promise<Network> {
    const { sql } = this.#database;
    const [created] = await refusing(this.#repository.insert(sql, tenantId, randomUUID(), network), {
      networks_site_fkey: () => unknownSite('/siteId', network.siteId),
      networks_name_key: () => nameTaken('network', network.name, 'the site'),
      networks_prefix_overlap: async () =>
        overlappingNetwork(network, await this.#repository.overlapping(sql, tenantId, network.prefix)),
    });
    if (created === undefined) throw new Error('insert … returning gave no row');
    return created;
  }

  /** Throws DomainError 'unknown_network' or 'network_in_use'. */
  async remove(tenantId: string, networkId: string): Promise<void> {
    const { sql } = this.#database;
    const found = await refusing(this.#repository.remove(sql, tenantId, networkId), {
      rule_endpoints_network_fkey: async () => inUse('network', await this.#repository.users(sql, tenantId, networkId)),
    });
    if (!found) throw notFound('network', networkId);
  }
}
