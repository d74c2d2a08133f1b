import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { ROLES } from '../../platform/http/role.js';
import { Identifier, Name, NewPassword, Timestamp, Version } from '../../platform/http/schemas.js';

export const TenantRole = z.enum(ROLES).meta({
  description:
    'What may be done: a viewer reads; an operator changes the draft, and enrolls and revokes edges; an approver puts drafts in force; an admin says who may what and how the fabric works. Each may do what those before it may.',
});

export const ProviderRole = TenantRole.nullable().meta({
  description:
    "The same in every tenant, for the provider's own people; an admin of the provider makes tenants, and alone gives such roles. Null for everybody else.",
});

export const CreateUser = z
  .strictObject({ name: Name, password: NewPassword, role: TenantRole, providerRole: ProviderRole.optional() })
  .meta({ id: 'CreateUser' });

export const UpdateUser = z
  .strictObject({
    role: TenantRole.optional(),
    providerRole: ProviderRole.optional(),
    password: NewPassword.optional().meta({ description: 'A new one ends all sessions of the user.' }),
  })
  .meta({ id: 'UpdateUser', description: 'Absent fields keep their value.' });

export const User = z
  .object({
    id: Identifier,
    name: z.string().meta({ description: 'By which the user logs in; of its own in the whole installation.' }),
    role: TenantRole,
    providerRole: ProviderRole,
    oidc: z.object({ issuer: z.string(), subject: z.string() }).nullable().meta({
      description:
        'Who the user is at the OpenID provider, which says the roles with each login; null for who logs in with a password.',
    }),
    totp: z.boolean().meta({ description: 'Whether a second factor is asked for at login.' }),
    version: Version.meta({
      description: 'Grows with another role or password, not with a second factor; the ETag is this number in quotes.',
    }),
    createdAt: Timestamp,
  })
  .meta({ id: 'User' });
export const UserList = pageSchema(User).meta({ id: 'UserList' });

export type CreateUser = z.infer<typeof CreateUser>;
export type UpdateUser = z.infer<typeof UpdateUser>;
export type User = z.infer<typeof User>;
export type UserList = z.infer<typeof UserList>;
