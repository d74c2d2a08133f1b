import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import { EdgeStates } from '../../observations/edge-states.js';
import { Database } from '../../platform/database/database.js';
import { notFound } from '../../platform/http/domain-error.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { ApprovalsRepository, shownApproval } from './approvals.repository.js';
import { type DraftState, Drafts, versionOf } from './drafts.js';
import { edgeApplication } from './edge-application.js';
import { effectOf } from './effect.js';
import { intentChanges } from './intent-changes.js';
import { namesIn } from './intent-names.js';
import type { Draft, RevisionDetail, RevisionList, RevisionListQuery } from './revision.dto.js';
import type { RevisionDiff } from './revision-diff.dto.js';
import { doesNotCompile, draftKeepsChanging, problemEntriesOf } from './revisions.errors.js';
import { RevisionsRepository, type StoredRevision } from './revisions.repository.js';
import { Validations } from './validations.js';

/** What was published, and what would be. */
@Injectable()
export class RevisionsService {
  readonly #database: Database;
  readonly #drafts: Drafts;
  readonly #revisions: RevisionsRepository;
  readonly #validations: Validations;
  readonly #approvals: ApprovalsRepository;
  readonly #tenants: TenantsRepository;
  readonly #states: EdgeStates;

  constructor(
    database: Database,
    drafts: Drafts,
    revisions: RevisionsRepository,
    validations: Validations,
    approvals: ApprovalsRepository,
    tenants: TenantsRepository,
    states: EdgeStates,
  ) {
    this.#database = database;
    this.#drafts = drafts;
    this.#revisions = revisions;
    this.#validations = validations;
    this.#approvals = approvals;
    this.#tenants = tenants;
    this.#states = states;
  }

  async list(tenantId: string, { before, limit }: RevisionListQuery): Promise<RevisionList> {
    const found = await this.#revisions.list(this.#database.sql, tenantId, { before, limit: limit + 1 });
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? (items.at(-1)?.number ?? null) : null };
  }

  async read(tenantId: string, number: number): Promise<RevisionDetail> {
    const { revision, intent, findings } = await this.#stored(tenantId, number);
    const newest = await this.#revisions.newestNumber(this.#database.sql, tenantId);
    const edges = intent.edges
      .map((edge) => edgeApplication(edge, this.#states.of(edge.id), number, newest))
      .sort((left, right) => left.edgeName.localeCompare(right.edgeName, 'en'));
    return { ...revision, findings, edges };
  }

  /** The draft, compiled and proven. Throws DomainError 'draft_keeps_changing' or 'compiler_…'. */
  async draft(tenantId: string): Promise<Draft> {
    const { draft, answer } = await this.#validated(tenantId);
    const { changed, version, newest, intent } = draft;
    const base = {
      changed,
      version,
      baseRevision: newest?.revision.number ?? null,
      ...(await this.#approval(tenantId, version)),
    };
    if (!answer.ok) {
      const problems = problemEntriesOf(answer.problems);
      return { ...base, problems, findings: [], affectedEdges: [], blastRadius: null };
    }
    const { findings, affectedEdges, blastRadius } = effectOf(answer.validation, newest?.intent, intent);
    return { ...base, problems: [], findings, affectedEdges, blastRadius };
  }

  /** What the draft would change. Throws what draft throws, and 'draft_does_not_compile'. */
  async draftDiff(tenantId: string): Promise<RevisionDiff> {
    const { draft, answer } = await this.#validated(tenantId);
    const { newest, intent } = draft;
    return diffOf(answer, newest?.intent, intent, { from: newest?.revision.number ?? null, to: null });
  }

  /** What one revision changed against an earlier one, or against the one before it. */
  async diff(tenantId: string, number: number, from: number | undefined): Promise<RevisionDiff> {
    const after = await this.#stored(tenantId, number);
    const before = from === undefined && number === 1 ? undefined : await this.#stored(tenantId, from ?? number - 1);
    const base = before?.revision.number ?? 0;
    const answer = await this.#validations.ofRevisions(versionOf(base, after.intent), before?.intent, after.intent);
    return diffOf(answer, before?.intent, after.intent, { from: before?.revision.number ?? null, to: number });
  }

  /** Whether somebody else must approve this version, who cannot, and who has. */
  async #approval(
    tenantId: string,
    version: string,
  ): Promise<Pick<Draft, 'approvalRequired' | 'changedBy' | 'approvals'>> {
    const { sql } = this.#database;
    const tenant = await this.#tenants.read(sql, tenantId);
    const editors = await this.#approvals.editors(sql, tenantId);
    const open = await this.#approvals.open(sql, tenantId);
    return {
      approvalRequired: tenant?.approvalRequired === true,
      changedBy: editors.map(({ name }) => name),
      approvals: open
        .filter((approval) => approval.restoredFrom !== null || approval.version === version)
        .map(shownApproval),
    };
  }

  async #validated(tenantId: string): Promise<{ readonly draft: DraftState; readonly answer: Answer }> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const draft = await this.#drafts.read(this.#database.sql, tenantId);
      const answer = await this.#validations.ofDraft(draft.version, draft.newest?.intent, draft.intent);
      if (answer !== undefined) return { draft, answer };
    }
    throw draftKeepsChanging();
  }

  async #stored(tenantId: string, number: number): Promise<StoredRevision> {
    const stored = await this.#revisions.read(this.#database.sql, tenantId, number);
    if (stored === undefined) throw notFound('revision', String(number));
    return stored;
  }
}

type Answer = Awaited<ReturnType<Validations['ofRevisions']>>;

function diffOf(
  answer: Answer,
  before: FabricIntent | undefined,
  after: FabricIntent,
  numbers: Pick<RevisionDiff, 'from' | 'to'>,
): RevisionDiff {
  if (!answer.ok) throw doesNotCompile(answer.problems);
  const { findings: _, ...effect } = effectOf(answer.validation, before, after);
  const intent = intentChanges(before, after);
  return { ...numbers, intent, names: namesIn(intent, before, after), ...effect };
}

/** A draft that is edited all the time is looked at so often. */
const ATTEMPTS = 5;
