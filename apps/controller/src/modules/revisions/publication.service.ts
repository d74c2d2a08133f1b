import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Distribution } from '../../distribution/distribution.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { changedMeanwhile, ifMatchRequired, matchesTag, namesOne } from '../entity-tag.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { approvalRequired } from './approvals.errors.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { type Candidate, draftAsCandidate, revisionAsCandidate } from './candidate.js';
import { type DraftState, Drafts } from './drafts.js';
import type { Effect } from './effect.js';
import { Gate, type Passed } from './gate.js';
import { IntentTables } from './intent-tables.js';
import type { Publish, PublishResult, Revision } from './revision.dto.js';
import {
  draftKeepsChanging,
  nothingToPublish,
  notRestorable,
  proofFailed,
  removalsNotAgreed,
} from './revisions.errors.js';
import { type NewRevision, RevisionsRepository } from './revisions.repository.js';

/** The only way into force. Nothing passes that does not compile; nothing that failed its proof, without a reason on record. */
@Injectable()
export class PublicationService {
  readonly #database: Database;
  readonly #tenants: TenantsRepository;
  readonly #drafts: Drafts;
  readonly #tables: IntentTables;
  readonly #revisions: RevisionsRepository;
  readonly #audit: AuditRepository;
  readonly #approvals: ApprovalsRepository;
  readonly #gate: Gate;
  readonly #distribution: Distribution;
  readonly #logger: Logger;

  constructor(
    database: Database,
    tenants: TenantsRepository,
    drafts: Drafts,
    tables: IntentTables,
    revisions: RevisionsRepository,
    audit: AuditRepository,
    approvals: ApprovalsRepository,
    gate: Gate,
    distribution: Distribution,
    @InjectLogger() logger: Logger,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#drafts = drafts;
    this.#tables = tables;
    this.#revisions = revisions;
    this.#audit = audit;
    this.#approvals = approvals;
    this.#gate = gate;
    this.#distribution = distribution;
    this.#logger = logger.child({ component: 'publication' });
  }

  /**
   * Puts the draft in force, or says what would happen. Without `ifMatch` whatever the draft is by then; with it exactly what
   * was seen. Throws DomainError 'draft_does_not_compile', 'proof_failed', 'nothing_to_publish', 'draft_changed',
   * 'if_match_required', 'approval_required' or 'draft_keeps_changing'.
   */
  publish(tenantId: string, user: CurrentUser, request: Publish, ifMatch: string | undefined): Promise<PublishResult> {
    const judged = request.override !== undefined || request.agreeToRemovals;
    if (judged && !namesOne(ifMatch)) throw ifMatchRequired('draft');
    return this.#put(tenantId, user, request, ifMatch, draftAsCandidate);
  }

  /**
   * Puts an earlier intent in force again, as a new revision and as the draft that people go on from: what is in the draft
   * only is lost, so `ifMatch` must name it. Today's policy tests are held against it. Throws what publish throws, and
   * 'unknown_revision' or 'not_restorable'.
   */
  async restore(
    tenantId: string,
    number: number,
    user: CurrentUser,
    request: Publish,
    ifMatch: string | undefined,
  ): Promise<PublishResult> {
    if (!namesOne(ifMatch)) throw ifMatchRequired('draft');
    const stored = await this.#revisions.read(this.#database.sql, tenantId, number);
    if (stored === undefined) throw notFound('revision', String(number));
    return this.#put(tenantId, user, request, ifMatch, (draft) => revisionAsCandidate(stored, draft));
  }

  async #put(
    tenantId: string,
    user: CurrentUser,
    request: Publish,
    ifMatch: string | undefined,
    candidateOf: (draft: DraftState) => Candidate,
  ): Promise<PublishResult> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const draft = await this.#drafts.read(this.#database.sql, tenantId);
      if (ifMatch !== undefined && !matchesTag(ifMatch, draft.version)) throw changedMeanwhile('draft', draft.version);
      const candidate = candidateOf(draft);
      const effect = await this.#gate.pass(draft, candidate, request.override === undefined ? proofFailed : 'allowed');
      if (effect === undefined) continue;
      const { findings, affectedEdges, blastRadius } = effect;
      if (request.dryRun) return { dryRun: true, revision: null, findings, affectedEdges, blastRadius };
      const agreed = this.#agreedRemovals(tenantId, request, effect);
      if (draft.newest !== undefined && !candidate.changed && agreed.length === 0) {
        throw nothingToPublish(draft.newest.revision.number);
      }
      const revision = await this.#database.transaction((sql) =>
        this.#store(sql, tenantId, user, request, draft, candidate, effect, agreed),
      );
      if (revision === undefined) continue;
      if (revision.approvalWaived !== null) {
        const details = { tenantId, revision: revision.number, author: revision.author };
        this.#logger.warn(details, 'published without the approval that is needed, by a break-glass session');
      }
      // So that whoever asks next sees what the edges should run now. Never rejects: the revision stands whatever becomes of it.
      await this.#database.whenKept(() => this.#distribution.revisionPublished(tenantId));
      return { dryRun: false, revision, findings, affectedEdges, blastRadius };
    }
    throw draftKeepsChanging();
  }

  /** Edges that may lose what this takes away. Throws DomainError 'removals_not_agreed' when some lose much, and nobody has agreed. */
  #agreedRemovals(tenantId: string, { agreeToRemovals }: Publish, { affectedEdges }: Effect): readonly string[] {
    if (!agreeToRemovals) {
      const losing = affectedEdges.filter(({ removal }) => removal?.needsAgreement);
      if (losing.length > 0) throw removalsNotAgreed(losing);
      return [];
    }
    const losing = affectedEdges.filter(({ removal }) => removal !== null).map(({ edgeId }) => edgeId);
    return [...new Set([...losing, ...this.#distribution.refusingRemovals(tenantId)])].sort();
  }

  /** Undefined, and nothing is stored, when the draft is not what it was. No other publish of the tenant overlaps. */
  async #store(
    sql: SqlExecutor,
    tenantId: string,
    user: CurrentUser,
    request: Publish,
    draft: DraftState,
    candidate: Candidate,
    { findings, affectedEdges, ruleMeanings }: Passed,
    agreedRemovals: readonly string[],
  ): Promise<Revision | undefined> {
    const { intent, restoredFrom } = candidate;
    await this.#tenants.lock(sql, tenantId);
    // Before the draft: whoever changes it in between is still there afterwards.
    const editors = await this.#approvals.editors(sql, tenantId);
    const now = await this.#drafts.read(sql, tenantId);
    if (now.version !== draft.version) return undefined;
    const approval = await this.#approval(sql, tenantId, user, candidate, findings.length > 0);
    if (restoredFrom !== null) {
      await this.#approvals.nobodyEdits(sql);
      await this.#tables.replace(sql, intent);
      const written = await this.#drafts.read(sql, tenantId);
      if (!isDeepStrictEqual(written.intent, intent)) throw notRestorable(restoredFrom);
    }
    const number = (now.newest?.revision.number ?? 0) + 1;
    const overrideReason = findings.length === 0 ? null : (request.override?.reason ?? null);
    const [revision] = await this.#revisions.insert(
      sql,
      tenantId,
      { number, author: user.name, comment: request.comment, overrideReason, restoredFrom, ...approval },
      { intent, findings, ruleMeanings, agreedRemovals },
    );
    if (revision === undefined) throw new Error('insert … returning gave no row');
    if (agreedRemovals.length > 0) {
      const losses = affectedEdges.flatMap(({ edgeId, removal }) => (removal === null ? [] : [{ edgeId, ...removal }]));
      const details = { revision: number, edgeIds: agreedRemovals, losses };
      await this.#audit.append(sql, tenantId, { actor: user, action: 'removals_agreed', details });
    }
    await this.#record(sql, tenantId, user, revision, findings);
    await this.#approvals.follow(sql, tenantId, number, editors);
    return revision;
  }

  /**
   * By which approval it is published. Of a break-glass session by none: whoever is there may be in a hurry, and is heard of.
   * Throws DomainError 'approval_required'.
   */
  async #approval(
    sql: SqlExecutor,
    tenantId: string,
    user: CurrentUser,
    { version, restoredFrom }: Candidate,
    failedProof: boolean,
  ): Promise<Pick<NewRevision, 'approvalId' | 'approvalWaived'>> {
    const open = await this.#approvals.open(sql, tenantId);
    const ofThis = open.filter(
      (each) => each.version === version && each.restoredFrom === restoredFrom && (each.failedProof || !failedProof),
    );
    const approval = ofThis.find(({ approver }) => approver !== user.name);
    if (approval !== undefined) return { approvalId: approval.id, approvalWaived: null };
    const tenant = await this.#tenants.read(sql, tenantId);
    if (tenant?.approvalRequired === false) return { approvalId: null, approvalWaived: null };
    if (user.breakGlass !== true) throw approvalRequired(ofThis.length > 0, restoredFrom);
    return { approvalId: null, approvalWaived: 'break_glass' };
  }

  async #record(
    sql: SqlExecutor,
    tenantId: string,
    actor: CurrentUser,
    revision: Revision,
    findings: Effect['findings'],
  ): Promise<void> {
    const { number, comment, overrideReason, restoredFrom, approvedBy, approvedAt, approvalWaived } = revision;
    const append = (action: PublicationDeed, details: object) =>
      this.#audit.append(sql, tenantId, { actor, action, details: { revision: number, ...details } });
    if (overrideReason !== null) {
      const overridden = findings.map(({ kind, pointer, detail }) => ({ kind, pointer, detail }));
      await append('proof_overridden', { reason: overrideReason, findings: overridden });
    }
    if (approvalWaived !== null) await append('approval_waived', { reason: approvalWaived });
    const approved = approvedBy === null ? {} : { approvedBy, approvedAt };
    if (restoredFrom === null) await append('revision_published', { comment, ...approved });
    else await append('revision_restored', { comment, restoredFrom, ...approved });
  }
}

type PublicationDeed = 'revision_published' | 'revision_restored' | 'proof_overridden' | 'approval_waived';

/** A draft that is edited all the time is looked at so often. */
const ATTEMPTS = 5;
