import { z } from 'zod';
import { Description, Identifier, Timestamp } from '../../platform/http/schemas.js';

export const Approval = z
  .object({
    id: Identifier,
    approver: z.string().meta({ description: 'Name of the user who approved it.' }),
    approvedAt: Timestamp,
    comment: z.string(),
    failedProof: z.boolean().meta({ description: 'Whether it is approved although a proof fails.' }),
    restoredFrom: z.int().nullable().meta({
      description: 'Number of the revision that may be in force again; null: it is about the draft.',
    }),
  })
  .meta({ id: 'Approval', description: 'Somebody has looked at exactly this. It ends with any change of the draft.' });

export const ApproveDraft = z
  .strictObject({
    comment: Description.default(''),
    failedProof: z.boolean().default(false).meta({
      description: 'Approve it although a proof fails. Without it such a draft is refused as `proof_failed`.',
    }),
    restoredFrom: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .optional()
      .meta({ description: 'Approve that this revision is in force again, instead of the draft, which is lost.' }),
  })
  .meta({ id: 'ApproveDraft', examples: [{ comment: 'Looked at it with the branch' }] });

export type Approval = z.infer<typeof Approval>;
export type ApproveDraft = z.infer<typeof ApproveDraft>;
