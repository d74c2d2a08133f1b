import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A running tcpdump on all links of the namespace it is started in; what it captures comes as a pcap stream. */
export interface Tcpdump {
  /** Resolves once packets are captured; rejects with what tcpdump said when it cannot. */
  readonly listening: Promise<void>;
  /** Asks tcpdump how many packets the kernel could not hand over so far. */
  droppedByKernel(): Promise<number>;
}

/**
 * Starts tcpdump for received packets only (each packet crosses the router once that way), whole packets, and a ring large
 * enough for a burst at full rate while this machine's cores are busy with cryptography.
 */
export function startTcpdump(onData: (chunk: Buffer) => void, onEnd: (reason: string) => void): Tcpdump {
  const child = spawn('tcpdump', TCPDUMP_ARGUMENTS, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lastLines: string[] = [];
  const statistics: ((dropped: number) => void)[] = [];
  const listening = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      if (line.includes('listening on')) resolve();
      const dropped = /(\d+) packets? dropped by kernel/.exec(line)?.[1];
      if (dropped !== undefined) statistics.shift()?.(Number(dropped));
    });
    const end = (what: string) => {
      const reason = `${what}: ${lastLines.join(' | ')}`;
      reject(new Error(reason));
      onEnd(reason);
    };
    child.on('error', (error) => end(`tcpdump cannot be started (${error.message})`));
    child.on('exit', (code, signal) => end(`tcpdump ended (${signal ?? code})`));
  });
  child.stdout.on('data', onData);
  return { listening, droppedByKernel: () => askForStatistics(child, statistics) };
}

/** tcpdump writes its counters to standard error when it gets SIGUSR1. */
function askForStatistics(child: ChildProcess, waiting: ((dropped: number) => void)[]): Promise<number> {
  return new Promise((resolve, reject) => {
    waiting.push(resolve);
    if (!child.kill('SIGUSR1')) reject(new Error('tcpdump is gone, its counters with it.'));
  });
}

const RING_KIBIBYTES = 65_536;
const TCPDUMP_ARGUMENTS = [
  '-i',
  'any',
  '-Q',
  'in',
  '-n',
  '-U',
  '-s',
  '0',
  '-B',
  String(RING_KIBIBYTES),
  '-Z',
  'root',
  '-w',
  '-',
];
const KEPT_LINES = 5;
