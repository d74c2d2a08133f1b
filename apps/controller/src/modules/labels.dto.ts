import { z } from 'zod';

const MAX_LABELS = 32;
const MAX_LABEL_LENGTH = 63;
const LABEL_TEXT = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;

const LabelText = z.string().min(1).max(MAX_LABEL_LENGTH).regex(LABEL_TEXT, {
  message: 'is none of letters, digits, ".", "_", "/" and "-", with a letter or a digit at both ends',
});

/** What sites and networks carry, and what a group asks for. */
export const Labels = z
  .record(LabelText, LabelText)
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
    message: `There are more than ${MAX_LABELS} labels`,
    params: { rule: 'too_big', fix: `Give at most ${MAX_LABELS} labels.` },
  })
  .meta({
    id: 'Labels',
    maxProperties: MAX_LABELS,
    description:
      'Names with a value each, for example what a site is for. Letters, digits, ".", "_", "/" and "-", 63 of them at most.',
    examples: [{ role: 'branch', region: 'emea' }],
  });

export type Labels = z.infer<typeof Labels>;
