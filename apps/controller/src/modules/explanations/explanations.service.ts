import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import { Compiler } from '../../compiler/compiler.js';
import { CompilerFailure } from '../../compiler/compiler-failure.js';
import type { AskedPacket, CompilerAnswers } from '../../compiler/compiler-job.js';
import { Database } from '../../platform/database/database.js';
import { notFound } from '../../platform/http/domain-error.js';
import { Drafts } from '../revisions/drafts.js';
import { compilerUnavailable, doesNotCompile } from '../revisions/revisions.errors.js';
import { RevisionsRepository } from '../revisions/revisions.repository.js';
import { type Explanation, type ExplanationQuery, hasPorts, protocolNumber } from './explanation.dto.js';
import { explanationOf } from './explanation-of.js';

/** Why a packet goes the way it goes: now, at any time before, and as the draft would have it. */
@Injectable()
export class ExplanationsService {
  readonly #database: Database;
  readonly #revisions: RevisionsRepository;
  readonly #drafts: Drafts;
  readonly #compiler: Compiler;

  constructor(database: Database, revisions: RevisionsRepository, drafts: Drafts, compiler: Compiler) {
    this.#database = database;
    this.#revisions = revisions;
    this.#drafts = drafts;
    this.#compiler = compiler;
  }

  /** Throws DomainError 'unknown_revision', or 'compiler_…' when there is no answer. */
  async ofRevision(tenantId: string, number: number, query: ExplanationQuery): Promise<Explanation> {
    const { sql } = this.#database;
    const stored = await this.#revisions.read(sql, tenantId, number);
    if (stored === undefined) throw notFound('revision', String(number));
    const explanation = await this.#explain(stored.intent, query);
    const { rule } = explanation;
    const since = rule === null ? undefined : await this.#revisions.ruleSince(sql, tenantId, number, rule.ruleId);
    return { ...explanation, revision: stored.revision, ruleSince: since ?? null };
  }

  /** Throws DomainError 'draft_does_not_compile', or 'compiler_…' when there is no answer. */
  async ofDraft(tenantId: string, query: ExplanationQuery): Promise<Explanation> {
    const { intent } = await this.#drafts.read(this.#database.sql, tenantId);
    return { ...(await this.#explain(intent, query)), revision: null, ruleSince: null };
  }

  async #explain(intent: FabricIntent, query: ExplanationQuery) {
    const answer = await this.#answer(intent, packetOf(query));
    if (!answer.ok) throw doesNotCompile(answer.problems);
    return explanationOf(answer.explanation, intent);
  }

  async #answer(intent: FabricIntent, packet: AskedPacket): Promise<CompilerAnswers['explanation']> {
    try {
      return await this.#compiler.explain(intent, packet);
    } catch (error) {
      throw error instanceof CompilerFailure ? compilerUnavailable(error) : error;
    }
  }
}

function packetOf({ source, destination, protocol, sourcePort, destinationPort }: ExplanationQuery): AskedPacket {
  const ports = hasPorts(protocol) ? { sourcePort, destinationPort: destinationPort ?? 0 } : NO_PORTS;
  return { source, destination, protocol: protocolNumber(protocol), ...ports };
}

const NO_PORTS = { sourcePort: 0, destinationPort: 0 };
