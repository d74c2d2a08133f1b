import { z } from 'zod';
import { Description, Identifier, ProblemEntry, Timestamp } from '../../platform/http/schemas.js';
import { BundleRejection } from '../edges/edge.dto.js';

/** The database counts revisions in 32 bits. */
const MAX_REVISION = 2 ** 31 - 1;

export const Revision = z
  .object({
    number: z.int().min(1),
    author: z.string().meta({ description: 'Name of the user who published it.' }),
    comment: z.string(),
    publishedAt: Timestamp,
  })
  .meta({ id: 'Revision', description: 'One immutable state of the intent of a tenant.' });
export const RevisionList = z.object({ items: z.array(Revision) }).meta({ id: 'RevisionList' });

export const AffectedEdge = z
  .object({
    edgeId: Identifier,
    edgeName: z.string(),
    change: z.enum(['added', 'changed', 'removed']).meta({ description: 'What happens to the bundle of the edge.' }),
  })
  .meta({ id: 'AffectedEdge' });

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
  .object({ ...Revision.shape, edges: z.array(EdgeApplication) })
  .meta({ id: 'RevisionDetail' });

export const Publish = z
  .strictObject({ comment: Description.default(''), dryRun: z.boolean().default(false) })
  .meta({ id: 'Publish' });

export const PublishResult = z
  .object({
    dryRun: z.boolean(),
    revision: Revision.nullable().meta({ description: 'The new revision; null for a dry run.' }),
    affectedEdges: z.array(AffectedEdge),
  })
  .meta({ id: 'PublishResult' });

export const Draft = z
  .object({
    changed: z.boolean().meta({ description: 'True when the intent differs from the newest revision.' }),
    problems: z.array(ProblemEntry).meta({ description: 'Why it cannot be published; empty when it can.' }),
    affectedEdges: z.array(AffectedEdge),
  })
  .meta({ id: 'Draft', description: 'The intent as it stands, compared with the newest revision.' });

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

export const RevisionNumber = z.coerce.number().int().min(1).max(MAX_REVISION);

export type Revision = z.infer<typeof Revision>;
export type RevisionList = z.infer<typeof RevisionList>;
export type RevisionListQuery = z.infer<typeof RevisionListQuery>;
export type RevisionDetail = z.infer<typeof RevisionDetail>;
export type EdgeApplication = z.infer<typeof EdgeApplication>;
export type AffectedEdge = z.infer<typeof AffectedEdge>;
export type Publish = z.infer<typeof Publish>;
export type PublishResult = z.infer<typeof PublishResult>;
export type Draft = z.infer<typeof Draft>;
