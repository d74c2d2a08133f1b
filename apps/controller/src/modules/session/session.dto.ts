import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { ROLES } from '../../platform/http/role.js';
import { Identifier, Name, NewPassword, Timestamp } from '../../platform/http/schemas.js';
import { SecondFactorCode } from '../totp/totp.dto.js';

export const Credentials = z
  .strictObject({
    userName: Name,
    password: z.string().min(1).max(1024),
    code: SecondFactorCode.optional(),
  })
  .meta({ id: 'Credentials' });

export const Session = z
  .object({
    userName: z.string(),
    tenantId: Identifier.nullable().meta({
      description:
        'The tenant in force, which alone is worked in; null for a member of several tenants who has entered none of them yet.',
    }),
    role: z
      .enum(ROLES)
      .nullable()
      .meta({ description: 'What the user may do there as a member; null for who is none.' }),
    providerRole: z
      .enum(ROLES)
      .nullable()
      .meta({ description: "What the user may do in every tenant; null for who is none of the provider's." }),
    oidc: z
      .boolean()
      .meta({ description: 'Whether the user logs in at the OpenID provider, and has no password here.' }),
    breakGlass: z.boolean().meta({
      description:
        'Whether somebody came in by what the host of the controller made: it approves nothing and needs no approval.',
    }),
  })
  .meta({ id: 'Session' });

export const EnterTenant = z.strictObject({ tenantId: Identifier }).meta({ id: 'EnterTenant' });

export const OwnSession = z
  .object({
    id: Identifier,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    address: z
      .string()
      .nullable()
      .meta({ description: 'From which somebody logged in; null: from before this was kept.' }),
    userAgent: z.string().nullable().meta({ description: 'What the browser said it is.' }),
    current: z.boolean().meta({ description: 'Whether it is the session that asks.' }),
  })
  .meta({ id: 'OwnSession' });
export const OwnSessionList = pageSchema(OwnSession).meta({ id: 'OwnSessionList' });

export const ChangePassword = z
  .strictObject({ currentPassword: z.string().min(1).max(1024), newPassword: NewPassword })
  .meta({ id: 'ChangePassword' });

export type ChangePassword = z.infer<typeof ChangePassword>;
export type Credentials = z.infer<typeof Credentials>;
export type EnterTenant = z.infer<typeof EnterTenant>;
export type OwnSession = z.infer<typeof OwnSession>;
export type OwnSessionList = z.infer<typeof OwnSessionList>;
export type Session = z.infer<typeof Session>;
