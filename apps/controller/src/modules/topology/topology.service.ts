import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { type DomainError, notFound } from '../../platform/http/domain-error.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { invalidRules, unknownReference } from '../policies/policies.errors.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { namedSites } from './stored-topology.js';
import type { Topology, TopologyInput } from './topology.dto.js';
import { TopologyRepository } from './topology.repository.js';

/** Which sites have tunnels with each other. Part of the draft: nothing here is in force before a revision is published. */
@Injectable()
export class TopologyService {
  readonly #database: Database;
  readonly #repository: TopologyRepository;
  readonly #policies: PoliciesRepository;
  readonly #tenants: TenantsRepository;

  constructor(
    database: Database,
    repository: TopologyRepository,
    policies: PoliciesRepository,
    tenants: TenantsRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#policies = policies;
    this.#tenants = tenants;
  }

  read(tenantId: string): Promise<Topology> {
    return this.#read(this.#database.sql, tenantId);
  }

  /** Throws DomainError 'if_match_required', 'topology_changed' or 'unknown_site'. */
  async replace(tenantId: string, ifMatch: string | undefined, wanted: TopologyInput): Promise<Topology> {
    if (ifMatch === undefined) throw ifMatchRequired('topology');
    const unknown = () => this.#unknownSites(tenantId, wanted);
    const work = this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const before = await this.#read(sql, tenantId);
      if (!matchesTag(ifMatch, before.version)) throw changedMeanwhile('topology', before.version);
      if (isDeepStrictEqual(before.topology, wanted)) return before;
      await this.#repository.replace(sql, tenantId, wanted);
      return this.#read(sql, tenantId);
    });
    return refusing(work, { topology_members_site_fkey: unknown, topology_members_other_site_fkey: unknown });
  }

  async #read(sql: SqlExecutor, tenantId: string): Promise<Topology> {
    const topology = await this.#repository.read(sql, tenantId);
    if (topology === undefined) throw notFound('tenant', tenantId);
    return topology;
  }

  /** The database has refused a reference without saying where it stands. */
  async #unknownSites(tenantId: string, topology: TopologyInput): Promise<DomainError> {
    const named = namedSites(topology).map(([pointer, id]) => ({ noun: 'site' as const, id, pointer }));
    const ids = [...new Set(named.map(({ id }) => id))];
    const known = await this.#policies.known(this.#database.sql, tenantId, ids);
    return invalidRules(named.filter(({ id }) => !known.has(id)).map(unknownReference));
  }
}
