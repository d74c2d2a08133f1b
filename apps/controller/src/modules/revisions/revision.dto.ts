import { z } from 'zod';
import { Description, Identifier, ProblemEntry, Timestamp } from '../../platform/http/schemas.js';
import { BundleRejection } from '../edges/edge.dto.js';
import { Approval } from './approval.dto.js';
import { AffectedEdge, BlastRadius, Finding } from './revision-diff.dto.js';

/** The database counts revisions in 32 bits. */
const MAX_REVISION = 2 ** 31 - 1;

export const Revision = z
  .object({
    number: z.int().min(1),
    author: z.string().meta({ description: 'Name of the user who published it.' }),
    comment: z.string(),
    publishedAt: Timestamp,
    overrideReason: z.string().nullable().meta({
      description: 'Why it was published although a proof had failed; null: every proof held.',
    }),
    restoredFrom: z.int().nullable().meta({ description: 'Number of the revision whose intent it has again.' }),
    approvedBy: z.string().nullable().meta({ description: 'Name of the user who approved it; null: nobody.' }),
    approvedAt: Timestamp.nullable(),
    approvalWaived: z.enum(['break_glass']).nullable().meta({
      description: 'Why nobody approved it although that was needed: a break-glass session. Null: it was not so.',
    }),
  })
  .meta({ id: 'Revision', description: 'One immutable state of the intent of a tenant.' });
export const RevisionList = z
  .object({
    items: z.array(Revision),
    next: z.int().nullable().meta({ description: '`before` of the page that follows; null: this is the last.' }),
  })
  .meta({ id: 'RevisionList' });

export const EdgeApplication = z
  .object({
    edgeId: Identifier,
    edgeName: z.string(),
    state: z.enum(['applied', 'pending', 'rejected', 'offline', 'superseded']).meta({
      description:
        'applied: runs what this revision asks of it. pending: connected, answer outstanding. rejected: refused it. ' +
        'offline: not connected. superseded: a later revision has replaced it here.',
    }),
    rejection: BundleRejection.nullable(),
  })
  .meta({ id: 'EdgeApplication' });

export const RevisionDetail = z
  .object({
    ...Revision.shape,
    findings: z
      .array(Finding)
      .meta({ description: 'Proofs that had failed when it was published, and were overridden.' }),
    edges: z.array(EdgeApplication),
  })
  .meta({ id: 'RevisionDetail' });

export const ProofOverride = z
  .strictObject({
    reason: z
      .string()
      .min(10)
      .max(1000)
      .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, 'has control characters')
      .meta({ description: 'Kept with the revision and in the audit log, for good.' }),
  })
  .meta({
    id: 'ProofOverride',
    description: 'Publish although a proof has failed. If-Match must name the draft whose findings were seen.',
    examples: [{ reason: 'The branch is being closed; its test goes with the next change.' }],
  });

export const Publish = z
  .strictObject({
    comment: Description.default(''),
    dryRun: z.boolean().default(false),
    override: ProofOverride.optional(),
    agreeToRemovals: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Agree to what each edge loses (`affectedEdges`, `removal`). Needed where `needsAgreement` is true, and to have edges ' +
          'that refused a bundle as `mass_removal` take it after all, for which nothing else needs to change. If-Match must ' +
          'name the draft whose numbers were seen.',
      }),
  })
  .meta({ id: 'Publish', examples: [{ comment: 'Branches reach the database', dryRun: false }] });

export const PublishResult = z
  .object({
    dryRun: z.boolean(),
    revision: Revision.nullable().meta({ description: 'The new revision; null for a dry run.' }),
    findings: z.array(Finding).meta({ description: 'Failed proofs that were overridden.' }),
    affectedEdges: z.array(AffectedEdge),
    blastRadius: BlastRadius,
  })
  .meta({ id: 'PublishResult' });

export const Draft = z
  .object({
    changed: z.boolean().meta({ description: 'True when the intent differs from the newest revision.' }),
    version: z.string().meta({
      description: 'Names this draft and the revision that it would follow; the ETag is this text in quotes.',
      examples: ['4-0f343b0931126a20f133d67c2b018a3b'],
    }),
    baseRevision: z.int().nullable().meta({ description: 'The revision that it would follow; null: none.' }),
    problems: z.array(ProblemEntry).meta({ description: 'Why it does not compile; empty when it does.' }),
    findings: z.array(Finding).meta({
      description: 'Proofs and policy tests that fail; empty when there are none, and when it does not compile.',
    }),
    affectedEdges: z.array(AffectedEdge),
    blastRadius: BlastRadius.nullable().meta({ description: 'Null when it does not compile.' }),
    approvalRequired: z
      .boolean()
      .meta({ description: 'Whether somebody else must approve it before it is published.' }),
    changedBy: z.array(z.string()).meta({
      description: 'Who has changed it since the last revision, by name: they cannot approve it.',
    }),
    approvals: z.array(Approval).meta({ description: 'Those of this draft, and of restorations, that hold.' }),
  })
  .meta({
    id: 'Draft',
    description: 'The intent as it stands: whether it may be published, and what that would change.',
  });

export const RevisionListQuery = z.strictObject({
  before: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_REVISION)
    .optional()
    .meta({ description: 'Only revisions with a lower number.' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const RevisionDiffQuery = z.strictObject({
  from: z.coerce.number().int().min(1).max(MAX_REVISION).optional().meta({
    description: 'The revision to compare with; the one before it when absent.',
  }),
});

export const RevisionNumber = z.coerce.number().int().min(1).max(MAX_REVISION);

export type Revision = z.infer<typeof Revision>;
export type RevisionList = z.infer<typeof RevisionList>;
export type RevisionListQuery = z.infer<typeof RevisionListQuery>;
export type RevisionDiffQuery = z.infer<typeof RevisionDiffQuery>;
export type RevisionDetail = z.infer<typeof RevisionDetail>;
export type EdgeApplication = z.infer<typeof EdgeApplication>;
export type Publish = z.infer<typeof Publish>;
export type PublishResult = z.infer<typeof PublishResult>;
export type Draft = z.infer<typeof Draft>;
