import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import type { Response } from 'express';
import type { Logger } from 'pino';
import { DatabaseUnavailableError } from '../database/database-errors.js';
import { InjectLogger } from '../logging/logger.js';
import type { AuthenticatedRequest } from './current-user.decorator.js';
import { DomainError, type ErrorKind } from './domain-error.js';
import type { Problem } from './schemas.js';

type ProblemContent = Pick<Problem, 'status' | 'detail' | 'errors'> & { readonly code: string };

/** Turns every error into problem details (RFC 9457). What was not foreseen is logged whole and answered without insides. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@InjectLogger() logger: Logger) {
    this.#logger = logger.child({ component: 'http' });
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<AuthenticatedRequest & { id?: unknown }>();
    const response = host.switchToHttp().getResponse<Response>();
    const requestId = String(request.id ?? '');
    const content = contentOf(error);
    if (content.status >= 500) this.#logger.error({ err: error, requestId }, 'request failed');
    else this.#logRefusal(request, requestId, content);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    for (const [name, value] of Object.entries(headersFor(error, content.status))) response.setHeader(name, value);
    const { code, ...rest } = content;
    const problem: Problem = {
      type: `urn:weft:problem:${code}`,
      title: TITLES[content.status] ?? 'Problem',
      ...rest,
      instance: request.path,
      requestId,
    };
    response.status(content.status).type('application/problem+json').send(JSON.stringify(problem));
  }

  /**
   * Which value broke which rule; never the value. Only what a user did is worth a line that people read: anybody can
   * make refusals without a login.
   */
  #logRefusal({ method, path, user }: AuthenticatedRequest, requestId: string, content: ProblemContent): void {
    const level = user === undefined || content.status === 404 ? 'debug' : 'info';
    const errors = content.errors.map(({ pointer, rule }) => ({ pointer, rule }));
    const by = { user: user?.name, ...(user?.apiToken && { apiToken: user.apiToken.name }) };
    this.#logger[level]({ requestId, ...by, method, path, code: content.code, errors }, 'request refused');
  }
}

function contentOf(error: unknown): ProblemContent {
  if (error instanceof DomainError) {
    return { status: STATUS[error.kind], code: error.code, detail: error.message, errors: [...error.entries] };
  }
  if (error instanceof DatabaseUnavailableError) {
    const detail = 'The database cannot be reached; nothing was changed. Try again in a few seconds.';
    return { status: 503, code: 'database_unavailable', detail, errors: [] };
  }
  if (error instanceof HttpException && error.getStatus() < 500) {
    const status = error.getStatus();
    if (status === 404)
      return { status, code: 'unknown_route', detail: 'There is nothing at this path for this method.', errors: [] };
    return { status, code: 'bad_request', detail: 'The request is malformed.', errors: [] };
  }
  const detail = 'Something went wrong inside the controller. Its log has the cause, under the requestId.';
  return { status: 500, code: 'internal_error', detail, errors: [] };
}

function headersFor(error: unknown, status: number): Record<string, string> {
  // Not Basic or Digest: a browser would open a dialog of its own.
  if (status === 401) return { 'WWW-Authenticate': 'Weft-Session, Bearer' };
  if (status === 503) return { 'Retry-After': String(UNAVAILABLE_RETRY_SECONDS) };
  const after = error instanceof DomainError ? error.retryAfterSeconds : undefined;
  return after === undefined ? {} : { 'Retry-After': String(after) };
}

const STATUS: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  precondition_required: 428,
  rate_limited: 429,
  unavailable: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'Not logged in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Conflict',
  412: 'Changed in the meantime',
  413: 'The request is too large',
  415: 'Unsupported media type',
  422: 'The request breaks a rule',
  428: 'If-Match is required',
  429: 'Too many attempts',
  500: 'Internal error',
  503: 'Not available now',
};

const UNAVAILABLE_RETRY_SECONDS = 2;
