import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { Selector, Service } from '../policies/policy.dto.js';

const MAX_SELECTORS = 100;
const MAX_SERVICES = 50;
export const MAX_POLICY_TESTS = 200;

const testFields = {
  sources: z.array(Selector).min(1).max(MAX_SELECTORS),
  destinations: z.array(Selector).min(1).max(MAX_SELECTORS),
  services: z.array(Service).min(1).max(MAX_SERVICES),
  expect: z.enum(['allowed', 'denied']).meta({
    description: 'Of every packet from the sources to the destinations that opens a flow of the services.',
  }),
};

export const PolicyTestInput = z
  .strictObject({ name: Name, description: Description.default(''), ...testFields })
  .meta({
    id: 'PolicyTestInput',
    description: 'What must hold whatever the rules become: "branch can reach db:5432", "guest cannot reach anything".',
    examples: [
      {
        name: 'branch can reach db:5432',
        sources: [{ kind: 'prefix', prefix: '10.1.0.0/16' }],
        destinations: [{ kind: 'prefix', prefix: '10.9.0.7/32' }],
        services: [{ protocol: 'tcp', ports: [{ first: 5432, last: 5432 }] }],
        expect: 'allowed',
      },
    ],
  });

export const PolicyTest = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    ...testFields,
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'PolicyTest' });
export const PolicyTestList = pageSchema(PolicyTest).meta({ id: 'PolicyTestList' });

export type PolicyTestInput = z.infer<typeof PolicyTestInput>;
export type PolicyTest = z.infer<typeof PolicyTest>;
export type PolicyTestList = z.infer<typeof PolicyTestList>;
