import { z } from 'zod';
import { Identifier, Name, Timestamp } from '../../platform/http/schemas.js';

export const CreateTenant = z.strictObject({ name: Name }).meta({ id: 'CreateTenant' });

export const KeyingMode = z.enum(['ikev2', 'ike-less']).meta({
  description:
    'Who makes the traffic keys: the edges between themselves (ikev2, what a new tenant has), or the controller (ike-less, RFC 9061). A change is in force with the next revision.',
});

export const UpdateTenant = z.strictObject({ keyingMode: KeyingMode }).meta({ id: 'UpdateTenant' });

export const Tenant = z
  .object({ id: Identifier, name: z.string(), keyingMode: KeyingMode, createdAt: Timestamp })
  .meta({ id: 'Tenant' });
export const TenantList = z.object({ items: z.array(Tenant) }).meta({ id: 'TenantList' });

export type CreateTenant = z.infer<typeof CreateTenant>;
export type UpdateTenant = z.infer<typeof UpdateTenant>;
export type Tenant = z.infer<typeof Tenant>;
export type TenantList = z.infer<typeof TenantList>;
