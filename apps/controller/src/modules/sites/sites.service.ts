import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
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

  read(tenantId: string, siteId: string): Promise<Site> {
    return this.#read(this.#database.sql, tenantId, siteId);
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

  /** Throws DomainError 'unknown_site', 'site_changed' or 'name_taken'. */
  update(tenantId: string, siteId: string, ifMatch: string | undefined, change: UpdateSite): Promise<Site> {
    const work = this.#database.transaction(async (sql) => {
      await this.#demand(sql, tenantId, siteId, ifMatch);
      await this.#repository.update(sql, tenantId, siteId, change);
      return this.#read(sql, tenantId, siteId);
    });
    return refusing(work, { sites_name_key: () => nameTaken('site', change.name ?? '') });
  }

  /** Throws DomainError 'unknown_site', 'site_changed' or 'site_in_use'. */
  async remove(tenantId: string, siteId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('site', await this.#repository.users(this.#database.sql, tenantId, siteId));
    await refusing(
      this.#database.transaction(async (sql) => {
        await this.#demand(sql, tenantId, siteId, ifMatch);
        await this.#repository.remove(sql, tenantId, siteId);
      }),
      {
        networks_site_fkey: used,
        edges_site_fkey: used,
        rule_endpoints_site_fkey: used,
        external_peers_site_fkey: used,
        address_pools_site_fkey: used,
        group_members_site_fkey: used,
        topology_members_site_fkey: used,
        topology_members_other_site_fkey: used,
      },
    );
  }

  async #read(sql: SqlExecutor, tenantId: string, siteId: string): Promise<Site> {
    const site = await this.#repository.read(sql, tenantId, siteId);
    if (site === undefined) throw notFound('site', siteId);
    return site;
  }

  /** It is there, and as it was seen, until the end of the transaction. */
  async #demand(sql: SqlExecutor, tenantId: string, siteId: string, ifMatch: string | undefined): Promise<void> {
    const version = await this.#repository.lockVersion(sql, tenantId, siteId);
    if (version === undefined) throw notFound('site', siteId);
    demandUnchanged('site', version, ifMatch);
  }
}
