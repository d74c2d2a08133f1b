import type { NextFunction, Request, Response } from 'express';
import { DomainError, type ErrorKind } from './domain-error.js';

/** Express error middleware, right behind the body parser: its errors in our words. Others pass. */
export function bodyErrors(error: unknown, _request: Request, _response: Response, next: NextFunction): void {
  next(translate(error) ?? error);
}

function translate(error: unknown): DomainError | undefined {
  if (!(error instanceof Error && 'type' in error && 'expose' in error)) return undefined;
  const known = BODY_ERRORS[String(error.type)];
  return known === undefined ? undefined : new DomainError(...known);
}

/** By the `type` that body-parser gives its errors. */
const BODY_ERRORS: Readonly<Record<string, readonly [ErrorKind, string, string]>> = {
  'charset.unsupported': ['unsupported_media_type', 'unsupported_charset', 'The body is not UTF-8.'],
  'encoding.unsupported': [
    'unsupported_media_type',
    'unsupported_encoding',
    'The body is compressed; send it as it is.',
  ],
  'entity.parse.failed': ['malformed', 'malformed_json', 'The body is no JSON (RFC 8259).'],
  'entity.too.large': ['too_large', 'body_too_large', 'The body is larger than this API takes.'],
  'request.aborted': ['malformed', 'body_incomplete', 'The body ended early.'],
  'request.size.invalid': ['malformed', 'body_incomplete', 'The body is not as long as Content-Length says.'],
};
