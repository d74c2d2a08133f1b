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
