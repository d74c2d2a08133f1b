import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { nameTaken } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import {
  duplicateRuleIds,
  invalidRules,
  orderProblems,
  references,
  ruleIdTaken,
  tooManyPolicies,
  unknownReference,
} from './policies.errors.js';
import { PoliciesRepository } from './policies.repository.js';
import { type CurrentPolicyOrder, MAX_POLICIES, type Policy, type PolicyInput, type Rule } from './policy.dto.js';

/** What an order leaves behind. */
interface OrderedPolicies {
  readonly policies: Policy[];
  readonly order: CurrentPolicyOrder;
}

/** Policies as people edit them. Nothing here is in force before a revision is published. */
@Injectable()
export class PoliciesService {
  readonly #database: Database;
  readonly #repository: PoliciesRepository;
  readonly #tenants: TenantsRepository;

  constructor(database: Database, repository: PoliciesRepository, tenants: TenantsRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Policy>> {
    const items = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageOf(page, { items, keyOf: ({ position, id }) => [position, id] });
  }

  read(tenantId: string, policyId: string): Promise<Policy> {
    return this.#read(this.#database.sql, tenantId, policyId);
  }

  /** Throws DomainError 'name_taken', 'too_many_policies', 'rule_id_taken', or what is wrong with a rule. */
  create(tenantId: string, input: PolicyInput): Promise<Policy> {
    const id = randomUUID();
    return this.#write(tenantId, input, async (sql, rules) => {
      await this.#tenants.lock(sql, tenantId);
      const { length } = await this.#repository.order(sql, tenantId);
      if (length >= MAX_POLICIES) throw tooManyPolicies(MAX_POLICIES);
      await this.#repository.insert(sql, tenantId, id, input, length);
      await this.#repository.replaceRules(sql, tenantId, id, rules);
      return this.#read(sql, tenantId, id);
    });
  }

  /** As create, and 'unknown_policy', 'if_match_required' or 'policy_changed'. */
  async replace(tenantId: string, policyId: string, ifMatch: string | undefined, input: PolicyInput): Promise<Policy> {
    if (ifMatch === undefined) throw ifMatchRequired('policy');
    return this.#write(tenantId, input, async (sql, rules) => {
      const version = await this.#repository.lockVersion(sql, tenantId, policyId);
      if (version === undefined) throw notFound('policy', policyId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('policy', version);
      await this.#repository.update(sql, tenantId, policyId, input);
      await this.#repository.replaceRules(sql, tenantId, policyId, rules);
      return this.#read(sql, tenantId, policyId);
    });
  }

  readOrder(tenantId: string): Promise<CurrentPolicyOrder> {
    return this.#currentOrder(this.#database.sql, tenantId);
  }

  /** Throws DomainError 'if_match_required', 'policy_order_changed', or 'invalid' unless the identifiers are those of all policies. */
  async order(tenantId: string, ifMatch: string | undefined, policyIds: readonly string[]): Promise<OrderedPolicies> {
    if (ifMatch === undefined) throw ifMatchRequired('policy order');
    return this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const before = await this.#currentOrder(sql, tenantId);
      if (!matchesTag(ifMatch, before.version)) throw changedMeanwhile('policy order', before.version);
      const problems = orderProblems(policyIds, before.policyIds);
      if (problems.length > 0) throw invalidRules(problems);
      await this.#repository.reorder(sql, tenantId, policyIds);
      return {
        policies: await this.#repository.list(sql, tenantId),
        order: await this.#currentOrder(sql, tenantId),
      };
    });
  }

  /** Throws DomainError 'unknown_policy' or 'policy_changed'. */
  remove(tenantId: string, policyId: string, ifMatch: string | undefined): Promise<void> {
    return this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const version = await this.#repository.lockVersion(sql, tenantId, policyId);
      if (version === undefined) throw notFound('policy', policyId);
      demandUnchanged('policy', version, ifMatch);
      await this.#repository.remove(sql, tenantId, policyId);
      await this.#repository.reorder(sql, tenantId, await this.#repository.order(sql, tenantId));
    });
  }

  async #currentOrder(sql: SqlExecutor, tenantId: string): Promise<CurrentPolicyOrder> {
    const order = await this.#repository.currentOrder(sql, tenantId);
    if (order === undefined) throw notFound('tenant', tenantId);
    return order;
  }

  async #read(sql: SqlExecutor, tenantId: string, policyId: string): Promise<Policy> {
    const policy = await this.#repository.read(sql, tenantId, policyId);
    if (policy === undefined) throw notFound('policy', policyId);
    return policy;
  }

  async #write(
    tenantId: string,
    input: PolicyInput,
    work: (sql: SqlExecutor, rules: readonly Rule[]) => Promise<Policy>,
  ): Promise<Policy> {
    const duplicates = duplicateRuleIds(input.rules);
    if (duplicates.length > 0) throw invalidRules(duplicates);
    const rules = input.rules.map((rule) => ({ ...rule, id: rule.id ?? randomUUID() }));
    const unknown = async () => invalidRules(await this.#unknownReferences(tenantId, input));
    return refusing(
      this.#database.transaction((sql) => work(sql, rules)),
      {
        policies_name_key: () => nameTaken('policy', input.name),
        policy_rules_pkey: ruleIdTaken,
        rule_endpoints_site_fkey: unknown,
        rule_endpoints_network_fkey: unknown,
        rule_endpoints_address_pool_fkey: unknown,
        rule_endpoints_external_peer_fkey: unknown,
        rule_endpoints_group_fkey: unknown,
        rule_named_services_service_fkey: unknown,
        policy_rules_profile_fkey: unknown,
      },
    );
  }

  /** The database has refused a reference without saying where it stands. */
  async #unknownReferences(tenantId: string, { rules }: PolicyInput) {
    const named = references(rules);
    const known = await this.#repository.known(
      this.#database.sql,
      tenantId,
      named.map(({ id }) => id),
    );
    return named.filter(({ id }) => !known.has(id)).map(unknownReference);
  }
}
