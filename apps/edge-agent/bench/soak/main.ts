import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EdgeHarness, typescript } from '../../test/support/edge-harness.js';
import { type NamespacedProcess, Namespaces, namespacesUnavailable } from '../../test/support/namespaces.js';
import { buildNetwork, bundle, forget, key, LEFT, LEFT_ID, RIGHT, RIGHT_ID } from '../../test/support/two-sites.js';
import { DATAGRAM_OCTETS } from './datagram.js';
import { countedLosses } from './losses.js';

/**
 * usage: npm run soak -w @weft/edge-agent [-- --packets 1e8 --rekeys N --json]
 * So many packets through two edges in network namespaces of their own, with changes of keys on the way. Fails unless every
 * packet arrived once, undamaged and in order, or a counter says where it was lost; and unless the edges' memory stands still.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '1e6' },
      rekeys: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
    },
  });
  const unavailable = namespacesUnavailable();
  if (unavailable !== undefined) {
    process.stderr.write(`skipped: ${unavailable}\n`);
    return 0;
  }
  const namespaces = new Namespaces('soak');
  try {
    const report = await soak(namespaces, Number(values.packets), Number(values.rekeys));
    process.stdout.write(`${JSON.stringify(report, null, values.json ? 0 : 2)}\n`);
    for (const failure of report.failures) process.stderr.write(`failed: ${failure}\n`);
    return report.failures.length === 0 ? 0 : 1;
  } finally {
    await namespaces.close();
  }
}

async function soak(namespaces: Namespaces, packets: number, rekeys: number) {
  const names = buildNetwork(namespaces);
  const left = new EdgeHarness(namespaces, names.left);
  const right = new EdgeHarness(namespaces, names.right);
  await Promise.all([left.bundle(bundle(LEFT, RIGHT, RIGHT_ID)), right.bundle(bundle(RIGHT, LEFT, LEFT_ID))]);
  await key(left, right, spis(0));
  const load = (role: string, more: readonly string[]) => [
    ...typescript(import.meta.resolve('./soak-load.ts')),
    role,
    ...more,
  ];
  const sink = new Lines(namespaces.start(names.right, process.execPath, load('sink', ['10.2.0.1', '10.1.0.1', PORT])));
  await sink.next();
  const source = new Lines(
    namespaces.start(names.left, process.execPath, load('source', ['10.1.0.1', '10.2.0.1', PORT, String(packets)])),
  );
  await source.next();
  const ended = source.next() as Promise<{ sent: number; writtenOff: number; seconds: number }>;
  const progress = new Progress(left, right, packets, rekeys);
  await Promise.race([progress.watch(), ended]);
  const { sent, writtenOff, seconds } = await ended;
  progress.stop();
  const memoryAtEnd = residentMiB([left.pid, right.pid]);
  sink.end();
  const seen = (await sink.next()) as { received: number; missing: number; late: number; damaged: number };
  const edges = [
    { name: 'sender', namespace: names.left, edge: left },
    { name: 'receiver', namespace: names.right, edge: right },
  ];
  const losses = await countedLosses(namespaces, edges, names.router);
  const counted = Object.values(losses).reduce((sum, lost) => sum + lost, 0);
  const lost = sent - seen.received;
  const [sender, receiver] = await Promise.all([left.snapshot(), right.snapshot()]);
  const growth = memoryAtEnd.map((end, index) => end - (progress.memoryAtStart[index] ?? end));
  const figures = {
    packets: sent,
    seconds: round(seconds),
    packetsPerSecond: Math.round(sent / seconds),
    gigabitsPerSecond: round((sent * DATAGRAM_OCTETS * 8) / seconds / 1e9),
    ...seen,
    lost,
    unexplained: Math.max(0, lost - counted),
    losses,
    writtenOff,
    rekeys: progress.rekeys,
    replacements: [sender, receiver].map(({ workers }) => workers.map(({ replacements }) => replacements)),
    rssMiBAtStart: progress.memoryAtStart.map(round),
    rssMiBAtEnd: memoryAtEnd.map(round),
  };
  const failures = [
    ...(figures.unexplained > 0 ? [`${figures.unexplained} packets are lost and no counter says where`] : []),
    ...(seen.late > 0 ? [`${seen.late} packets came twice, or out of order`] : []),
    ...(seen.damaged > 0 ? [`${seen.damaged} packets were damaged`] : []),
    ...(figures.replacements.flat().some((count) => count > 0) ? ['a thread of the packet path ended'] : []),
    ...growth.flatMap((mebibytes, index) =>
      mebibytes > GROWTH_MIB ? [`the ${edges[index]?.name} grew by ${Math.round(mebibytes)} MiB`] : [],
    ),
  ];
  await Promise.all([left.stop(), right.stop()]);
  return { ...figures, failures };
}

/** Changes keys as packets pass, and remembers how large the edges were once they had warmed up. */
class Progress {
  memoryAtStart: readonly number[] = [];
  rekeys = 0;
  readonly #left: EdgeHarness;
  readonly #right: EdgeHarness;
  readonly #packets: number;
  readonly #wanted: number;
  #stopped = false;

  constructor(left: EdgeHarness, right: EdgeHarness, packets: number, rekeys: number) {
    this.#left = left;
    this.#right = right;
    this.#packets = packets;
    this.#wanted = rekeys;
  }

  async watch(): Promise<void> {
    while (!this.#stopped) {
      await delay(LOOK_MILLISECONDS);
      const passed = Number((await this.#left.snapshot()).tunnels[0]?.outboundPackets ?? 0);
      if (this.memoryAtStart.length === 0 && passed > this.#packets * WARM_SHARE) {
        this.memoryAtStart = residentMiB([this.#left.pid, this.#right.pid]);
      }
      if (passed < ((this.rekeys + 1) * this.#packets) / (this.#wanted + 1)) continue;
      await this.#rekey();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #rekey(): Promise<void> {
    const [left, right] = [this.#left, this.#right];
    const [oldLeft, oldRight] = spis(this.rekeys);
    this.rekeys++;
    await key(left, right, spis(this.rekeys));
    // What left under the old keys has arrived by then: the queues of the path hold a few milliseconds.
    await delay(LOOK_MILLISECONDS);
    await Promise.all([forget(left, oldLeft, oldRight), forget(right, oldRight, oldLeft)]);
  }
}

/** Lines of JSON of a process. */
class Lines {
  readonly #child: NamespacedProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(child: NamespacedProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the load ended too early');
    return JSON.parse(value as string);
  }

  end(): void {
    this.#child.stdin.end();
  }
}

function spis(generation: number): readonly [number, number] {
  return [0x1000 + 2 * generation, 0x1001 + 2 * generation];
}

function residentMiB(processes: readonly number[]): number[] {
  return processes.map(
    (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m)?.[1]) / 1024,
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const PORT = '5201';
const LOOK_MILLISECONDS = 250;
/** By then everything is compiled, and every queue has been as long as it gets. */
const WARM_SHARE = 0.1;
/** What an edge may have grown by since then: less than one more copy of anything that it keeps. */
const GROWTH_MIB = 32;

process.exitCode = await main();
