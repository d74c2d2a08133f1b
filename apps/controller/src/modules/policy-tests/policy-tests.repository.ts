import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { PolicyTest, PolicyTestInput } from './policy-test.dto.js';

type PolicyTestRow = Omit<PolicyTest, 'createdAt' | 'updatedAt'> & {
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

@Injectable()
export class PolicyTestsRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<PolicyTest[]> {
    const rows = await sql<
      PolicyTestRow[]
    >`${this.#select(sql)} where tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(policyTestOf);
  }

  async read(sql: SqlExecutor, tenantId: string, testId: string): Promise<PolicyTest | undefined> {
    const [row] = await sql<PolicyTestRow[]>`
      ${this.#select(sql)} where tenant_id = ${tenantId} and id = ${testId}`;
    return row && policyTestOf(row);
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from policy_tests where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  /** Version of a test, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, testId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from policy_tests where tenant_id = ${tenantId} and id = ${testId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, test: PolicyTestInput): Promise<void> {
    await sql`
      insert into policy_tests (id, tenant_id, name, description, sources, destinations, services, expect)
      values (${id}, ${tenantId}, ${test.name}, ${test.description}, ${JSON.stringify(test.sources)}::text::jsonb,
        ${JSON.stringify(test.destinations)}::text::jsonb, ${JSON.stringify(test.services)}::text::jsonb, ${test.expect})`;
  }

  async update(sql: SqlExecutor, tenantId: string, testId: string, test: PolicyTestInput): Promise<void> {
    await sql`
      update policy_tests set
        name = ${test.name}, description = ${test.description}, sources = ${JSON.stringify(test.sources)}::text::jsonb,
        destinations = ${JSON.stringify(test.destinations)}::text::jsonb,
        services = ${JSON.stringify(test.services)}::text::jsonb, expect = ${test.expect},
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${testId}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, testId: string): Promise<boolean> {
    const { count } = await sql`delete from policy_tests where tenant_id = ${tenantId} and id = ${testId}`;
    return count > 0;
  }

  #select(sql: SqlExecutor) {
    return sql`
      select id, name, description, sources, destinations, services, expect, version, created_at, updated_at
      from policy_tests`;
  }
}

function policyTestOf(row: PolicyTestRow): PolicyTest {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
