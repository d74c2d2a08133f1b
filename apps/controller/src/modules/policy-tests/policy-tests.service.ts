import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { DomainError, notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { invalidRules, referencesIn, unknownReference } from '../policies/policies.errors.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import { nameTaken } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { MAX_POLICY_TESTS, type PolicyTest, type PolicyTestInput } from './policy-test.dto.js';
import { PolicyTestsRepository } from './policy-tests.repository.js';

/** What must hold whatever the rules become. A test counts from the next validation on; none changes what is in force. */
@Injectable()
export class PolicyTestsService {
  readonly #database: Database;
  readonly #repository: PolicyTestsRepository;
  readonly #policies: PoliciesRepository;
  readonly #tenants: TenantsRepository;

  constructor(
    database: Database,
    repository: PolicyTestsRepository,
    policies: PoliciesRepository,
    tenants: TenantsRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#policies = policies;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<PolicyTest>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, testId: string): Promise<PolicyTest> {
    return this.#read(this.#database.sql, tenantId, testId);
  }

  /** Throws DomainError 'name_taken', 'too_many_policy_tests' or 'unknown_site' and the like. */
  create(tenantId: string, input: PolicyTestInput): Promise<PolicyTest> {
    const id = randomUUID();
    return this.#write(tenantId, input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      if ((await this.#repository.count(sql, tenantId)) >= MAX_POLICY_TESTS) throw tooManyPolicyTests();
      await this.#repository.insert(sql, tenantId, id, input);
      return this.#read(sql, tenantId, id);
    });
  }

  /** As create, and 'unknown_policy_test', 'if_match_required' or 'policy_test_changed'. */
  async replace(
    tenantId: string,
    testId: string,
    ifMatch: string | undefined,
    input: PolicyTestInput,
  ): Promise<PolicyTest> {
    if (ifMatch === undefined) throw ifMatchRequired('policy test');
    return this.#write(tenantId, input, async (sql) => {
      const version = await this.#repository.lockVersion(sql, tenantId, testId);
      if (version === undefined) throw notFound('policy_test', testId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('policy test', version);
      await this.#repository.update(sql, tenantId, testId, input);
      return this.#read(sql, tenantId, testId);
    });
  }

  /** Throws DomainError 'unknown_policy_test' or 'policy_test_changed'. */
  async remove(tenantId: string, testId: string, ifMatch: string | undefined): Promise<void> {
    await this.#database.transaction(async (sql) => {
      const version = await this.#repository.lockVersion(sql, tenantId, testId);
      if (version === undefined) throw notFound('policy_test', testId);
      demandUnchanged('policy test', version, ifMatch);
      await this.#repository.remove(sql, tenantId, testId);
    });
  }

  async #read(sql: SqlExecutor, tenantId: string, testId: string): Promise<PolicyTest> {
    const test = await this.#repository.read(sql, tenantId, testId);
    if (test === undefined) throw notFound('policy_test', testId);
    return test;
  }

  #write(
    tenantId: string,
    input: PolicyTestInput,
    work: (sql: SqlExecutor) => Promise<PolicyTest>,
  ): Promise<PolicyTest> {
    return refusing(
      this.#database.transaction(async (sql) => {
        await this.#refuseUnknown(sql, tenantId, input);
        return work(sql);
      }),
      { policy_tests_name_key: () => nameTaken('policy test', input.name) },
    );
  }

  /** For whoever mistypes. A site that is removed later makes the test fail, which is what it is for. */
  async #refuseUnknown(sql: SqlExecutor, tenantId: string, input: PolicyTestInput): Promise<void> {
    const named = referencesIn(input, '');
    const known = await this.#policies.known(
      sql,
      tenantId,
      named.map(({ id }) => id),
    );
    const unknown = named.filter(({ id }) => !known.has(id)).map(unknownReference);
    if (unknown.length > 0) throw invalidRules(unknown);
  }
}

function tooManyPolicyTests(): DomainError {
  const detail = `A tenant has at most ${MAX_POLICY_TESTS} policy tests. Join some of them.`;
  return new DomainError('conflict', 'too_many_policy_tests', detail);
}
