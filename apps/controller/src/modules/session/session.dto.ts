import { z } from 'zod';
import { Identifier, Name } from '../../platform/http/schemas.js';

export const Credentials = z
  .strictObject({ userName: Name, password: z.string().min(1).max(1024) })
  .meta({ id: 'Credentials' });

export const Session = z
  .object({ userName: z.string(), tenantId: Identifier.meta({ description: 'The tenant that the user belongs to.' }) })
  .meta({ id: 'Session' });

export type Credentials = z.infer<typeof Credentials>;
export type Session = z.infer<typeof Session>;
