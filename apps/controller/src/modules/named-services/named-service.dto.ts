import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { MAX_SERVICES, Service } from '../policies/policy.dto.js';

export const MAX_NAMED_SERVICES = 1000;

const serviceFields = {
  services: z.array(Service).min(1).max(MAX_SERVICES).meta({ description: 'What it is of: whatever any of these is.' }),
};

export const NamedServiceInput = z
  .strictObject({ name: Name, description: Description.default(''), ...serviceFields })
  .meta({
    id: 'NamedServiceInput',
    description: 'A whole named service.',
    examples: [
      {
        name: 'dns',
        services: [
          { protocol: 'udp', ports: [{ first: 53, last: 53 }] },
          { protocol: 'tcp', ports: [{ first: 53, last: 53 }] },
        ],
      },
    ],
  });

export const NamedService = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    ...serviceFields,
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'NamedService', description: 'What rules name by `serviceIds`, in addition to services of their own.' });
export const NamedServiceList = pageSchema(NamedService).meta({ id: 'NamedServiceList' });

export type NamedServiceInput = z.infer<typeof NamedServiceInput>;
export type NamedService = z.infer<typeof NamedService>;
export type NamedServiceList = z.infer<typeof NamedServiceList>;
