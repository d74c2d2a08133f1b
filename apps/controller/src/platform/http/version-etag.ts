import { ApiHeader } from '@nestjs/swagger';
import type { Response } from 'express';

/** Of an answer with a resource that has a version, for the OpenAPI document. */
export const ETAG_HEADER = {
  ETag: { description: 'The version in quotes, for If-Match.', schema: { type: 'string' as const } },
};

/** Answers with a resource, and with its version as ETag (RFC 9110 section 8.8.3). */
export function withETag<Resource extends { readonly version: number }>(
  response: Response,
  resource: Resource,
): Resource {
  response.setHeader('ETag', `"${resource.version}"`);
  return resource;
}

/** Says of a write that it takes an If-Match (RFC 9110 section 13.1.1), and does without. */
export function MayNameVersion(noun: string): MethodDecorator {
  const description = `ETag of the ${noun} as it was read: then it is that one, or nothing happens (412).`;
  return ApiHeader({ name: 'If-Match', required: false, description, schema: { type: 'string' } });
}
