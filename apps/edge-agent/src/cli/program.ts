import { Command, InvalidArgumentError, Option } from 'commander';
import { CaptureError, capture } from '../capture/capture.js';
import { type PacketFilter, parsePacketFilter } from '../capture/packet-filter.js';
import { mayMark } from '../network/marked-connection.js';
import { createOverlayNetwork } from '../network/overlay-network.js';
import { messageOf } from '../platform/agent-error.js';
import { LOG_LEVELS } from '../platform/log.js';
import { StateDirectory } from '../platform/state-directory.js';
import { AGENT_VERSION } from '../platform/version.js';
import { describedPacket } from '../status/described-packet.js';
import { renderIkeReport } from '../status/ike-report.js';
import { renderPacketAccount } from '../status/packet-account.js';
import { renderStatus, renderTunnels } from '../status/render-status.js';
import {
  changeLogLevel,
  fetchDiagnosis,
  fetchExplanation,
  fetchIkeReport,
  fetchMetrics,
  fetchStatus,
} from '../status/status-socket.js';
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
  addDiagnostics(program, print);
  return program;
}

function addLifeCycle(program: Command, print: (text: string) => void, exit: (code: number) => void): void {
  const enroll = program
    .command('enroll')
    .description('trade a one-time token for the identity of an edge')
    .requiredOption('--controller <host:port>', 'enrollment address of the controller')
    .requiredOption('--token <token>', 'one-time token from the console');
  withSettings(enroll, ['state-dir', 'state-key', 'device', 'mark', 'protected-networks']).action(
    async (options: { controller: string; token: string }, command: Command) => {
      const { stateDir, stateKey, device, mark, protectedNetworks } = await settingsOf(command);
      const network = mayMark(mark) ? createOverlayNetwork(device, mark) : undefined;
      print(await enrollEdge({ ...options, stateDir, stateKey, mark, protectedNetworks, network }));
    },
  );
  const run = program.command('run').description('run the edge: keep the session with the controller and move packets');
  withSettings(run).action(async (_, command: Command) => {
    exit(await runEdge(await settingsOf(command)));
  });
  const fence = program
    .command('fence')
    .description(
      'keep in what the last bundle keeps in, or before the first what is to be protected, until the agent runs: for the start of a machine',
    );
  withSettings(fence, ['state-dir', 'state-key', 'device', 'mark', 'protected-networks']).action(
    async (_, command: Command) => {
      print(await raiseFence(await settingsOf(command)));
    },
  );
  const uninstall = program
    .command('uninstall')
    .description('take away the fence, the rules and the routes that stay when the agent ends');
  withSettings(uninstall, ['state-dir']).action(async (_, command: Command) => {
    print(await uninstallEdge(await settingsOf(command)));
  });
}

function addQuestions(program: Command, print: (text: string) => void): void {
  const status = program
    .command('status')
    .description('show what the running agent does')
    .option('--json', 'print JSON');
  withSettings(status, ['state-dir']).action(async (options: { json?: true }, command: Command) => {
    const answer = await fetchStatus(await stateOf(command));
    print(options.json ? JSON.stringify(answer, null, 2) : renderStatus(answer));
  });
  const tunnels = program
    .command('tunnels')
    .description('show the tunnels of the running agent')
    .option('--json', 'print JSON');
  withSettings(tunnels, ['state-dir']).action(async (options: { json?: true }, command: Command) => {
    const answer = await fetchStatus(await stateOf(command));
    print(options.json ? JSON.stringify(answer.tunnels, null, 2) : renderTunnels(answer));
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

function addDiagnostics(program: Command, print: (text: string) => void): void {
  const explain = program
    .command('explain')
    .description(
      'say what would become of a packet from the site, and why: SOURCE DESTINATION [PROTOCOL [PORT]] [OCTETS], or hex',
    )
    .argument('<packet...>', 'as 10.1.0.7 10.2.0.9 tcp 443 1400; 10.1.0.7:5000 gives the port of the source')
    .option('--json', 'print JSON');
  withSettings(explain, ['state-dir']).action(async (words: string[], options: { json?: true }, command: Command) => {
    const packet = describedPacket(words);
    const account = await fetchExplanation(await stateOf(command), packet);
    print(options.json ? JSON.stringify(account, null, 2) : renderPacketAccount(account, packet));
  });
  addCapture(program, print);
  const diagnose = program
    .command('diagnose')
    .description('write everything that helps to find a fault, and no secret, as one JSON document');
  withSettings(diagnose, ['state-dir']).action(async (_, command: Command) => {
    print(JSON.stringify(await fetchDiagnosis(await stateOf(command)), null, 2));
  });
  const metrics = program.command('metrics').description('show the metrics as Prometheus reads them');
  withSettings(metrics, ['state-dir']).action(async (_, command: Command) => {
    print((await fetchMetrics(await stateOf(command))).trimEnd());
  });
  const level = program
    .command('logs')
    .description('the log of the running agent')
    .command('level')
    .description('have the running agent say more or less, until it ends')
    .argument('<level>', LOG_LEVELS.join(', '));
  withSettings(level, ['state-dir']).action(async (wanted: string, _, command: Command) => {
    print(`the log says ${await changeLogLevel(await stateOf(command), wanted)} and worse`);
  });
}

function addCapture(program: Command, print: (text: string) => void): void {
  const command = program
    .command('capture')
    .description('write packets to a file that Wireshark reads (pcapng)')
    .requiredOption('--write <file>', 'a new file; - is standard output')
    .addOption(
      new Option(
        '--side <side>',
        'clear: what passes the overlay device; underlay: what tunnels look like from outside',
      )
        .choices(['clear', 'underlay'] as const)
        .default('clear'),
    )
    .option('--host <address>', 'source or destination')
    .option('--protocol <name or number>', 'as tcp')
    .option('--port <number>', 'source or destination port')
    .option('--seconds <number>', 'how long at most', wholeNumber(86_400), 60)
    .option('--megabytes <number>', 'how large the file may get', wholeNumber(65_536), 64)
    .option('--snap-length <octets>', 'what is kept of a packet', wholeNumber(65_536), 65_536);
  withSettings(command, ['device']).action(async (options: CaptureOptions, self: Command) => {
    const { device } = await settingsOf(self);
    const { side, write: file, seconds, megabytes, snapLength } = options;
    const request = { side, device, file, seconds, octets: megabytes << 20, snapLength, filter: filterOf(options) };
    const { packets, octets, lost, ended } = await capture(request, () => performance.now());
    const why = ended === 'time' ? 'the time was over' : 'the file was full';
    if (file !== '-') print(`${packets} packets, ${octets} octets, ${lost} lost; ${why}`);
  });
}

interface CaptureOptions {
  readonly write: string;
  readonly side: 'clear' | 'underlay';
  readonly host?: string;
  readonly protocol?: string;
  readonly port?: string;
  readonly seconds: number;
  readonly megabytes: number;
  readonly snapLength: number;
}

function filterOf(options: CaptureOptions): PacketFilter {
  try {
    return parsePacketFilter(options);
  } catch (error) {
    throw new CaptureError('capture_impossible', messageOf(error), 'correct the filter');
  }
}

function wholeNumber(highest: number): (text: string) => number {
  return (text) => {
    const value = /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= highest) return value;
    throw new InvalidArgumentError(`it is a whole number from 1 to ${highest}`);
  };
}

async function stateOf(command: Command): Promise<StateDirectory> {
  return StateDirectory.open((await settingsOf(command)).stateDir);
}
