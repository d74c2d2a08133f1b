import type { Request } from 'express';

/** Whoever sends the header is judged by it alone, whatever it holds: no cookie makes up for it. */
export function hasAuthorization({ headers }: Request): boolean {
  return headers.authorization !== undefined;
}

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1); empty for any other scheme. */
export function bearerToken({ headers }: Request): string {
  return /^bearer +(\S{1,512})$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}
