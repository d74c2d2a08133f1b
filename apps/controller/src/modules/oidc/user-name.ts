import { createHash } from 'node:crypto';
import { Name } from '../../platform/http/schemas.js';
import { BREAK_GLASS_NAME } from '../break-glass/break-glass.js';

/** Who somebody is at the provider. */
export interface OidcIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** The actor of what is in the audit log of somebody who is no user. */
export const NOBODY_NAME = 'oidc';

/**
 * Names for a new user, the best first: what the provider calls them, and the same with something of its own for when another user has
 * that name. A name is for people to read and gives nobody anything: who somebody is, issuer and subject say.
 */
export function userNames({ issuer, subject }: OidcIdentity, claim: unknown): readonly [string, string] {
  const digest = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
    .slice(0, DIGEST_DIGITS);
  const called = Name.max(NAME_MAXIMUM - DIGEST_DIGITS - 1).safeParse(claim).data ?? NOBODY_NAME;
  const apart = `${called}-${digest}`;
  return RESERVED.has(called) ? [apart, apart] : [called, apart];
}

/** By which the audit log calls others. */
const RESERVED: ReadonlySet<string> = new Set([BREAK_GLASS_NAME, NOBODY_NAME]);
const NAME_MAXIMUM = 100;
const DIGEST_DIGITS = 12;
