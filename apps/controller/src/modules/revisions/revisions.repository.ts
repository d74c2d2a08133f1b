import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { Revision, RevisionListQuery } from './revision.dto.js';
import type { Finding } from './revision-diff.dto.js';

type RevisionRow = Omit<Revision, 'publishedAt' | 'approvedAt'> & {
  readonly publishedAt: Date;
  readonly approvedAt: Date | null;
};

/** What whoever publishes says; the table adds who approved it, and when. */
export type NewRevision = Omit<Revision, 'publishedAt' | 'approvedBy' | 'approvedAt'> & {
  readonly approvalId: string | null;
};

export interface StoredRevision {
  readonly revision: Revision;
  readonly intent: FabricIntent;
  /** Proofs that had failed when it was published. */
  readonly findings: Finding[];
}

/** Rows are added and never changed: the table refuses it. */
@Injectable()
export class RevisionsRepository {
  async list(sql: SqlExecutor, tenantId: string, { before, limit }: RevisionListQuery): Promise<Revision[]> {
    const rows = await sql<RevisionRow[]>`
      select ${this.#columns(sql)} from revisions
      where tenant_id = ${tenantId} and number < coalesce(${before ?? null}, 2147483647)
      order by number desc limit ${limit}`;
    return rows.map(revisionOf);
  }

  async newest(sql: SqlExecutor, tenantId: string): Promise<StoredRevision | undefined> {
    const [row] = await sql<(RevisionRow & { intent: FabricIntent; findings: Finding[] })[]>`
      select ${this.#columns(sql)}, intent, findings from revisions
      where tenant_id = ${tenantId} order by number desc limit 1`;
    return row && storedOf(row);
  }

  async read(sql: SqlExecutor, tenantId: string, number: number): Promise<StoredRevision | undefined> {
    const [row] = await sql<(RevisionRow & { intent: FabricIntent; findings: Finding[] })[]>`
      select ${this.#columns(sql)}, intent, findings from revisions
      where tenant_id = ${tenantId} and number = ${number}`;
    return row && storedOf(row);
  }

  /**
   * The revision that made a rule what it is in the given one. Looks back as far as RULE_HISTORY revisions; undefined when it
   * has been so for longer.
   */
  async ruleSince(sql: SqlExecutor, tenantId: string, number: number, ruleId: string): Promise<Revision | undefined> {
    const [row] = await sql<RevisionRow[]>`
      with history as (
        select ${this.#columns(sql)}, jsonb_path_query_first(intent, '$.policies[*].rules[*] ? (@.id == $id)',
          jsonb_build_object('id', ${ruleId}::text)) as rule
        from revisions
        where tenant_id = ${tenantId} and number between ${number - RULE_HISTORY} and ${number}
      ), compared as (
        select *, lag(rule) over (order by number) as rule_before from history
      )
      select ${this.#columns(sql)} from compared
      where rule is distinct from rule_before and (rule_before is not null or number = 1 or number > ${number - RULE_HISTORY})
      order by number desc limit 1`;
    return row && revisionOf(row);
  }

  async newestNumber(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ number: number }[]>`
      select coalesce(max(number), 0) as number from revisions where tenant_id = ${tenantId}`;
    return row?.number ?? 0;
  }

  async insert(
    sql: SqlExecutor,
    tenantId: string,
    revision: NewRevision,
    intent: FabricIntent,
    findings: readonly Finding[],
    agreedRemovals: readonly string[],
  ): Promise<Revision[]> {
    const rows = await sql<RevisionRow[]>`
      insert into revisions (tenant_id, number, author, comment, intent, findings, override_reason, restored_from,
        agreed_removals, approval_id, approval_waived)
      values (${tenantId}, ${revision.number}, ${revision.author}, ${revision.comment},
        ${JSON.stringify(intent)}::text::jsonb, ${JSON.stringify(findings)}::text::jsonb, ${revision.overrideReason},
        ${revision.restoredFrom}, ${[...agreedRemovals]}::uuid[], ${revision.approvalId}, ${revision.approvalWaived})
      returning ${this.#columns(sql)}`;
    return rows.map(revisionOf);
  }

  #columns(sql: SqlExecutor) {
    return sql`number, author, comment, published_at, override_reason, restored_from, approved_by, approved_at, approval_waived`;
  }
}

type StoredRow = RevisionRow & Pick<StoredRevision, 'intent' | 'findings'>;

function storedOf({ intent, findings, ...row }: StoredRow): StoredRevision {
  return { revision: revisionOf(row), intent, findings };
}

function revisionOf(row: RevisionRow): Revision {
  return {
    ...row,
    publishedAt: row.publishedAt.toISOString(),
    approvedAt: row.approvedAt === null ? null : row.approvedAt.toISOString(),
  };
}

const RULE_HISTORY = 200;
