import { z } from 'zod';
import { Identifier, Name, Timestamp } from '../../platform/http/schemas.js';

export const CreateTenant = z.strictObject({ name: Name }).meta({ id: 'CreateTenant' });

export const Tenant = z.object({ id: Identifier, name: z.string(), createdAt: Timestamp }).meta({ id: 'Tenant' });
export const TenantList = z.object({ items: z.array(Tenant) }).meta({ id: 'TenantList' });

export type CreateTenant = z.infer<typeof CreateTenant>;
export type Tenant = z.infer<typeof Tenant>;
export type TenantList = z.infer<typeof TenantList>;
