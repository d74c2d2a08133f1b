import { mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness, typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { buildNetwork, bundle, key, LEFT, LEFT_ID, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PING = ['-c', '1', '-w', '10', '-I', '10.1.0.1', '10.2.0.1'];

interface Capture {
  readonly esp: number;
  readonly clear: number;
  readonly lost: number;
  readonly packets: readonly string[];
}

const unavailable = namespacesUnavailable();

/** How a worker dies, and the place of the one that does. */
type Fault = readonly ['throw' | 'exit' | 'stall', number];
const CASES: readonly { readonly workers: number; readonly faults: readonly Fault[] }[] = [
  {
    workers: 1,
    faults: [
      ['throw', 0],
      ['exit', 0],
      ['stall', 0],
    ],
  },
  {
    workers: 3,
    faults: [
      ['throw', 1],
      ['exit', 2],
      ['stall', 0],
    ],
  },
];

describe.skipIf(unavailable !== undefined).each(CASES)(
  `a worker of the packet path that dies, of $workers${unavailable ? ` (${unavailable})` : ''}`,
  ({ workers, faults }) => {
    const namespaces = new Namespaces('death');
    const directory = mkdtempSync(path.join(tmpdir(), 'weft-death-'));
    const faultFile = path.join(directory, 'fault');
    let names: { left: string; router: string; right: string };
    let left: EdgeHarness;
    let right: EdgeHarness;
    let report: () => Promise<Capture>;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      left = new EdgeHarness(namespaces, names.left, 'weft0', 'auto', undefined, { faultFile, workers });
      right = new EdgeHarness(namespaces, names.right);
      await Promise.all([left.bundle(bundle(LEFT, RIGHT, RIGHT_ID)), right.bundle(bundle(RIGHT, LEFT, LEFT_ID))]);
      await key(left, right, [0x1000, 0x2000]);
      report = await capture(namespaces, names.router);
    });

    afterAll(async () => {
      await namespaces.close();
      rmSync(directory, { recursive: true });
    });

    it.each(faults)(
      '(%s, the one in place %i) is replaced and takes its associations up, and meanwhile nothing leaves in the clear',
      async (fault, place) => {
        namespaces.run(names.left, 'ping', PING);
        const before = await left.snapshot();
        const open = sockets(left.pid);
        const old = await report();
        expect(old.packets.length).toBeGreaterThan(0);

        // There is always something to be protected while nobody is there to do it.
        const pings = namespaces.start(names.left, 'ping', ['-q', '-i', '0.005', '-I', '10.1.0.1', '10.2.0.1']);
        const ended = new Promise((resolve) => pings.once('exit', resolve));
        pings.stdout.resume();
        // Written as a whole: they look at it all the time.
        writeFileSync(`${faultFile}.new`, `${fault} ${place}`);
        renameSync(`${faultFile}.new`, faultFile);
        const replacements = (before.workers[place]?.replacements ?? 0) + 1;
        await expect.poll(async () => (await left.snapshot()).workers[place]?.replacements).toBe(replacements);
        // It answers again, under the keys that it had.
        await expect.poll(() => answers(() => namespaces.run(names.left, 'ping', PING))).toBe(true);
        pings.kill('SIGTERM');
        await ended;

        // What the one before had opened is used or closed by the one that follows.
        expect(sockets(left.pid)).toBe(open);
        const after = await left.snapshot();
        expect(after.associations.map(({ spi }) => spi)).toEqual(before.associations.map(({ spi }) => spi));
        const sequence = (of: typeof after) =>
          of.associations.filter(({ direction }) => direction === 'outbound').map((one) => BigInt(one.sequence))[0] ??
          0n;
        expect(sequence(after)).toBeGreaterThan(sequence(before));
        // What waited for the worker was not judged by one that did not know everything yet.
        const lost = after.drops.filter(({ reason }) => reason === 'unknown_spi' || reason === 'no_association');
        expect(lost).toEqual([]);
        // The peer saw no number twice.
        expect(replays(await right.snapshot())).toBe(0);

        // Packets that the worker before had taken are refused by the one that followed.
        send(namespaces, names.right, old.packets);
        const counted = async () => {
          const { drops, workers } = await left.snapshot();
          // The rest is for the reader of a failure.
          return { refused: refusals({ drops }) - refusals(after), drops, before: after.drops, workers };
        };
        await expect.poll(counted).toMatchObject({ refused: old.packets.length });

        // They crossed the underlay last: once they were seen, all that came before was.
        const replayed = async () => (await report()).packets.slice(-old.packets.length);
        await expect.poll(replayed).toEqual(old.packets);
        expect(await report()).toMatchObject({ clear: 0, lost: 0 });
      },
    );
  },
);

/** Begins to look at what crosses the underlay. */
async function capture(namespaces: Namespaces, namespace: string): Promise<() => Promise<Capture>> {
  const program = [...typescript('./capture-process.ts'), LEFT.underlay, '10.1', '10.2'];
  const child = namespaces.start(namespace, process.execPath, program);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return async () => {
    child.stdin.write('report\n');
    return JSON.parse((await lines.next()).value as string) as Capture;
  };
}

function answers(run: () => string): boolean {
  try {
    return /1 received/.test(run());
  } catch {
    // No answer yet.
    return false;
  }
}

/** How many a process has open. */
function sockets(pid: number): number {
  const descriptors = `/proc/${pid}/fd`;
  return readdirSync(descriptors).filter((fd) => isSocket(path.join(descriptors, fd))).length;
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:');
  } catch {
    // Closed since the directory was read.
    return false;
  }
}

function replays({ drops }: { drops: { reason: string; packets: string }[] }): number {
  return drops.reduce((sum, { reason, packets }) => sum + (/^replay/.test(reason) ? Number(packets) : 0), 0);
}

/**
 * What has waited for the worker may have moved the window past these packets: "if Seql < Bl, Seqh = Th + 1" (RFC 4303 appendix
 * A2.2), so that they count as 2^32 later, and are not authentic.
 */
function refusals({ drops }: { drops: { reason: string; packets: string }[] }): number {
  const forged = drops.find(({ reason }) => reason === 'integrity_failed')?.packets ?? 0;
  return replays({ drops }) + Number(forged);
}

function send(namespaces: Namespaces, from: string, packets: readonly string[]): void {
  const script = `const s = require('dgram').createSocket('udp4'); let left = ${packets.length};
    for (const hex of ${JSON.stringify(packets)}) s.send(Buffer.from(hex, 'hex'), 4500, '${LEFT.underlay}', () => --left || s.close())`;
  namespaces.run(from, process.execPath, ['-e', script]);
}
