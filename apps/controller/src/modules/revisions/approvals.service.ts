import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, ifMatchRequired, matchesTag, namesOne } from '../entity-tag.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import type { Approval, ApproveDraft } from './approval.dto.js';
import { alreadyApproved, breakGlassApprovesNothing, othersApproval, ownChange } from './approvals.errors.js';
import { ApprovalsRepository, shownApproval } from './approvals.repository.js';
import { baseOf, type Candidate, draftAsCandidate, revisionAsCandidate } from './candidate.js';
import { type DraftState, Drafts } from './drafts.js';
import { Gate } from './gate.js';
import { draftKeepsChanging, failedProofNotApproved } from './revisions.errors.js';
import { RevisionsRepository } from './revisions.repository.js';

/** A second person says yes to exactly what they have seen. */
@Injectable()
export class ApprovalsService {
  readonly #database: Database;
  readonly #tenants: TenantsRepository;
  readonly #drafts: Drafts;
  readonly #revisions: RevisionsRepository;
  readonly #approvals: ApprovalsRepository;
  readonly #audit: AuditRepository;
  readonly #gate: Gate;

  constructor(
    database: Database,
    tenants: TenantsRepository,
    drafts: Drafts,
    revisions: RevisionsRepository,
    approvals: ApprovalsRepository,
    audit: AuditRepository,
    gate: Gate,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#drafts = drafts;
    this.#revisions = revisions;
    this.#approvals = approvals;
    this.#audit = audit;
    this.#gate = gate;
  }

  /**
   * Approves the draft that `ifMatch` names, or that an earlier revision takes its place. Throws DomainError 'own_change',
   * 'already_approved', 'break_glass_session', 'draft_does_not_compile', 'proof_failed', 'draft_changed', 'if_match_required',
   * 'unknown_revision' or 'draft_keeps_changing'.
   */
  async approve(
    tenantId: string,
    user: CurrentUser,
    request: ApproveDraft,
    ifMatch: string | undefined,
  ): Promise<Approval> {
    if (user.breakGlass === true) throw breakGlassApprovesNothing();
    if (!namesOne(ifMatch)) throw ifMatchRequired('draft');
    const candidateOf = await this.#candidateOf(tenantId, request.restoredFrom);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const draft = await this.#drafts.read(this.#database.sql, tenantId);
      if (!matchesTag(ifMatch, draft.version)) throw changedMeanwhile('draft', draft.version);
      const candidate = candidateOf(draft);
      const effect = await this.#gate.pass(draft, candidate, request.failedProof ? 'allowed' : failedProofNotApproved);
      if (effect === undefined) continue;
      const failedProof = effect.findings.length > 0;
      const stored = this.#database.transaction((sql) =>
        this.#store(sql, tenantId, user, { comment: request.comment, failedProof }, draft, candidate),
      );
      const approval = await refusing(stored, {
        draft_approvals_four_eyes: ownChange,
        draft_approvals_no_break_glass: breakGlassApprovesNothing,
        draft_approvals_once: alreadyApproved,
      });
      if (approval !== undefined) return approval;
    }
    throw draftKeepsChanging();
  }

  /**
   * Takes back what the user has approved, unless it is over: by then it is in a revision, or holds for nothing. Throws DomainError
   * 'unknown_approval' or 'others_approval'.
   */
  withdraw(tenantId: string, user: CurrentUser, approvalId: string): Promise<void> {
    return this.#database.transaction(async (sql) => {
      // Whoever publishes by it has the tenant locked until it is done.
      await this.#tenants.lock(sql, tenantId);
      const approval = (await this.#approvals.open(sql, tenantId)).find(({ id }) => id === approvalId);
      if (approval === undefined) throw notFound('approval', approvalId);
      if (approval.approver !== user.name) throw othersApproval(approval.approver);
      await this.#approvals.withdraw(sql, tenantId, approval);
      const { version, restoredFrom } = approval;
      const details = { approvalId, version, ...(restoredFrom !== null && { restoredFrom }) };
      await this.#audit.append(sql, tenantId, { actor: user, action: 'approval_withdrawn', details });
    });
  }

  async #candidateOf(tenantId: string, restoredFrom: number | undefined): Promise<(draft: DraftState) => Candidate> {
    if (restoredFrom === undefined) return draftAsCandidate;
    const stored = await this.#revisions.read(this.#database.sql, tenantId, restoredFrom);
    if (stored === undefined) throw notFound('revision', String(restoredFrom));
    return (draft) => revisionAsCandidate(stored, draft);
  }

  /** Undefined, and nothing is stored, when the draft is not what it was. */
  async #store(
    sql: SqlExecutor,
    tenantId: string,
    user: CurrentUser,
    judgement: Pick<Approval, 'comment' | 'failedProof'>,
    draft: DraftState,
    { intent, version, restoredFrom }: Candidate,
  ): Promise<Approval | undefined> {
    await this.#tenants.lock(sql, tenantId);
    const now = await this.#drafts.read(sql, tenantId);
    if (now.version !== draft.version) return undefined;
    const base = baseOf(draft);
    const approval = { id: randomUUID(), approver: user.name, ...judgement, restoredFrom, base, version };
    const [stored] = await this.#approvals.insert(sql, tenantId, approval, intent);
    if (stored === undefined) throw new Error('insert … returning gave no row');
    const details = { approvalId: stored.id, version, ...judgement, ...(restoredFrom !== null && { restoredFrom }) };
    await this.#audit.append(sql, tenantId, { actor: user, action: 'draft_approved', details });
    return shownApproval(stored);
  }
}

/** A draft that is edited all the time is looked at so often. */
const ATTEMPTS = 5;
