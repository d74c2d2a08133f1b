import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import { Distribution } from '../../distribution/distribution.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { changedMeanwhile, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { type DraftState, Drafts, versionOf } from './drafts.js';
import { type Effect, effectOf } from './effect.js';
import { IntentTables } from './intent-tables.js';
import { restorable } from './restorable.js';
import type { Publish, PublishResult, Revision } from './revision.dto.js';
import {
  doesNotCompile,
  draftKeepsChanging,
  nothingToPublish,
  notRestorable,
  proofFailed,
  removalsNotAgreed,
} from './revisions.errors.js';
import { RevisionsRepository } from './revisions.repository.js';
import { Validations } from './validations.js';

/** What is to be published instead of, or as, the draft that was looked at. */
interface Candidate {
  readonly intent: FabricIntent;
  /** Whether it differs from what is in force. */
  readonly changed: boolean;
  readonly version: string;
  /** The revision whose intent it is, when it is to be restored. */
  readonly restoredFrom: number | undefined;
}

/** The only way into force. Nothing passes that does not compile; nothing that failed its proof, without a reason on record. */
@Injectable()
export class PublicationService {
  readonly #database: Database;
  readonly #tenants: TenantsRepository;
  readonly #drafts: Drafts;
  readonly #tables: IntentTables;
  readonly #revisions: RevisionsRepository;
  readonly #audit: AuditRepository;
  readonly #validations: Validations;
  readonly #distribution: Distribution;

  constructor(
    database: Database,
    tenants: TenantsRepository,
    drafts: Drafts,
    tables: IntentTables,
    revisions: RevisionsRepository,
    audit: AuditRepository,
    validations: Validations,
    distribution: Distribution,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#drafts = drafts;
    this.#tables = tables;
    this.#revisions = revisions;
    this.#audit = audit;
    this.#validations = validations;
    this.#distribution = distribution;
  }

  /**
   * Puts the draft in force, or says what would happen. Without `ifMatch` whatever the draft is by then; with it exactly what
   * was seen. Throws DomainError 'draft_does_not_compile', 'proof_failed', 'nothing_to_publish', 'draft_changed',
   * 'if_match_required' or 'draft_keeps_changing'.
   */
  publish(tenantId: string, user: CurrentUser, request: Publish, ifMatch: string | undefined): Promise<PublishResult> {
    const judged = request.override !== undefined || request.agreeToRemovals;
    if (judged && !namesOne(ifMatch)) throw ifMatchRequired('draft');
    return this.#put(tenantId, user, request, ifMatch, (draft) => ({ ...draft, restoredFrom: undefined }));
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
    return this.#put(tenantId, user, request, ifMatch, ({ newest, intent: draft }) => {
      const intent = restorable(stored.intent, draft.policyTests);
      const changed = !isDeepStrictEqual(newest?.intent, intent);
      return { intent, changed, version: versionOf(newest?.revision.number ?? 0, intent), restoredFrom: number };
    });
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
      const effect = await this.#passGate(draft, candidate, request);
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

  /** Undefined: somebody asks about a newer draft. */
  async #passGate(
    { newest }: DraftState,
    { version, intent }: Candidate,
    { override }: Publish,
  ): Promise<Effect | undefined> {
    const answer = await this.#validations.ofDraft(version, newest?.intent, intent);
    if (answer === undefined) return undefined;
    if (!answer.ok) throw doesNotCompile(answer.problems);
    const effect = effectOf(answer.validation, newest?.intent, intent);
    if (effect.findings.length > 0 && override === undefined) throw proofFailed(effect.findings);
    return effect;
  }

  /** Undefined, and nothing is stored, when the draft is not what it was. No other publish of the tenant overlaps. */
  async #store(
    sql: SqlExecutor,
    tenantId: string,
    user: CurrentUser,
    request: Publish,
    draft: DraftState,
    { intent, restoredFrom }: Candidate,
    { findings, affectedEdges }: Effect,
    agreedRemovals: readonly string[],
  ): Promise<Revision | undefined> {
    await this.#tenants.lock(sql, tenantId);
    const now = await this.#drafts.read(sql, tenantId);
    if (now.version !== draft.version) return undefined;
    if (restoredFrom !== undefined) {
      await this.#tables.replace(sql, intent);
      const written = await this.#drafts.read(sql, tenantId);
      if (!isDeepStrictEqual(written.intent, intent)) throw notRestorable(restoredFrom);
    }
    const number = (now.newest?.revision.number ?? 0) + 1;
    const overrideReason = findings.length === 0 ? null : (request.override?.reason ?? null);
    const [revision] = await this.#revisions.insert(
      sql,
      tenantId,
      { number, author: user.name, comment: request.comment, overrideReason, restoredFrom: restoredFrom ?? null },
      intent,
      findings,
      agreedRemovals,
    );
    if (revision === undefined) throw new Error('insert … returning gave no row');
    if (agreedRemovals.length > 0) {
      const losses = affectedEdges.flatMap(({ edgeId, removal }) => (removal === null ? [] : [{ edgeId, ...removal }]));
      const details = { revision: number, edgeIds: agreedRemovals, losses };
      await this.#audit.append(sql, tenantId, { actor: user, action: 'removals_agreed', details });
    }
    await this.#record(sql, tenantId, user, revision, findings);
    return revision;
  }

  async #record(
    sql: SqlExecutor,
    tenantId: string,
    actor: CurrentUser,
    revision: Revision,
    findings: Effect['findings'],
  ): Promise<void> {
    const { number, comment, overrideReason, restoredFrom } = revision;
    const append = (action: 'revision_published' | 'revision_restored' | 'proof_overridden', details: object) =>
      this.#audit.append(sql, tenantId, { actor, action, details: { revision: number, ...details } });
    if (overrideReason !== null) {
      const overridden = findings.map(({ kind, pointer, detail }) => ({ kind, pointer, detail }));
      await append('proof_overridden', { reason: overrideReason, findings: overridden });
    }
    if (restoredFrom === null) await append('revision_published', { comment });
    else await append('revision_restored', { comment, restoredFrom });
  }
}

/** Whether the header names a version that somebody has seen, and not just any. */
function namesOne(ifMatch: string | undefined): ifMatch is string {
  return ifMatch?.includes('"') === true;
}

/** A draft that is edited all the time is looked at so often. */
const ATTEMPTS = 5;
