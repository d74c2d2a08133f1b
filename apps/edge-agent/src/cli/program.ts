import { Command } from 'commander';
import { StateDirectory } from '../platform/state-directory.js';
import { AGENT_VERSION } from '../platform/version.js';
import { renderStatus } from '../status/agent-status.js';
import { renderIkeReport } from '../status/ike-report.js';
import { fetchIkeReport, fetchStatus } from '../status/status-socket.js';
import { enrollEdge } from './enroll.js';
import { raiseFence, uninstallEdge } from './fence.js';
import { runEdge } from './run.js';
import { settingsOf, withSettings } from './settings-options.js';

/** The command line. `print` gets what goes to standard output; `exit` the code of a run that has ended. */
export function createProgram(print: (text: string) => void, exit: (code: number) => void): Command {
  const program = new Command('weft-edge')
    .description('Edge agent of a Weft fabric')
    .version(AGENT_VERSION)
    .showHelpAfterError();
  addLifeCycle(program, print, exit);
  addQuestions(program, print);
  return program;
}

function addLifeCycle(program: Command, print: (text: string) => void, exit: (code: number) => void): void {
  const enroll = program
    .command('enroll')
    .description('trade a one-time token for the identity of an edge')
    .requiredOption('--controller <host:port>', 'enrollment address of the controller')
    .requiredOption('--token <token>', 'one-time token from the console');
  withSettings(enroll, ['state-dir']).action(
    async (options: { controller: string; token: string }, command: Command) => {
      const { stateDir } = await settingsOf(command);
      print(await enrollEdge({ ...options, stateDir }));
    },
  );
  const run = program.command('run').description('run the edge: keep the session with the controller and move packets');
  withSettings(run).action(async (_, command: Command) => {
    exit(await runEdge(await settingsOf(command)));
  });
  const fence = program
    .command('fence')
    .description('keep in what the last bundle keeps in, until the agent runs: for the start of a machine');
  withSettings(fence, ['state-dir', 'state-key', 'device', 'mark']).action(async (_, command: Command) => {
    print(await raiseFence(await settingsOf(command)));
  });
  const uninstall = program
    .command('uninstall')
    .description('take away the fence, the rules and the routes that stay when the agent ends');
  withSettings(uninstall, ['state-dir']).action(async (_, command: Command) => {
    print(await uninstallEdge(await settingsOf(command)));
  });
}

function addQuestions(program: Command, print: (text: string) => void): void {
  const stateOf = async (command: Command) => StateDirectory.open((await settingsOf(command)).stateDir);
  const status = program
    .command('status')
    .description('show what the running agent does')
    .option('--json', 'print JSON');
  withSettings(status, ['state-dir']).action(async (options: { json?: true }, command: Command) => {
    const answer = await fetchStatus(await stateOf(command));
    print(options.json ? JSON.stringify(answer, null, 2) : renderStatus(answer));
  });
  const ike = program
    .command('ike')
    .description('show how the tunnels that this edge keys itself were negotiated, and why one was not')
    .argument('[peer]', 'name of a peer; without it all')
    .option('--json', 'print JSON')
    .option('--diagram', 'print sequence diagrams (mermaid)');
  withSettings(ike, ['state-dir']).action(
    async (peer: string | undefined, options: { json?: true; diagram?: true }, command: Command) => {
      const { tunnels } = await fetchIkeReport(await stateOf(command));
      const report = { tunnels: tunnels.filter((tunnel) => peer === undefined || tunnel.peer === peer) };
      const form = options.diagram ? 'diagram' : 'table';
      print(options.json ? JSON.stringify(report, null, 2) : renderIkeReport(report, form));
    },
  );
}
