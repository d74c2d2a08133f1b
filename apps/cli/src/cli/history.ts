import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AuditQuery, exportAudit } from '../commands/audit-export.js';
import { listEvents, printEvents } from '../commands/events.js';
import { testDraft } from '../commands/policy-tests.js';
import { restoreRevision } from '../commands/restore.js';
import { listRevisions } from '../commands/revisions.js';
import type { ExitCode } from '../platform/exit-code.js';
import type { Io } from './io.js';
import { type PublishFlags, publicationOf, revisionNumber, withPublication } from './publication-options.js';
import { connect, connectToEvents, type Json, withSettings } from './settings-options.js';

/** Gives the program the commands about what was, what holds and what happens. */
export function addHistory(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const revisions = program
    .command('revisions')
    .description('list what was published, the newest first')
    .option('--limit <number>', 'how many at most', wholeNumber(100_000), 20);
  withSettings(revisions).action(async ({ json, limit }: Json & { limit: number }, self: Command) => {
    end(await listRevisions(io, await connect(self, io), { json: json === true, limit }));
  });
  const restore = withPublication(program.command('restore'))
    .description('put an earlier revision in force again; the draft is lost')
    .argument('<revision>', 'its number', revisionNumber);
  withSettings(restore).action(async (number: number, options: Json & PublishFlags, self: Command) => {
    end(await restoreRevision(io, await connect(self, io), number, publicationOf(options)));
  });
  const test = program.command('test').description('hold the policy tests against the draft');
  withSettings(test).action(async ({ json }: Json, self: Command) => {
    end(await testDraft(io, await connect(self, io), json === true));
  });
  addEvents(program, io, end);
  addAudit(program, io, end);
}

function addEvents(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const events = program
    .command('events')
    .description('list what edges told, the newest first; or say what happens, as it happens')
    .addOption(new Option('--limit <number>', 'how many at most').argParser(wholeNumber(100_000)).conflicts('follow'))
    .option('--follow', 'say what happens, also after the connection was lost, until there is enough')
    .option('--after <id>', 'with --follow: begin behind the event with this id; otherwise with what comes')
    .option('--count <number>', 'with --follow: enough; otherwise there is never enough', wholeNumber(1_000_000));
  withSettings(events).action(async ({ json, follow, after, count, limit }: EventFlags, self: Command) => {
    if (follow === true) {
      end(await printEvents(io, await connectToEvents(self, io), { json: json === true, after, count }));
      return;
    }
    if (after !== undefined || count !== undefined)
      self.error('error: --after and --count are about what comes: give --follow');
    end(await listEvents(io, await connect(self, io), { json: json === true, limit: limit ?? USUAL_EVENTS }));
  });
}

interface EventFlags extends Json {
  readonly follow?: true;
  readonly after?: string;
  readonly count?: number;
  readonly limit?: number;
}

function addAudit(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const audit = program
    .command('audit')
    .description('the audit log')
    .command('export')
    .description('write it, an entry in JSON on each line, the newest first')
    .option('--actor <user>', 'only of this user')
    .option('--action <kind>', 'only of this kind, as revision_published')
    .option('--object <text>', 'only about this identifier, name or number of a revision')
    .option('--since <time>', 'only from then on, as 2026-01-31T00:00:00Z')
    .option('--until <time>', 'only before then');
  withSettings(audit).action(async ({ actor, action, object, since, until }: AuditQuery, self: Command) => {
    const named = Object.entries({ actor, action, object, since, until }).filter(([, value]) => value !== undefined);
    end(await exportAudit(io, await connect(self, io), Object.fromEntries(named)));
  });
}

function wholeNumber(highest: number): (text: string) => number {
  return (text) => {
    const value = /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= highest) return value;
    throw new InvalidArgumentError(`it is a whole number from 1 to ${highest}`);
  };
}

/** As many fit a screen. */
const USUAL_EVENTS = 20;
