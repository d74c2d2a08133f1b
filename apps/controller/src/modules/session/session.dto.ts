import { z } from 'zod';
import { ROLES } from '../../platform/http/role.js';
import { Identifier, Name, NewPassword } from '../../platform/http/schemas.js';

export const Credentials = z
  .strictObject({ userName: Name, password: z.string().min(1).max(1024) })
  .meta({ id: 'Credentials' });

export const Session = z
  .object({
    userName: z.string(),
    tenantId: Identifier.meta({ description: 'The tenant that the user belongs to.' }),
    role: z.enum(ROLES).meta({ description: 'What the user may do there.' }),
    providerRole: z
      .enum(ROLES)
      .nullable()
      .meta({ description: "What the user may do in every tenant; null for who is none of the provider's." }),
  })
  .meta({ id: 'Session' });

export const ChangePassword = z
  .strictObject({ currentPassword: z.string().min(1).max(1024), newPassword: NewPassword })
  .meta({ id: 'ChangePassword' });

export type ChangePassword = z.infer<typeof ChangePassword>;
export type Credentials = z.infer<typeof Credentials>;
export type Session = z.infer<typeof Session>;
