import { z } from 'zod';
import { HostAddress, Identifier } from '../../platform/http/schemas.js';

/** One of each IP version. */
const MAX_ASSIGNED = 2;

export const AssignedAddress = z
  .strictObject({ addressPoolId: Identifier, address: HostAddress })
  .meta({ id: 'AssignedAddress', description: 'An address of an address pool, which one remote host has.' });

export const AssignedAddressInput = z
  .strictObject({
    addressPoolId: Identifier,
    address: HostAddress.optional().meta({
      description: 'Absent: the one that the host has of the pool, or else the lowest that is free.',
    }),
  })
  .meta({ id: 'AssignedAddressInput', description: 'An address of an address pool, or any of them.' });

/** Of a remote host, in every form of it. */
export function assignedOf<Assigned extends z.ZodType>(assigned: Assigned) {
  return z.array(assigned).min(1).max(MAX_ASSIGNED).optional().meta({
    description:
      'It is a remote host: it comes from anywhere, is assigned these addresses (RFC 7296 section 3.15), one for each IP version at most, and has no others in the fabric. Absent: a gateway.',
  });
}

export type AssignedAddressInput = z.infer<typeof AssignedAddressInput>;
