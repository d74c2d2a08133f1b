import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { type CompileResult, compileFabric, type FabricIntent } from '@weft/fabric-compiler';
import { Distribution } from '../../distribution/distribution.js';
import { EdgeStates } from '../../observations/edge-states.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { affectedEdges } from './affected-edges.js';
import { edgeApplication } from './edge-application.js';
import { IntentRepository } from './intent.repository.js';
import type { Draft, Publish, PublishResult, Revision, RevisionDetail, RevisionListQuery } from './revision.dto.js';
import { doesNotCompile, nothingToPublish, problemEntriesOf } from './revisions.errors.js';
import { RevisionsRepository, type StoredRevision } from './revisions.repository.js';

/** The draft compared with the newest revision. */
interface Comparison {
  readonly newest: StoredRevision | undefined;
  readonly intent: FabricIntent;
  readonly changed: boolean;
  readonly compiled: CompileResult;
}

/** From what people edit to what is in force. */
@Injectable()
export class RevisionsService {
  readonly #database: Database;
  readonly #tenants: TenantsRepository;
  readonly #intents: IntentRepository;
  readonly #revisions: RevisionsRepository;
  readonly #distribution: Distribution;
  readonly #states: EdgeStates;

  constructor(
    database: Database,
    tenants: TenantsRepository,
    intents: IntentRepository,
    revisions: RevisionsRepository,
    distribution: Distribution,
    states: EdgeStates,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#intents = intents;
    this.#revisions = revisions;
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
    const comparison = await this.#compare(this.#database.sql, tenantId);
    const { compiled, changed } = comparison;
    if (!compiled.ok) return { changed, problems: problemEntriesOf(compiled.problems), affectedEdges: [] };
    return { changed, problems: [], affectedEdges: affectedBy(comparison, compiled) };
  }

  /**
   * Compiles the draft and, unless it is a dry run, stores it as the next revision: both in one transaction that no
   * other publish of the tenant overlaps. Throws DomainError 'draft_does_not_compile' or 'nothing_to_publish'.
   */
  async publish(tenantId: string, user: CurrentUser, { comment, dryRun }: Publish): Promise<PublishResult> {
    const result = await this.#database.transaction(async (sql): Promise<PublishResult> => {
      await this.#tenants.lock(sql, tenantId);
      const comparison = await this.#compare(sql, tenantId);
      const { newest, intent, changed, compiled } = comparison;
      if (!compiled.ok) throw doesNotCompile(compiled.problems);
      const affected = affectedBy(comparison, compiled);
      if (dryRun) return { dryRun, revision: null, affectedEdges: affected };
      if (newest !== undefined && !changed) throw nothingToPublish(newest.revision.number);
      const number = (newest?.revision.number ?? 0) + 1;
      const [revision] = await this.#revisions.insert(sql, tenantId, { number, author: user.name, comment }, intent);
      if (revision === undefined) throw new Error('insert … returning gave no row');
      return { dryRun, revision, affectedEdges: affected };
    });
    // So that whoever asks next sees what the edges should run now. Never rejects: the revision stands whatever becomes of it.
    if (!dryRun) await this.#distribution.revisionPublished(tenantId);
    return result;
  }

  async #compare(sql: SqlExecutor, tenantId: string): Promise<Comparison> {
    const intent = await this.#intents.read(sql, tenantId);
    const newest = await this.#revisions.newest(sql, tenantId);
    const changed = !isDeepStrictEqual(newest?.intent, intent);
    return { newest, intent, changed, compiled: compileFabric(intent) };
  }
}

function affectedBy({ newest, intent }: Comparison, compiled: CompileResult & { ok: true }) {
  return affectedEdges(newest?.intent, intent, compiled.bundles);
}
