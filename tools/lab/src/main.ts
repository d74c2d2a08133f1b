#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import type { KeyingMode } from './fabric/intent.js';
import type { Lab } from './lab.js';
import { explain } from './report/explanation.js';
import { makeProgress, type Progress } from './report/progress.js';
import { trafficTable } from './report/table.js';
import { judge, type Observations, problemsOf, type Verdict } from './report/verdict.js';
import { runChecks } from './run-checks.js';
import { startLab } from './start-lab.js';

interface Flags {
  readonly check?: true;
  readonly json?: true;
  readonly port: number;
  readonly keying?: KeyingMode;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const KEEP_ALIVE_MILLISECONDS = 3_600_000;
const NOTHING_SEEN: Verdict = {
  ok: false,
  edges: 0,
  inSync: 0,
  pingsSent: 0,
  pingsReceived: 0,
  transferMiB: 0,
  sha256Match: false,
  cleartextPackets: 0,
  espPackets: 0,
  seconds: 0,
};

const started = performance.now();
const interruption = new AbortController();
let interruptedBy: keyof typeof EXIT_CODES | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interruptedBy !== undefined) process.exit(EXIT_CODES[signal]); // asked twice: the kernel takes everything down
    interruptedBy = signal;
    interruption.abort();
  });
}

const command = new Command('weft-lab')
  .description(
    'A whole fabric in network namespaces: an internet, a controller, three sites with an edge and a host each.',
  )
  .option('--check', 'check that the fabric carries traffic and leaks nothing, then exit 0 or 1 instead of staying up')
  .option('--json', 'print one JSON object as the last line')
  .option('--port <port>', 'loopback port of the console; another one when it is taken', parsePort, 8080)
  .addOption(
    new Option(
      '--keying <mode>',
      'who makes the traffic keys: ikev2 (default), the edges between themselves; ike-less, the controller; controller-blind, the edges by what the controller relays',
    ).choices(['ikev2', 'ike-less', 'controller-blind'] satisfies KeyingMode[]),
  )
  .showHelpAfterError();
const flags = command.parse().opts<Flags>();
process.exitCode = await main(flags, makeProgress(process.stderr, elapsedSeconds));

async function main({ check, json, port, keying }: Flags, progress: Progress): Promise<number> {
  let lab: Lab | undefined;
  let verdict = NOTHING_SEEN;
  let step = '';
  const onStep = (next: string) => {
    step = next;
    progress.begin(next);
  };
  try {
    lab = await startLab({
      port,
      ...(keying === undefined ? {} : { keying }),
      signal: interruption.signal,
      onStep,
      onUnexpectedExit: (name, how) => progress.note(`${name} ended by itself (${how})`),
    });
    const seen = await Promise.race([runChecks(lab, onStep, elapsedSeconds), lab.unexpectedExit]);
    progress.finish();
    verdict = judge(seen);
    await report(lab, seen);
    if (check !== true) await stayUp(lab, json === true ? verdict : undefined);
  } catch (error) {
    verdict = { ...verdict, ok: false, seconds: Number(elapsedSeconds().toFixed(1)) };
    if (interruptedBy !== undefined) {
      progress.fail('Interrupted');
      return EXIT_CODES[interruptedBy];
    }
    progress.fail('Failed');
    process.stderr.write(`\n${explain(lab === undefined ? error : await lab.failure(step, error))}\n`);
    if (json === true) print(JSON.stringify(verdict));
    return 1;
  } finally {
    await lab?.close();
    if (interruptedBy !== undefined) progress.note('The lab has ended and left nothing behind');
  }
  if (check === true && json === true) print(JSON.stringify(verdict));
  return verdict.ok ? 0 : 1;
}

async function report(lab: Lab, seen: Observations): Promise<void> {
  print(`\n${trafficTable(seen.traffic)}\n`);
  const { espPackets, cleartextPackets } = seen.capture;
  print(`On the router: ${espPackets} ESP packets (what the kernel forwards in one piece counts once),`);
  print(`${cleartextPackets} packets in the clear.`);
  const problems = problemsOf(seen);
  if (problems.length === 0) return;
  print(`\nNot well:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  print(`Logs: ${(await lab.saveLogs()) ?? 'gone'}`);
}

/** Resolves when the person has had enough: an interruption is the ordinary end here, not a failure. */
async function stayUp(lab: Lab, verdict: Verdict | undefined): Promise<void> {
  print(`\nConsole   ${lab.consoleUrl}\nUser      ${lab.userName}\nPassword  ${lab.password}\n`);
  print('Ctrl-C ends the lab and leaves nothing behind.');
  if (verdict !== undefined) print(JSON.stringify(verdict));
  if (interruption.signal.aborted) return;
  const idle = setInterval(() => undefined, KEEP_ALIVE_MILLISECONDS);
  await new Promise<void>((resolve) => interruption.signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(idle);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}

function elapsedSeconds(): number {
  return (performance.now() - started) / 1000;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
