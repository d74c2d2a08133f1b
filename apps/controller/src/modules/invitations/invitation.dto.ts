import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { TenantRole } from '../users/user.dto.js';

export const CreateInvitation = z
  .strictObject({
    userName: Name.meta({ description: 'By which the person logs in. Nobody is told whether there is such a user.' }),
    role: TenantRole,
    lifetimeDays: z.int().min(1).max(31).default(7),
  })
  .meta({ id: 'CreateInvitation' });

export const Invitation = z
  .object({
    id: Identifier,
    userName: z.string(),
    role: TenantRole,
    invitedBy: z.string().meta({ description: 'Name of the user.' }),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'Invitation' });
export const InvitationList = pageSchema(Invitation).meta({ id: 'InvitationList' });

export const OwnInvitation = Invitation.omit({ userName: true })
  .extend({ tenantId: Identifier, tenantName: z.string() })
  .meta({ id: 'OwnInvitation' });
export const OwnInvitationList = pageSchema(OwnInvitation).meta({ id: 'OwnInvitationList' });

export type CreateInvitation = z.infer<typeof CreateInvitation>;
export type Invitation = z.infer<typeof Invitation>;
export type InvitationList = z.infer<typeof InvitationList>;
export type OwnInvitation = z.infer<typeof OwnInvitation>;
export type OwnInvitationList = z.infer<typeof OwnInvitationList>;
