import os from 'node:os';
import { z } from 'zod';
import { runProgram } from '../network/run-program.js';
import type { KeptLine } from '../platform/recent-lines.js';
import { AgentStatus } from './agent-status.js';
import { IkeReport } from './ike-report.js';

/** What `weft-edge diagnose` writes: everything that helps to find a fault from afar, and no secret. */
export const Diagnosis = z.object({
  takenAt: z.string(),
  machine: z.object({ kernel: z.string(), node: z.string(), processors: z.number(), memoryMiB: z.number() }),
  uptimeSeconds: z.number(),
  residentMiB: z.number(),
  settings: z.record(z.string(), z.unknown()),
  status: AgentStatus,
  ike: IkeReport,
  metrics: z.string(),
  /** What the programs of the system say, by the line that was run. */
  system: z.record(z.string(), z.string()),
  /** The last lines of the log. */
  log: z.array(z.unknown()),
});
export type Diagnosis = z.infer<typeof Diagnosis>;

/** What it is made from, beside the machine. */
export interface DiagnosisSources {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly status: AgentStatus;
  readonly ike: IkeReport;
  readonly metrics: string;
  readonly log: readonly KeptLine[];
  readonly takenAt: Date;
}

/** Looks around. A program that cannot be run says so in its place. */
export async function diagnose({ settings, status, ike, metrics, log, takenAt }: DiagnosisSources): Promise<Diagnosis> {
  const said = await Promise.all(LINES.map(async (line) => [line.join(' '), await output(line)] as const));
  return {
    takenAt: takenAt.toISOString(),
    machine: {
      kernel: `${os.type()} ${os.release()} ${os.arch()}`,
      node: process.version,
      processors: os.availableParallelism(),
      memoryMiB: Math.round(os.totalmem() / MIB),
    },
    uptimeSeconds: Math.round(process.uptime()),
    residentMiB: Math.round(process.memoryUsage().rss / MIB),
    settings,
    status,
    ike,
    metrics,
    system: Object.fromEntries(said),
    log: log.map((line) => line),
  };
}

async function output([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  try {
    const { output: said, errors } = await runProgram(
      { name: program, code: program === 'nft' ? 'nft_missing' : 'ip_missing', debianPackage: program },
      args,
      '',
    );
    return `${said}${errors}`.slice(0, LONGEST_OUTPUT);
  } catch (error) {
    return String(error);
  }
}

/** None of them shows a key: the agent's associations are not the kernel's. */
const LINES: readonly (readonly [string, ...string[]])[] = [
  ['ip', '-s', 'link', 'show'],
  ['ip', 'address', 'show'],
  ['ip', '-4', 'rule', 'show'],
  ['ip', '-6', 'rule', 'show'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['nft', 'list', 'table', 'inet', 'weft_edge'],
];
const LONGEST_OUTPUT = 256 << 10;
const MIB = 1 << 20;
