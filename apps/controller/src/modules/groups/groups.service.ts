import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { DomainError, notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { invalidRules, memberReferences, unknownReference } from '../policies/policies.errors.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import { inUse, nameTaken } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { type Group, type GroupInput, MAX_GROUPS } from './group.dto.js';
import { GroupsRepository } from './groups.repository.js';

/** What rules name many sites and networks by. Part of the draft: nothing here is in force before a revision is published. */
@Injectable()
export class GroupsService {
  readonly #database: Database;
  readonly #repository: GroupsRepository;
  readonly #policies: PoliciesRepository;
  readonly #tenants: TenantsRepository;

  constructor(
    database: Database,
    repository: GroupsRepository,
    policies: PoliciesRepository,
    tenants: TenantsRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#policies = policies;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Group>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, groupId: string): Promise<Group> {
    return this.#read(this.#database.sql, tenantId, groupId);
  }

  /** Throws DomainError 'name_taken', 'too_many_groups' or 'unknown_site' and the like. */
  create(tenantId: string, input: GroupInput): Promise<Group> {
    const id = randomUUID();
    return this.#write(tenantId, input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      if ((await this.#repository.count(sql, tenantId)) >= MAX_GROUPS) throw tooManyGroups();
      await this.#repository.insert(sql, tenantId, id, input);
      return this.#read(sql, tenantId, id);
    });
  }

  /** As create, and 'unknown_group', 'if_match_required' or 'group_changed'. */
  async replace(tenantId: string, groupId: string, ifMatch: string | undefined, input: GroupInput): Promise<Group> {
    if (ifMatch === undefined) throw ifMatchRequired('group');
    return this.#write(tenantId, input, async (sql) => {
      const version = await this.#repository.lockVersion(sql, tenantId, groupId);
      if (version === undefined) throw notFound('group', groupId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('group', version);
      await this.#repository.update(sql, tenantId, groupId, input);
      return this.#read(sql, tenantId, groupId);
    });
  }

  /** Throws DomainError 'unknown_group', 'group_changed' or 'group_in_use'. */
  async remove(tenantId: string, groupId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('group', await this.#repository.users(this.#database.sql, tenantId, groupId));
    await refusing(
      this.#database.transaction(async (sql) => {
        const version = await this.#repository.lockVersion(sql, tenantId, groupId);
        if (version === undefined) throw notFound('group', groupId);
        demandUnchanged('group', version, ifMatch);
        await this.#repository.remove(sql, tenantId, groupId);
      }),
      { rule_endpoints_group_fkey: used },
    );
  }

  async #read(sql: SqlExecutor, tenantId: string, groupId: string): Promise<Group> {
    const group = await this.#repository.read(sql, tenantId, groupId);
    if (group === undefined) throw notFound('group', groupId);
    return group;
  }

  #write(tenantId: string, input: GroupInput, work: (sql: SqlExecutor) => Promise<Group>): Promise<Group> {
    const unknown = async () => invalidRules(await this.#unknownReferences(tenantId, input));
    return refusing(this.#database.transaction(work), {
      groups_name_key: () => nameTaken('group', input.name),
      group_members_site_fkey: unknown,
      group_members_network_fkey: unknown,
      group_members_external_peer_fkey: unknown,
    });
  }

  /** The database has refused a reference without saying where it stands. */
  async #unknownReferences(tenantId: string, { members }: GroupInput) {
    const named = memberReferences(members);
    const known = await this.#policies.known(
      this.#database.sql,
      tenantId,
      named.map(({ id }) => id),
    );
    return named.filter(({ id }) => !known.has(id)).map(unknownReference);
  }
}

function tooManyGroups(): DomainError {
  const detail = `A tenant has at most ${MAX_GROUPS} groups. Join some of them.`;
  return new DomainError('conflict', 'too_many_groups', detail);
}
