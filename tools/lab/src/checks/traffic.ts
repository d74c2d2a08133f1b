import { FILE_CLIENT } from '../fabric/programs.js';
import { FILE_MEBIBYTES, FILE_PORT } from '../host/content.js';
import type { Lab } from '../lab.js';
import type { Flow } from '../topology/topology.js';
import { type PingResult, parseCountedPing, pingArguments } from './ping.js';

/** What one direction of traffic did. */
export interface TrafficResult {
  readonly flow: Flow;
  readonly pings: PingResult;
  /** Undefined where the direction was measured in the other family. */
  readonly transfer: TransferResult | undefined;
}

export interface TransferResult {
  readonly mebibytes: number;
  readonly megabitsPerSecond: number;
  readonly sha256Match: boolean;
  /** Why it failed; undefined when the file arrived whole. */
  readonly problem: string | undefined;
}

/** As much of a lab as traffic needs. */
export type Hosts = Pick<Lab, 'execute' | 'fileDigests'>;

/** Pings the flow's destination from its source. */
export async function pingFlow(lab: Hosts, flow: Flow, count: number = PINGS_PER_FLOW): Promise<PingResult> {
  const args = pingArguments(flow.destinationAddress, count);
  const { stdout, stderr } = await lab.execute(flow.from.hostNamespace, 'ping', args);
  return parseCountedPing(stdout === '' ? stderr : stdout, count);
}

/** Moves the source's file to the destination: the destination fetches it, so that the data flows as `flow` says. */
export async function transferFlow(lab: Hosts, flow: Flow): Promise<TransferResult> {
  const host = flow.family === 6 ? `[${flow.sourceAddress}]` : flow.sourceAddress;
  const url = `http://${host}:${FILE_PORT}/file`;
  const { code, stdout, stderr } = await lab.execute(flow.to.hostNamespace, process.execPath, [FILE_CLIENT, url]);
  if (code !== 0) return { mebibytes: 0, megabitsPerSecond: 0, sha256Match: false, problem: stderr.trim() };
  const got = JSON.parse(stdout) as { status: number; octets: number; seconds: number; sha256: string };
  const sha256Match = got.sha256 === lab.fileDigests.get(flow.from.name);
  return {
    mebibytes: got.octets / 1_048_576,
    megabitsPerSecond: (got.octets * 8) / 1e6 / got.seconds,
    sha256Match,
    problem: sha256Match ? undefined : `HTTP status ${got.status}, ${got.octets} octets, SHA-256 ${got.sha256}`,
  };
}

/** Everything that one transfer of a flow must have moved. */
export const EXPECTED_MEBIBYTES = FILE_MEBIBYTES;
export const PINGS_PER_FLOW = 20;
