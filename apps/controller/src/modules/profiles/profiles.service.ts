import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { DomainError, notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { inUse, nameTaken } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { MAX_PROFILES, type Profile, type ProfileInput } from './profile.dto.js';
import { ProfilesRepository } from './profiles.repository.js';

/** How packets are protected, for rules to name. Part of the draft: nothing here is in force before a revision is published. */
@Injectable()
export class ProfilesService {
  readonly #database: Database;
  readonly #repository: ProfilesRepository;
  readonly #tenants: TenantsRepository;

  constructor(database: Database, repository: ProfilesRepository, tenants: TenantsRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Profile>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, profileId: string): Promise<Profile> {
    return this.#read(this.#database.sql, tenantId, profileId);
  }

  /** Throws DomainError 'name_taken' or 'too_many_profiles'. */
  create(tenantId: string, input: ProfileInput): Promise<Profile> {
    const id = randomUUID();
    return this.#write(input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      if ((await this.#repository.count(sql, tenantId)) >= MAX_PROFILES) throw tooManyProfiles();
      await this.#repository.insert(sql, tenantId, id, input);
      return this.#read(sql, tenantId, id);
    });
  }

  /** As create, and 'unknown_profile', 'if_match_required' or 'profile_changed'. */
  async replace(
    tenantId: string,
    profileId: string,
    ifMatch: string | undefined,
    input: ProfileInput,
  ): Promise<Profile> {
    if (ifMatch === undefined) throw ifMatchRequired('profile');
    return this.#write(input, async (sql) => {
      const version = await this.#repository.lockVersion(sql, tenantId, profileId);
      if (version === undefined) throw notFound('profile', profileId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('profile', version);
      await this.#repository.update(sql, tenantId, profileId, input);
      return this.#read(sql, tenantId, profileId);
    });
  }

  /** Throws DomainError 'unknown_profile', 'profile_changed' or 'profile_in_use'. */
  async remove(tenantId: string, profileId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('profile', await this.#repository.users(this.#database.sql, tenantId, profileId));
    await refusing(
      this.#database.transaction(async (sql) => {
        const version = await this.#repository.lockVersion(sql, tenantId, profileId);
        if (version === undefined) throw notFound('profile', profileId);
        demandUnchanged('profile', version, ifMatch);
        await this.#repository.remove(sql, tenantId, profileId);
      }),
      { policy_rules_profile_fkey: used, tenants_default_profile_fkey: used },
    );
  }

  async #read(sql: SqlExecutor, tenantId: string, profileId: string): Promise<Profile> {
    const profile = await this.#repository.read(sql, tenantId, profileId);
    if (profile === undefined) throw notFound('profile', profileId);
    return profile;
  }

  #write(input: ProfileInput, work: (sql: SqlExecutor) => Promise<Profile>): Promise<Profile> {
    return refusing(this.#database.transaction(work), { profiles_name_key: () => nameTaken('profile', input.name) });
  }
}

function tooManyProfiles(): DomainError {
  const detail = `A tenant has at most ${MAX_PROFILES} profiles. Join some of them.`;
  return new DomainError('conflict', 'too_many_profiles', detail);
}
