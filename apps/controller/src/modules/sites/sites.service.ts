import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { inUse, nameTaken } from '../resource-names.js';
import type { CreateSite, Site, UpdateSite } from './site.dto.js';
import { SitesRepository } from './sites.repository.js';

@Injectable()
export class SitesService {
  readonly #database: Database;
  readonly #repository: SitesRepository;

  constructor(database: Database, repository: SitesRepository) {
    this.#database = database;
    this.#repository = repository;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Site>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  async read(tenantId: string, siteId: string): Promise<Site> {
    const site = await this.#repository.read(this.#database.sql, tenantId, siteId);
    if (site === undefined) throw notFound('site', siteId);
    return site;
  }

  /** Throws DomainError 'name_taken'. */
  async create(tenantId: string, site: CreateSite): Promise<Site> {
    const id = randomUUID();
    await refusing(
      this.#database.transaction((sql) => this.#repository.insert(sql, tenantId, id, site)),
      {
        sites_name_key: () => nameTaken('site', site.name),
      },
    );
    return this.read(tenantId, id);
  }

  /** Throws DomainError 'unknown_site' or 'name_taken'. */
  async update(tenantId: string, siteId: string, change: UpdateSite): Promise<Site> {
    const found = await refusing(
      this.#database.transaction((sql) => this.#repository.update(sql, tenantId, siteId, change)),
      {
        sites_name_key: () => nameTaken('site', change.name ?? ''),
      },
    );
    if (!found) throw notFound('site', siteId);
    return this.read(tenantId, siteId);
  }

  /** Throws DomainError 'unknown_site' or 'site_in_use'. */
  async remove(tenantId: string, siteId: string): Promise<void> {
    const used = async () => inUse('site', await this.#repository.users(this.#database.sql, tenantId, siteId));
    const found = await refusing(
      this.#database.transaction((sql) => this.#repository.remove(sql, tenantId, siteId)),
      {
        networks_site_fkey: used,
        edges_site_fkey: used,
        rule_endpoints_site_fkey: used,
        external_peers_site_fkey: used,
        group_members_site_fkey: used,
        topology_members_site_fkey: used,
        topology_members_other_site_fkey: used,
      },
    );
    if (!found) throw notFound('site', siteId);
  }
}
