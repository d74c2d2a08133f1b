import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { Approval } from './approval.dto.js';

/** An approval that holds, with what it is of. */
export interface StoredApproval extends Approval {
  readonly base: number;
  readonly version: string;
}

export type NewApproval = Pick<
  StoredApproval,
  'id' | 'approver' | 'comment' | 'failedProof' | 'restoredFrom' | 'base' | 'version'
>;

/** Somebody who has changed the draft, and how often. */
export interface DraftEditor {
  readonly name: string;
  readonly changes: string;
}

type ApprovalRow = Omit<StoredApproval, 'approvedAt'> & { readonly approvedAt: Date };

/** The tables draft_approvals and draft_editors. Triggers write down who changes the draft, and end approvals. */
@Injectable()
export class ApprovalsRepository {
  /** Those that hold, the oldest first. */
  async open(sql: SqlExecutor, tenantId: string): Promise<StoredApproval[]> {
    const rows = await sql<ApprovalRow[]>`
      select ${this.#columns(sql)} from draft_approvals
      where tenant_id = ${tenantId} and voided_at is null and followed_by is null order by approved_at, id`;
    return rows.map(approvalOf);
  }

  async insert(
    sql: SqlExecutor,
    tenantId: string,
    approval: NewApproval,
    intent: FabricIntent,
  ): Promise<StoredApproval[]> {
    const { id, approver, comment, failedProof, restoredFrom, base, version } = approval;
    const rows = await sql<ApprovalRow[]>`
      insert into draft_approvals (id, tenant_id, approver, comment, failed_proof, restored_from, base, version, intent_digest)
      values (${id}, ${tenantId}, ${approver}, ${comment}, ${failedProof}, ${restoredFrom}, ${base}, ${version},
        intent_digest(${JSON.stringify(intent)}::text::jsonb))
      returning ${this.#columns(sql)}`;
    return rows.map(approvalOf);
  }

  /** Ends an approval that holds, by who has given it. */
  async withdraw(sql: SqlExecutor, tenantId: string, { id, approver }: StoredApproval): Promise<void> {
    await sql`
      update draft_approvals set voided_at = clock_timestamp(), voided_by = ${approver}, void_cause = 'withdrawn'
      where tenant_id = ${tenantId} and id = ${id}`;
  }

  /** By name. */
  async editors(sql: SqlExecutor, tenantId: string): Promise<DraftEditor[]> {
    const rows = await sql<DraftEditor[]>`
      select name, changes::text from draft_editors where tenant_id = ${tenantId} order by name`;
    return [...rows];
  }

  /** What this transaction changes from here on is what a revision says, and nobody's own change of the draft. */
  async nobodyEdits(sql: SqlExecutor): Promise<void> {
    await sql`select set_config('weft.actor', '', true)`;
  }

  /**
   * After a revision: what was approved before it is over, and those changes are in force that were seen before its intent was
   * read. Last of the transaction: it waits for whoever changes the draft at this moment.
   */
  async follow(sql: SqlExecutor, tenantId: string, revision: number, seen: readonly DraftEditor[]): Promise<void> {
    await sql`
      delete from draft_editors using jsonb_to_recordset(${JSON.stringify(seen)}::text::jsonb) as seen (name text, changes bigint)
      where tenant_id = ${tenantId} and draft_editors.name = seen.name and draft_editors.changes = seen.changes`;
    await sql`
      update draft_approvals set followed_by = ${revision}
      where tenant_id = ${tenantId} and voided_at is null and followed_by is null`;
  }

  #columns(sql: SqlExecutor) {
    return sql`id, approver, approved_at, comment, failed_proof, restored_from, base, version`;
  }
}

/** As the API shows it. */
export function shownApproval({ base: _, version: __, ...approval }: StoredApproval): Approval {
  return approval;
}

function approvalOf(row: ApprovalRow): StoredApproval {
  return { ...row, approvedAt: row.approvedAt.toISOString() };
}
