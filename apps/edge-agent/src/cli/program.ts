import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultWorkers, MAXIMUM_WORKERS } from '../dataplane/data-plane-thread.js';
import { OWN_PACKETS_MARK } from '../network/overlay-network.js';
import { StateDirectory } from '../platform/state-directory.js';
import { AGENT_VERSION } from '../platform/version.js';
import { renderStatus } from '../status/agent-status.js';
import { renderIkeReport } from '../status/ike-report.js';
import { fetchIkeReport, fetchStatus } from '../status/status-socket.js';
import { enrollEdge } from './enroll.js';
import { type RunOptions, runEdge } from './run.js';

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
    .addOption(
      new Option(
        '--mark <number>',
        "firewall mark of the agent's own packets, which keeps them out of the overlay; nothing else may use it",
      )
        .argParser(parseMark)
        .default(OWN_PACKETS_MARK, `0x${OWN_PACKETS_MARK.toString(16)}`),
    )
    .addOption(
      new Option(
        '--path-mtu-discovery <kind>',
        'what is too large for the path to a peer. want: leaves as fragments; do: is refused by what the kernel has been ' +
          'told of the path; probe: only by the MTU of the device, so that nobody can tell the kernel anything',
      )
        .choices(['want', 'do', 'probe'] as const)
        .default('want'),
    )
    .option(
      '--workers <number>',
      `threads of the packet path: one sends, the others receive (1 to ${MAXIMUM_WORKERS})`,
      parseWorkers,
      defaultWorkers(availableParallelism()),
    )
    .action(async (options: RunOptions) => {
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
  program
    .command('ike')
    .description('show how the tunnels that this edge keys itself were negotiated, and why one was not')
    .argument('[peer]', 'name of a peer; without it all')
    .option('--state-dir <directory>', 'state directory of the running agent', DEFAULT_STATE_DIRECTORY)
    .option('--json', 'print JSON')
    .option('--diagram', 'print sequence diagrams (mermaid)')
    .action(async (peer: string | undefined, options: { stateDir: string; json?: true; diagram?: true }) => {
      const { tunnels } = await fetchIkeReport(await StateDirectory.open(options.stateDir));
      const report = { tunnels: tunnels.filter((tunnel) => peer === undefined || tunnel.peer === peer) };
      const form = options.diagram ? 'diagram' : 'table';
      print(options.json ? JSON.stringify(report, null, 2) : renderIkeReport(report, form));
    });
  return program;
}

/** SO_MARK has 32 bits, and 0 is the mark of packets without one. */
function parseMark(text: string): number {
  const mark = /^(0x[0-9a-f]+|[1-9][0-9]*)$/i.test(text) ? Number(text) : 0;
  if (mark < 1 || mark > 0xffffffff) throw new InvalidArgumentError('it is a number from 1 to 0xffffffff');
  return mark;
}

function parseWorkers(text: string): number {
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAXIMUM_WORKERS) return workers;
  throw new InvalidArgumentError(`give a whole number from 1 to ${MAXIMUM_WORKERS}`);
}

const DEFAULT_STATE_DIRECTORY = '/var/lib/weft-edge';
const DEFAULT_DEVICE = 'weft0';
