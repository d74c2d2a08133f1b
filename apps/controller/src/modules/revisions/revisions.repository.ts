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

/** What a revision keeps of its publication, beside who it was. */
export interface RevisionContent {
  readonly intent: FabricIntent;
  readonly findings: readonly Finding[];
  /** What each rule in force means, as a hash, by its id. */
  readonly ruleMeanings: ReadonlyMap<string, string>;
  readonly agreedRemovals: readonly string[];
}

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
   * The revision that made a rule what it is in the given one: the first of the run, up to that one, in which it means the same.
   * Between revisions of which one was published before meanings were kept, what is written in the rule is compared. Looks back
   * as far as RULE_HISTORY revisions; undefined when it has been so for longer.
   */
  async ruleSince(sql: SqlExecutor, tenantId: string, number: number, ruleId: string): Promise<Revision | undefined> {
    const [row] = await sql<RevisionRow[]>`
      with history as (
        select *, lag(number) over (order by number) as number_before,
          rule_meanings ->> ${ruleId} as meaning, lag(rule_meanings ->> ${ruleId}) over (order by number) as meaning_before,
          rule_meanings is null as unknown, lag(rule_meanings is null) over (order by number) as unknown_before,
          lag(intent) over (order by number) as intent_before
        from revisions
        where tenant_id = ${tenantId} and number between ${number - RULE_HISTORY} and ${number}
      )
      select ${this.#columns(sql)} from history
      where case
        when number_before is null then number = 1
        when unknown or unknown_before
          then ${writtenRule(sql, 'intent', ruleId)} is distinct from ${writtenRule(sql, 'intent_before', ruleId)}
        else meaning is distinct from meaning_before
      end
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
    { intent, findings, ruleMeanings, agreedRemovals }: RevisionContent,
  ): Promise<Revision[]> {
    const rows = await sql<RevisionRow[]>`
      insert into revisions (tenant_id, number, author, comment, intent, findings, override_reason, restored_from,
        agreed_removals, approval_id, approval_waived, rule_meanings)
      values (${tenantId}, ${revision.number}, ${revision.author}, ${revision.comment},
        ${JSON.stringify(intent)}::text::jsonb, ${JSON.stringify(findings)}::text::jsonb, ${revision.overrideReason},
        ${revision.restoredFrom}, ${[...agreedRemovals]}::uuid[], ${revision.approvalId}, ${revision.approvalWaived},
        ${JSON.stringify(Object.fromEntries(ruleMeanings))}::text::jsonb)
      returning ${this.#columns(sql)}`;
    return rows.map(revisionOf);
  }

  #columns(sql: SqlExecutor) {
    return sql`number, author, comment, published_at, override_reason, restored_from, approved_by, approved_at, approval_waived`;
  }
}

/** A rule as an intent has it; null: it has none such. */
function writtenRule(sql: SqlExecutor, intent: 'intent' | 'intent_before', ruleId: string) {
  return sql`jsonb_path_query_first(${sql(intent)}, '$.policies[*].rules[*] ? (@.id == $id)',
    jsonb_build_object('id', ${ruleId}::text))`;
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
