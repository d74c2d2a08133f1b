import { type Command, InvalidArgumentError } from 'commander';
import type { PublishOptions } from '../commands/publish.js';
import type { Json } from './settings-options.js';

/** What is said of a publication on the command line. */
export interface PublishFlags {
  readonly comment?: string;
  readonly dryRun?: true;
  readonly overrideReason?: string;
  readonly agreeToRemovals?: true;
}

/** Gives a command the flags of what puts something in force. */
export function withPublication(command: Command): Command {
  return command
    .option('--comment <text>', 'what it is for, kept with the revision')
    .option('--dry-run', 'say what would happen, and change nothing')
    .option('--override-reason <text>', 'why it comes into force although a proof fails; kept for good')
    .option('--agree-to-removals', 'let edges lose more than they accept unasked');
}

/** Pure. */
export function publicationOf(flags: Json & PublishFlags): PublishOptions {
  const { json, comment, dryRun, overrideReason, agreeToRemovals } = flags;
  return {
    json: json === true,
    dryRun: dryRun === true,
    comment,
    overrideReason,
    agreeToRemovals: agreeToRemovals === true,
  };
}

/** Reads the number of a revision. Throws InvalidArgumentError. */
export function revisionNumber(text: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= 0x7fff_ffff) return Number(text);
  throw new InvalidArgumentError('it is the number of a revision, from 1');
}
