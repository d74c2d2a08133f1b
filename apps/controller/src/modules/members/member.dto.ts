import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Identifier, Timestamp, Version } from '../../platform/http/schemas.js';
import { TenantRole } from '../users/user.dto.js';

export const Member = z
  .object({
    userId: Identifier,
    userName: z.string().meta({ description: 'By which the person logs in; of its own in the whole installation.' }),
    role: TenantRole,
    oidc: z.boolean().meta({
      description: 'Whether the OpenID provider says the role, at each login: it cannot be changed here.',
    }),
    version: Version,
    joinedAt: Timestamp,
  })
  .meta({ id: 'Member' });
export const MemberList = pageSchema(Member).meta({ id: 'MemberList' });

export const UpdateMember = z.strictObject({ role: TenantRole }).meta({ id: 'UpdateMember' });

export const Membership = z
  .object({ tenantId: Identifier, tenantName: z.string(), role: TenantRole, joinedAt: Timestamp, Version })
  .meta({ id: 'Membership' });
export const MembershipList = pageSchema(Membership).meta({ id: 'MembershipList' });

export type Member = z.infer<typeof Member>;
export type MemberList = z.infer<typeof MemberList>;
export type Membership = z.infer<typeof Membership>;
export type MembershipList = z.infer<typeof MembershipList>;
export type UpdateMember = z.infer<typeof UpdateMember>;
