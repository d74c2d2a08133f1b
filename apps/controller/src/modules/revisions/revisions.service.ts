import { Injectable } from '@nestjs/common';
import { Compiler } from '../../compiler/compiler.js';
import { CompilerFailure } from '../../compiler/compiler-failure.js';
import type { BundleChange, CompilerAnswers } from '../../compiler/compiler-job.js';
import { Distribution } from '../../distribution/distribution.js';
import { EdgeStates } from '../../observations/edge-states.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { type DraftState, Drafts } from './drafts.js';
import { edgeApplication } from './edge-application.js';
import type {
  AffectedEdge,
  Draft,
  Publish,
  PublishResult,
  Revision,
  RevisionDetail,
  RevisionListQuery,
} from './revision.dto.js';
import {
  compilerUnavailable,
  doesNotCompile,
  draftKeepsChanging,
  nothingToPublish,
  problemEntriesOf,
} from './revisions.errors.js';
import { RevisionsRepository } from './revisions.repository.js';

/** From what people edit to what is in force. */
@Injectable()
export class RevisionsService {
  readonly #database: Database;
  readonly #tenants: TenantsRepository;
  readonly #drafts: Drafts;
  readonly #revisions: RevisionsRepository;
  readonly #compiler: Compiler;
  readonly #distribution: Distribution;
  readonly #states: EdgeStates;

  constructor(
    database: Database,
    tenants: TenantsRepository,
    drafts: Drafts,
    revisions: RevisionsRepository,
    compiler: Compiler,
    distribution: Distribution,
    states: EdgeStates,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#drafts = drafts;
    this.#revisions = revisions;
    this.#compiler = compiler;
    this.#distribution = distribution;
    this.#states = states;
  }

  list(tenantId: string, query: RevisionListQuery): Promise<Revision[]> {
    return this.#revisions.list(this.#database.sql, tenantId, query);
  }

  async read(tenantId: string, number: number): Promise<RevisionDetail> {
    const { sql } = this.#database;
    const stored = await this.#revisions.read(sql, tenantId, number);
    if (stored === undefined) throw notFound('revision', String(number));
    const newest = await this.#revisions.newestNumber(sql, tenantId);
    const edges = stored.intent.edges
      .map((edge) => edgeApplication(edge, this.#states.of(edge.id), number, newest))
      .sort((left, right) => left.edgeName.localeCompare(right.edgeName, 'en'));
    return { ...stored.revision, edges };
  }

  async draft(tenantId: string): Promise<Draft> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const draft = await this.#drafts.read(this.#database.sql, tenantId);
      const compared = await this.#compare(draft);
      if (compared === 'superseded') continue;
      const { changed } = draft;
      if (!compared.ok) return { changed, problems: problemEntriesOf(compared.problems), affectedEdges: [] };
      return { changed, problems: [], affectedEdges: affectedBy(draft, compared.changes) };
    }
    throw draftKeepsChanging();
  }

  /**
   * Compiles the draft and, unless it is a dry run, stores it as the next revision. What is stored is exactly what was
   * compiled: a draft that was changed meanwhile, or has another revision in front of it, is looked at again.
   * Throws DomainError 'draft_does_not_compile', 'nothing_to_publish' or 'draft_keeps_changing'.
   */
  async publish(tenantId: string, user: CurrentUser, request: Publish): Promise<PublishResult> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const draft = await this.#drafts.read(this.#database.sql, tenantId);
      const compared = await this.#compare(draft);
      if (compared === 'superseded') continue;
      if (!compared.ok) throw doesNotCompile(compared.problems);
      const affectedEdges = affectedBy(draft, compared.changes);
      if (request.dryRun) return { dryRun: true, revision: null, affectedEdges };
      if (draft.newest !== undefined && !draft.changed) throw nothingToPublish(draft.newest.revision.number);
      const revision = await this.#store(tenantId, user, request, draft);
      if (revision === undefined) continue;
      // So that whoever asks next sees what the edges should run now. Never rejects: the revision stands whatever becomes of it.
      await this.#distribution.revisionPublished(tenantId);
      return { dryRun: false, revision, affectedEdges };
    }
    throw draftKeepsChanging();
  }

  /** Undefined, and nothing is stored, when the draft is not what it was. No other publish of the tenant overlaps. */
  #store(
    tenantId: string,
    user: CurrentUser,
    { comment }: Publish,
    { version }: DraftState,
  ): Promise<Revision | undefined> {
    return this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const { newest, intent, version: now } = await this.#drafts.read(sql, tenantId);
      if (now !== version) return undefined;
      const number = (newest?.revision.number ?? 0) + 1;
      const [revision] = await this.#revisions.insert(sql, tenantId, { number, author: user.name, comment }, intent);
      if (revision === undefined) throw new Error('insert … returning gave no row');
      return revision;
    });
  }

  async #compare({ newest, intent }: DraftState): Promise<CompilerAnswers['comparison'] | 'superseded'> {
    try {
      return await this.#compiler.compare(newest?.intent, intent);
    } catch (error) {
      if (!(error instanceof CompilerFailure)) throw error;
      if (error.code === 'superseded') return 'superseded';
      throw compilerUnavailable(error);
    }
  }
}

/** By name, as people read it. */
function affectedBy({ newest, intent }: DraftState, changes: readonly BundleChange[]): AffectedEdge[] {
  const names = new Map([...(newest?.intent.edges ?? []), ...intent.edges].map(({ id, name }) => [id, name]));
  return changes
    .map(({ edgeId, change }) => ({ edgeId, edgeName: names.get(edgeId) ?? edgeId, change }))
    .sort((left, right) => left.edgeName.localeCompare(right.edgeName, 'en'));
}

/** A draft that is edited all the time is looked at so often. */
const ATTEMPTS = 5;
