import { CommanderError } from 'commander';
import { exitCodeOf, failureAsJson, renderFailure } from '../output/render-problem.js';
import { EXIT_OK, EXIT_USAGE, type ExitCode } from '../platform/exit-code.js';
import { type Io, note, printJson } from './io.js';
import { createProgram } from './program.js';

/** Carries out one command and says how the program ends. Everything that can go wrong is said, nothing is thrown. */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT_OK;
  try {
    await createProgram(io, (ended) => {
      code = ended;
    }).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // What commander throws it has written already; help that was asked for is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (args.includes('--json')) printJson(io, failureAsJson(error));
    note(io, renderFailure(error));
    return exitCodeOf(error);
  }
}
