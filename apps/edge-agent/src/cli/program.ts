import { Command, Option } from 'commander';
import { StateDirectory } from '../platform/state-directory.js';
import { AGENT_VERSION } from '../platform/version.js';
import { renderStatus } from '../status/agent-status.js';
import { fetchStatus } from '../status/status-socket.js';
import { enrollEdge } from './enroll.js';
import { runEdge } from './run.js';

/** The command line. `print` gets what goes to standard output; `exit` the code of a run that has ended. */
export function createProgram(print: (text: string) => void, exit: (code: number) => void): Command {
  const program = new Command('weft-edge')
    .description('Edge agent of a Weft fabric')
    .version(AGENT_VERSION)
    .showHelpAfterError();
  program
    .command('enroll')
    .description('trade a one-time token for the identity of an edge')
    .requiredOption('--controller <host:port>', 'enrollment address of the controller')
    .requiredOption('--token <token>', 'one-time token from the console')
    .option('--state-dir <directory>', 'where the agent keeps its identity', DEFAULT_STATE_DIRECTORY)
    .action(async (options: { controller: string; token: string; stateDir: string }) => {
      print(await enrollEdge(options));
    });
  program
    .command('run')
    .description('run the edge: keep the session with the controller and move packets')
    .option('--state-dir <directory>', 'where the agent keeps its identity', DEFAULT_STATE_DIRECTORY)
    .option('--device <name>', 'name of the overlay device', DEFAULT_DEVICE)
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addOption(
      new Option(
        '--data-path <kind>',
        'auto: the fastest that kernel and Node have; portable: plain packets and node:crypto',
      )
        .choices(['auto', 'portable'] as const)
        .default('auto'),
    )
    .action(async (options: { stateDir: string; device: string; logLevel: string; dataPath: 'auto' | 'portable' }) => {
      exit(await runEdge(options));
    });
  program
    .command('status')
    .description('show what the running agent does')
    .option('--state-dir <directory>', 'state directory of the running agent', DEFAULT_STATE_DIRECTORY)
    .option('--json', 'print JSON')
    .action(async (options: { stateDir: string; json?: true }) => {
      const status = await fetchStatus(await StateDirectory.open(options.stateDir));
      print(options.json ? JSON.stringify(status, null, 2) : renderStatus(status));
    });
  return program;
}

const DEFAULT_STATE_DIRECTORY = '/var/lib/weft-edge';
const DEFAULT_DEVICE = 'weft0';
