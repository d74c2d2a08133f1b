import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { Labels } from '../labels.dto.js';
import { PLACES } from '../policies/policy.dto.js';

const MAX_MEMBERS = 1000;
export const MAX_GROUPS = 1000;

const SomeLabels = Labels.refine((labels) => Object.keys(labels).length > 0, {
  message: 'There is no label',
  params: { rule: 'too_small', fix: 'Give one label at least; the selector any covers all sites.' },
});

export const LABEL_MEMBERS = [
  z.strictObject({ kind: z.literal('site_labels'), labels: SomeLabels }),
  z.strictObject({ kind: z.literal('network_labels'), labels: SomeLabels }),
] as const;

export const GroupMember = z.discriminatedUnion('kind', [...PLACES, ...LABEL_MEMBERS]).meta({
  id: 'GroupMember',
  description:
    'What is in a group. `site_labels` and `network_labels` are all sites and networks that carry these labels, also those that come later.',
});

const groupFields = { members: z.array(GroupMember).max(MAX_MEMBERS) };

export const GroupInput = z.strictObject({ name: Name, description: Description.default(''), ...groupFields }).meta({
  id: 'GroupInput',
  description: 'A whole group: whatever any of its members holds.',
  examples: [{ name: 'branches', members: [{ kind: 'site_labels', labels: { role: 'branch' } }] }],
});

export const Group = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    ...groupFields,
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Group' });
export const GroupList = pageSchema(Group).meta({ id: 'GroupList' });

export type GroupMember = z.infer<typeof GroupMember>;
export type GroupInput = z.infer<typeof GroupInput>;
export type Group = z.infer<typeof Group>;
export type GroupList = z.infer<typeof GroupList>;
