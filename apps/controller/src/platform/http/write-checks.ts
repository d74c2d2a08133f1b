import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { hasAuthorization } from './bearer-token.js';
import { DomainError } from './domain-error.js';

/**
 * Express middleware: a write must come from a page of ours or from no page at all, and its body must be JSON, or
 * YAML where a whole document is taken.
 * A second wall against cross-site requests, behind the SameSite cookie: a form can send neither.
 * No browser adds an Authorization header to what a foreign page sends, and with one the cookie counts for nothing.
 */
export function writeChecks(request: Request, _response: Response, next: NextFunction): void {
  next(WRITES.has(request.method) ? problemOf(request) : undefined);
}

function problemOf(request: Request): DomainError | undefined {
  if (!hasAuthorization(request) && isForeign(request)) {
    return new DomainError('forbidden', 'foreign_origin', 'A page of another origin may not change anything here.');
  }
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  return hasBody && !request.is('application/json') && !isYamlDocument(request) ? notJson() : undefined;
}

/** RFC 9512 names the type. Everywhere else a body is JSON. */
export function isYamlDocument({ url, headers }: IncomingMessage): boolean {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/yaml' && url?.split('?')[0]?.endsWith('/configuration/import') === true;
}

function isForeign({ headers }: Request): boolean {
  const { origin, host } = headers;
  return headers['sec-fetch-site'] === 'cross-site' || (origin !== undefined && hostOf(origin) !== host);
}

function notJson(): DomainError {
  return new DomainError('unsupported_media_type', 'not_json', 'The body must be application/json.');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
