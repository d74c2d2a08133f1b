import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { typescript } from '../../test/support/edge-harness.js';
import type { NamespacedProcess, Namespaces } from '../../test/support/namespaces.js';
import type { Path } from './path.js';

const run = promisify(execFile);

/** One round's figures of one path. */
export interface Figures {
  readonly tcp1Gbps: number;
  readonly tcp8Gbps: number;
  readonly tcp1Ipv6Gbps: number;
  readonly udp64Kpps: number;
  readonly udp1400Kpps: number;
  readonly rttIdleP50Us: number;
  readonly rttIdleP99Us: number;
  readonly rttLoadP50Us: number;
  readonly rttLoadP99Us: number;
  readonly cpuSecondsPerGB: number;
}

/** Everything about one path, once. */
export async function measure(namespaces: Namespaces, path: Path, seconds: number): Promise<Figures> {
  const idle = await ping(path, IDLE_PINGS, IDLE_INTERVAL_SECONDS);
  const before = cpuSeconds(path.processes);
  const tcp1 = await tcp(namespaces, path, 'ipv4', 1, seconds);
  const cpu = cpuSeconds(path.processes) - before;
  const tcp8 = await tcp(namespaces, path, 'ipv4', 8, seconds);
  const tcp6 = await tcp(namespaces, path, 'ipv6', 1, seconds);
  const [, load] = await Promise.all([
    tcp(namespaces, path, 'ipv4', 1, seconds),
    delay(LOAD_SETTLES_MILLISECONDS).then(() =>
      ping(path, Math.floor((seconds * 1000) / 2 / LOAD_INTERVAL_MILLISECONDS), LOAD_INTERVAL_MILLISECONDS / 1000),
    ),
  ]);
  const udp = new UdpLoad(namespaces, path);
  try {
    await udp.ready();
    return {
      tcp1Gbps: tcp1.gigabits,
      tcp8Gbps: tcp8.gigabits,
      tcp1Ipv6Gbps: tcp6.gigabits,
      udp64Kpps: await udp.highestRate(64),
      udp1400Kpps: await udp.highestRate(1400 - 28),
      rttIdleP50Us: percentile(idle, 0.5),
      rttIdleP99Us: percentile(idle, 0.99),
      rttLoadP50Us: percentile(load, 0.5),
      rttLoadP99Us: percentile(load, 0.99),
      cpuSecondsPerGB: tcp1.octets === 0 ? 0 : cpu / (tcp1.octets / 1e9),
    };
  } finally {
    udp.close();
  }
}

/** The figure that most comparisons are about: one TCP stream over IPv4, in Gb/s. */
export async function measureTcp(namespaces: Namespaces, path: Path, seconds: number): Promise<number> {
  return (await tcp(namespaces, path, 'ipv4', 1, seconds)).gigabits;
}

/** Largest resident set that any of the processes has had, in MiB. */
export function peakMemoryMiB(processes: readonly number[]): number {
  const peaks = processes.map((pid) => {
    const kilobytes = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? '0';
    return Number(kilobytes) / 1024;
  });
  return Math.max(0, ...peaks);
}

async function tcp(
  namespaces: Namespaces,
  path: Path,
  family: 'ipv4' | 'ipv6',
  streams: number,
  seconds: number,
): Promise<{ gigabits: number; octets: number }> {
  const { sender, receiver } = path.addresses[family];
  const server = namespaces.start(path.receiver, 'iperf3', ['-s', '-1', '-B', receiver, '--forceflush']);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  await firstLine(server, 'Server listening');
  const words = ['netns', 'exec', path.sender, 'iperf3', '-c', receiver, '-B', sender, '-J'];
  const { stdout } = await run('ip', [...words, '-P', String(streams), '-t', String(seconds), '-O', '0.5'], {
    maxBuffer: 16 << 20,
  });
  await ended;
  const report = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number; bytes: number } } };
  const { bits_per_second, bytes } = report.end.sum_received;
  return { gigabits: bits_per_second / 1e9, octets: bytes };
}

/** Round-trip times in microseconds. */
async function ping(path: Path, count: number, intervalSeconds: number): Promise<number[]> {
  const { sender, receiver } = path.addresses.ipv4;
  const words = ['netns', 'exec', path.sender, 'ping', '-n', '-I', sender, '-c', String(count)];
  const { stdout } = await run('ip', [...words, '-i', String(intervalSeconds), receiver]);
  return [...stdout.matchAll(/time=([0-9.]+) ms/g)].map(([, milliseconds]) => Number(milliseconds) * 1000);
}

/** User and system time of processes, their threads included. */
function cpuSeconds(processes: readonly number[]): number {
  const ticks = processes.map((pid) => {
    // The name, in parentheses, may contain spaces: fields are counted from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, tick) => sum + tick, 0) / TICKS_PER_SECOND;
}

/** A generator and a sink of datagrams, and the search for the highest rate that the path carries. */
class UdpLoad {
  readonly #sink: Conversation;
  readonly #generator: Conversation;

  constructor(namespaces: Namespaces, path: Path) {
    const { sender, receiver } = path.addresses.ipv4;
    const program = (words: readonly string[]) => [...typescript(import.meta.resolve('./udp-load.ts')), ...words];
    this.#sink = new Conversation(namespaces.start(path.receiver, process.execPath, program(['sink', receiver, PORT])));
    this.#generator = new Conversation(
      namespaces.start(path.sender, process.execPath, program(['send', sender, receiver, PORT])),
    );
  }

  async ready(): Promise<void> {
    await Promise.all([this.#sink.answer(), this.#generator.answer()]);
    await this.#loss(64, 10_000);
  }

  /** Thousands of packets per second at which less than a thousandth is lost. */
  async highestRate(octets: number): Promise<number> {
    let [good, bad] = [0, Number.POSITIVE_INFINITY];
    let rate = FIRST_RATE;
    for (let trial = 0; trial < TRIALS && bad - good > good * PRECISION; trial++) {
      const { loss, sent } = await this.#loss(octets, rate);
      if (loss < TOLERATED_LOSS) good = Math.max(good, sent);
      else bad = Math.min(bad, rate);
      // The generator cannot do more: so be it.
      if (loss < TOLERATED_LOSS && sent < rate * 0.9) break;
      rate = bad === Number.POSITIVE_INFINITY ? rate * 2 : (good + bad) / 2;
    }
    return good / 1000;
  }

  close(): void {
    this.#sink.end();
    this.#generator.end();
  }

  async #loss(octets: number, rate: number): Promise<{ loss: number; sent: number }> {
    await this.#sink.ask('count');
    const report = await this.#generator.ask(JSON.stringify({ octets, rate, seconds: TRIAL_SECONDS }));
    await delay(FLIGHT_MILLISECONDS);
    const { packets = 0 } = await this.#sink.ask('count');
    const { sent = 0, seconds = 1 } = report;
    return { loss: sent === 0 ? 1 : 1 - packets / sent, sent: sent / seconds };
  }
}

/** Lines to a process, and a line of JSON back for each. */
class Conversation {
  readonly #child: NamespacedProcess;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;

  constructor(child: NamespacedProcess) {
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask(line: string): Promise<{ packets?: number; sent?: number; seconds?: number }> {
    this.#child.stdin.write(`${line}\n`);
    return this.answer();
  }

  async answer(): Promise<{ packets?: number; sent?: number; seconds?: number }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the load generator ended');
    return JSON.parse(value as string) as { packets?: number };
  }

  end(): void {
    this.#reader.close();
    this.#child.kill('SIGTERM');
  }
}

async function firstLine(child: NamespacedProcess, words: string): Promise<void> {
  const reader = createInterface({ input: child.stdout });
  for await (const line of reader) if (line.includes(words)) break;
  child.stdout.resume();
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const IDLE_PINGS = 300;
const IDLE_INTERVAL_SECONDS = 0.005;
const LOAD_INTERVAL_MILLISECONDS = 10;
/** TCP has left slow start by then. */
const LOAD_SETTLES_MILLISECONDS = 700;
const TICKS_PER_SECOND = 100;
const PORT = '5201';
const FIRST_RATE = 50_000;
const TRIAL_SECONDS = 0.7;
const TRIALS = 12;
const PRECISION = 0.05;
const TOLERATED_LOSS = 0.001;
/** After this nothing is under way any more. */
const FLIGHT_MILLISECONDS = 100;
