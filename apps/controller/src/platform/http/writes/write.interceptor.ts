import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Database } from '../../database/database.js';
import type { AuthenticatedRequest, CurrentUser } from '../current-user.decorator.js';
import { type IdempotencyKey, idempotencyKey } from './idempotency-key.js';
import { type KeptAnswer, KeptAnswersRepository, type KeyOwner } from './kept-answers.repository.js';
import { IMMEDIATE, QUERY_PARAMETERS, SHOWN_ONCE } from './write.decorators.js';
import { answerNotKept, keyReused, malformedDryRun, stillInProgress, unknownParameters } from './write.errors.js';

/** How one write is to be carried out. */
interface Write {
  readonly dryRun: boolean;
  readonly owner: KeyOwner;
  /** Undefined for what is not to be remembered. */
  readonly key: IdempotencyKey | undefined;
  readonly secret: boolean;
}

/**
 * Every write is one transaction: whole or not at all, undone when it is only tried (`?dryRun=true`), and with an
 * Idempotency-Key remembered with its answer, so that a client that has heard nothing may ask again.
 */
@Injectable()
export class WriteInterceptor implements NestInterceptor {
  readonly #reflector: Reflector;
  readonly #database: Database;
  readonly #answers: KeptAnswersRepository;

  constructor(reflector: Reflector, database: Database, answers: KeptAnswersRepository) {
    this.#reflector = reflector;
    this.#database = database;
    this.#answers = answers;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const response = context.switchToHttp().getResponse<Response>();
    if (!WRITES.has(request.method)) return next.handle();
    this.#refuseUnknownParameters(context, request);
    const { user } = request;
    if (this.#mark(IMMEDIATE, context) || user === undefined) return next.handle();
    const write = this.#write(context, request, user);
    return from(this.#carryOut(write, response, () => lastValueFrom(next.handle(), { defaultValue: undefined })));
  }

  async #carryOut(write: Write, response: Response, work: () => Promise<unknown>): Promise<unknown> {
    const { dryRun, owner, key } = write;
    if (dryRun) response.setHeader(DRY_RUN_HEADER, 'true');
    if (key === undefined) return this.#database.unit({ tryOnly: dryRun, opened: nothing, finished: nothing }, work);
    const kept = await this.#answers.find(this.#database.sql, owner, key);
    if (kept !== undefined) return replay(response, key, kept);
    try {
      return await this.#database.unit(
        {
          tryOnly: false,
          opened: async (sql) => {
            if (!(await this.#answers.lock(sql, owner, key))) throw stillInProgress();
            const finished = await this.#answers.find(sql, owner, key);
            if (finished !== undefined) throw new AlreadyDone(finished);
          },
          finished: (transaction, result) =>
            transaction((sql) => this.#answers.insert(sql, owner, key, keptOf(write, response, result))),
        },
        work,
      );
    } catch (error) {
      if (error instanceof AlreadyDone) return replay(response, key, error.kept);
      throw error;
    }
  }

  #write(context: ExecutionContext, request: AuthenticatedRequest, user: CurrentUser): Write {
    const { method, path, query, body, params } = request;
    const dryRun = query['dryRun'] === 'true';
    const { tenantId } = params;
    const key =
      method === 'POST'
        ? idempotencyKey(request.get('Idempotency-Key'), {
            method,
            path,
            query,
            ifMatch: request.get('If-Match'),
            body,
          })
        : undefined;
    return {
      dryRun,
      owner: { tenantId: typeof tenantId === 'string' ? tenantId : user.homeTenantId, userId: user.id },
      // What changes nothing has nothing to repeat.
      key: dryRun ? undefined : key,
      secret: this.#mark(SHOWN_ONCE, context),
    };
  }

  /** A write with a misspelt dryRun must not happen. */
  #refuseUnknownParameters(context: ExecutionContext, { query }: AuthenticatedRequest): void {
    const own = this.#reflector.get<readonly string[] | undefined>(QUERY_PARAMETERS, context.getHandler()) ?? [];
    const known = new Set(this.#mark(IMMEDIATE, context) ? own : [...own, 'dryRun']);
    const unknown = Object.keys(query).filter((name) => !known.has(name));
    if (unknown.length > 0) throw unknownParameters(unknown.slice(0, MAX_ENTRIES));
    if (query['dryRun'] !== undefined && query['dryRun'] !== 'true' && query['dryRun'] !== 'false')
      throw malformedDryRun();
  }

  #mark(name: string, context: ExecutionContext): boolean {
    return this.#reflector.getAllAndOverride<boolean>(name, [context.getHandler(), context.getClass()]) === true;
  }
}

/** Another request with the same key has ended between the first look and the lock. */
class AlreadyDone extends Error {
  override readonly name = 'AlreadyDone';

  constructor(readonly kept: KeptAnswer) {
    super('the request was carried out already');
  }
}

function keptOf({ secret }: Write, response: Response, result: unknown): Omit<KeptAnswer, 'fingerprint'> {
  const answer = JSON.stringify(result ?? null);
  const kept = !secret && Buffer.byteLength(answer) <= MAX_ANSWER_OCTETS;
  return { etag: response.get('ETag') ?? null, answer: kept ? answer : null };
}

function replay(response: Response, key: IdempotencyKey, { fingerprint, etag, answer }: KeptAnswer): unknown {
  if (!fingerprint.equals(key.fingerprint)) throw keyReused();
  if (answer === null) throw answerNotKept();
  response.setHeader(REPLAYED_HEADER, 'true');
  if (etag !== null) response.setHeader('ETag', etag);
  return JSON.parse(answer);
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** Says that the answer is that of an earlier request. */
const REPLAYED_HEADER = 'Idempotency-Replayed';
/** Says that the answer is what would be, and nothing was changed. */
const DRY_RUN_HEADER = 'Weft-Dry-Run';
const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** The constraint of the table. */
const MAX_ANSWER_OCTETS = 1024 * 1024;
const MAX_ENTRIES = 100;
