import { Command, Option } from 'commander';
import type { Connection } from '../api/connection.js';
import { applyDocument, diffDocument, validateDocument } from '../commands/apply.js';
import { describedPacket } from '../commands/described-packet.js';
import { diffRevisions } from '../commands/diff.js';
import { type ExplainOptions, explainPacket, VERDICTS } from '../commands/explain.js';
import { exportTenant } from '../commands/export.js';
import { getResource } from '../commands/get.js';
import { publishDraft } from '../commands/publish.js';
import { RESOURCES } from '../commands/resources.js';
import { readDocument } from '../commands/tenant-document.js';
import type { ExitCode } from '../platform/exit-code.js';
import { EXIT_OK } from '../platform/exit-code.js';
import { CLI_VERSION } from '../platform/version.js';
import { addHistory } from './history.js';
import { type Io, print, printJson } from './io.js';
import { type PublishFlags, publicationOf, revisionNumber, withPublication } from './publication-options.js';
import { connect, type Json, withSettings } from './settings-options.js';

/** The command line. `end` gets the code with which a command that was carried out ends. */
export function createProgram(io: Io, end: (code: ExitCode) => void): Command {
  const program = new Command('weft')
    .description('What people do in the console of a Weft fabric, from a script')
    .version(CLI_VERSION)
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.write(text), writeErr: (text) => void io.notes.write(text) });
  addReading(program, io, end);
  addDocument(program, io, end);
  addRevisions(program, io, end);
  addHistory(program, io, end);
  addVersion(program, io, end);
  return program;
}

type End = (code: ExitCode) => void;

function addReading(program: Command, io: Io, end: End): void {
  const get = program.command('get').description('list what a tenant has, or show one of it');
  for (const [word, resource] of Object.entries(RESOURCES)) {
    const command = get.command(word).description(`show ${word}`).argument('[id]', 'id or name; without it all');
    withSettings(command).action(async (wanted: string | undefined, { json }: Json, self: Command) => {
      const connection = await connect(self, io);
      end(await getResource(io, connection, { word, resource }, { wanted, json: json === true }));
    });
  }
  const explain = program
    .command('explain')
    .description('say what would become of a packet, and why: SOURCE DESTINATION [PROTOCOL [PORT]]')
    .argument('<packet...>', 'as 10.1.0.7 10.2.0.9 tcp 443; 10.1.0.7:5000 gives the port of the source')
    .option('--revision <number>', 'by this revision; otherwise by the draft', revisionNumber)
    .addOption(new Option('--expect <verdict>', 'end with 1 when it is another').choices(VERDICTS));
  withSettings(explain).action(
    async (words: string[], options: Json & Pick<Partial<ExplainOptions>, 'revision' | 'expect'>, self: Command) => {
      const packet = describedPacket(words);
      const { json, revision, expect } = options;
      end(await explainPacket(io, await connect(self, io), packet, { json: json === true, revision, expect }));
    },
  );
}

function addDocument(program: Command, io: Io, end: End): void {
  const exporting = program.command('export').description('write the tenant as a document: YAML, or with --json JSON');
  withSettings(exporting).action(async ({ json }: Json, self: Command) => {
    end(await exportTenant(io, await connect(self, io), json === true));
  });
  const apply = withDocument(program.command('apply'))
    .description('make the draft what a document says; a second time it changes nothing')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--prune', 'remove what a list of the document does not name');
  withSettings(apply).action(async (options: Json & ApplyFlags, self: Command) => {
    const [document, connection] = await documentFor(options.file, self, io);
    const { json = false, dryRun = false, prune = false } = options;
    end(await applyDocument(io, connection, document, { json, dryRun, prune }));
  });
  const validate = withDocument(program.command('validate')).description('say whether a document could be applied');
  withSettings(validate).action(async ({ file, json }: Json & ApplyFlags, self: Command) => {
    const [document, connection] = await documentFor(file, self, io);
    end(await validateDocument(io, connection, document, json === true));
  });
}

interface ApplyFlags {
  readonly file: string;
  readonly dryRun?: true;
  readonly prune?: true;
}

function withDocument(command: Command): Command {
  return command.requiredOption('-f, --file <file>', 'the document, YAML or JSON; - is the input');
}

/** The file is read first: nobody is asked for the sake of one that cannot be. */
async function documentFor(file: string, command: Command, io: Io) {
  const document = await readDocument(file, io.input);
  const connection: Connection = await connect(command, io);
  return [document, connection] as const;
}

function addRevisions(program: Command, io: Io, end: End): void {
  const diff = program
    .command('diff')
    .description('show what the draft changes of what is in force; with -f what applying a document would change')
    .argument('[revision]', 'a revision, compared with the one before', revisionNumber)
    .addOption(new Option('-f, --file <file>', 'the document, YAML or JSON; - is the input'))
    .option('--prune', 'with -f: also what a list of the document does not name')
    .option('--exit-code', 'end with 1 when there is a difference');
  withSettings(diff).action(
    async (revision: number | undefined, options: Json & Partial<ApplyFlags> & { exitCode?: true }, self: Command) => {
      const { json = false, exitCode = false, prune = false, file } = options;
      if (file === undefined) {
        if (prune) self.error('error: --prune is about a document: give one with -f');
        end(await diffRevisions(io, await connect(self, io), { json, exitCode, revision }));
        return;
      }
      if (revision !== undefined) self.error('error: a document is compared with the draft, and not with a revision');
      const [document, connection] = await documentFor(file, self, io);
      end(await diffDocument(io, connection, document, { json, prune, exitCode }));
    },
  );
  const publish = withPublication(program.command('publish')).description('put the draft in force as it is now');
  withSettings(publish).action(async (options: Json & PublishFlags, self: Command) => {
    end(await publishDraft(io, await connect(self, io), publicationOf(options)));
  });
}

function addVersion(program: Command, io: Io, end: End): void {
  program
    .command('version')
    .description('say which version this is')
    .option('--json', 'print JSON')
    .action(({ json }: Json) => {
      if (json === true) printJson(io, { version: CLI_VERSION, node: process.version });
      else print(io, `weft ${CLI_VERSION}`);
      end(EXIT_OK);
    });
}
