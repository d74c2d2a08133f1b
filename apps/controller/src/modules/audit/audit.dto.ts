import { z } from 'zod';
import { Timestamp } from '../../platform/http/schemas.js';

const MAX_SEQUENCE = 2 ** 31 - 1;

const AUDITED_ACTIONS = [
  'revision_published',
  'proof_overridden',
  'removals_agreed',
  'revision_restored',
  'draft_approved',
  'approval_withdrawn',
  'approval_waived',
  'approval_rule_changed',
  'edge_revoked',
  'configuration_imported',
  'user_created',
  'user_changed',
  'user_removed',
  'member_invited',
  'invitation_withdrawn',
  'invitation_accepted',
  'invitation_declined',
  'member_joined',
  'member_role_changed',
  'member_removed',
  'tenant_entered',
  'password_changed',
  'api_token_created',
  'api_token_revoked',
  'totp_enrolled',
  'totp_removed',
  'totp_reset',
  'recovery_code_used',
  'second_factor_refused',
  'backup_restored',
  'break_glass_used',
  'oidc_login',
  'oidc_login_refused',
  'webhook_created',
  'webhook_changed',
  'webhook_secret_renewed',
  'webhook_removed',
] as const;

export const AuditEntry = z
  .object({
    sequence: z.int().min(1).meta({ description: 'From 1 in each tenant, without a gap.' }),
    at: Timestamp,
    actor: z.string().meta({ description: 'Name of the user.' }),
    action: z.enum(AUDITED_ACTIONS),
    details: z.record(z.string(), z.unknown()).meta({
      description:
        'What was done, by action; `revision` is the number of the revision that came of it, `edgeId` the edge and `userName` the user that it was done to; `apiToken` is the token that did it on behalf of the actor.',
      examples: [
        { revision: 7, reason: 'The branch is being closed; its test goes with the next change.', findings: 1 },
      ],
    }),
    hash: z.string().meta({
      description: 'SHA-256 over the entry and the hash of the one before it, hexadecimal.',
      examples: ['2f0c1b6f9f6d0f2f2c8f5d2f6d0c2b1a9e8d7c6b5a4938271605f4e3d2c1b0a9'],
    }),
  })
  .meta({ id: 'AuditEntry' });

export const AuditLog = z
  .object({
    items: z.array(AuditEntry),
    next: z.int().nullable().meta({ description: '`before` of the page that follows; null: this is the last.' }),
    brokenAt: z.int().nullable().meta({
      description:
        'Sequence of the first entry that is not as it was written, or does not follow the one before it; null when the whole chain holds.',
    }),
  })
  .meta({ id: 'AuditLog' });

export const AuditQuery = z.strictObject({
  before: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_SEQUENCE)
    .optional()
    .meta({ description: 'Only entries with a lower sequence.' }),
  actor: z.string().min(1).max(100).optional().meta({ description: 'Only of the user with this name.' }),
  action: z.enum(AUDITED_ACTIONS).optional().meta({ description: 'Only of this kind.' }),
  object: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({
      description:
        'Only about this: an identifier or a name in the details (an edge, a user, a webhook, an API token), or the number of a revision; exactly as it is there.',
      examples: ['ada'],
    }),
  since: Timestamp.optional().meta({ description: 'Only from then on.' }),
  until: Timestamp.optional().meta({ description: 'Only before then.' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export type AuditEntry = z.infer<typeof AuditEntry>;
export type AuditLog = z.infer<typeof AuditLog>;
export type AuditQuery = z.infer<typeof AuditQuery>;
