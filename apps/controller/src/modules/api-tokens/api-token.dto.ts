import { z } from 'zod';
import { pageQuery, pageSchema } from '../../platform/http/page.js';
import { ROLES } from '../../platform/http/role.js';
import { Identifier, Name, Timestamp } from '../../platform/http/schemas.js';

const LIFETIME_DAYS_MAXIMUM = 366;
const LIFETIME_DAYS = 90;

const TokenRole = z.enum(ROLES).meta({
  description:
    'What the token may do in the tenant, and nothing elsewhere; never more than its maker may at that time.',
});

export const CreateApiToken = z
  .strictObject({
    name: Name,
    role: TokenRole,
    lifetimeDays: z
      .int()
      .min(1)
      .max(LIFETIME_DAYS_MAXIMUM)
      .default(LIFETIME_DAYS)
      .meta({ description: 'After so many days the token is good for nothing.' }),
  })
  .meta({ id: 'CreateApiToken' });

export const ApiToken = z
  .object({
    id: Identifier,
    name: z.string(),
    role: TokenRole,
    userName: z.string().meta({ description: 'Who made it.' }),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    lastUsedAt: Timestamp.nullable().meta({ description: 'To the minute; null: never.' }),
  })
  .meta({ id: 'ApiToken' });

export const NewApiToken = ApiToken.extend({
  token: z.string().meta({
    description: 'The token itself, for `Authorization: Bearer`. It is shown this once: only its digest is kept.',
  }),
}).meta({ id: 'NewApiToken' });

export const ApiTokenList = pageSchema(ApiToken).meta({ id: 'ApiTokenList' });

export type CreateApiToken = z.infer<typeof CreateApiToken>;
/** Lists of tokens: by user, then by name. */
export const ApiTokenPage = pageQuery('text', 'text', 'uuid');

export type ApiToken = z.infer<typeof ApiToken>;
export type NewApiToken = z.infer<typeof NewApiToken>;
export type ApiTokenList = z.infer<typeof ApiTokenList>;
