import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BlackHolePath, LEFT, RIGHT } from '../../test/support/black-hole-path.js';
import { Namespaces, namespacesUnavailable } from '../../test/support/namespaces.js';
import { measureTcp } from '../throughput/measure.js';
import type { Path } from '../throughput/path.js';

/**
 * usage: npm run bench:black-hole [-- --json --seconds N --rounds N]
 * One TCP stream over a path of 1,280 octets that silently drops what is larger, next to the same path when it says so and
 * to one that takes 1,500, in turns in one run. Figures are medians over the rounds, in Gb/s.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const unavailable = namespacesUnavailable();
  if (unavailable !== undefined) {
    process.stderr.write(`skipped: ${unavailable}\n`);
    return 0;
  }
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const namespaces = new Namespaces('hole');
  try {
    const path = new BlackHolePath(namespaces);
    const figures = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const kind of KINDS) {
        await prepare(namespaces, path, kind);
        const gigabits = await measureTcp(namespaces, asPath(path), Number(values.seconds));
        figures.get(kind)?.push(gigabits);
        say(`round ${round} of ${values.rounds}: ${kind}: ${gigabits.toFixed(2)} Gb/s`);
      }
    }
    await Promise.all([path.left.stop(), path.right.stop()]);
    const rows = KINDS.map((kind) => ({ path: kind, tcp1Gbps: median(figures.get(kind) ?? []) }));
    const [, told, silent] = rows;
    const ratio = (silent?.tcp1Gbps ?? 0) / (told?.tcp1Gbps ?? 0);
    const table = rows.map((row) => `${row.path.padEnd(WIDTH)}${row.tcp1Gbps.toFixed(2)} Gb/s`);
    const text = `${[...table, `silent to told: ${ratio.toFixed(2)}`].join('\n')}\n`;
    process.stdout.write(values.json ? `${JSON.stringify({ rows, silentToTold: ratio })}\n` : text);
    return 0;
  } finally {
    await namespaces.close();
  }
}

const KINDS = ['1,500 octets', '1,280 octets, and says so', '1,280 octets, silently'] as const;
type Kind = (typeof KINDS)[number];

/** Both edges know the path by then. */
async function prepare(namespaces: Namespaces, path: BlackHolePath, kind: Kind): Promise<void> {
  await path.forget();
  const told = kind === '1,280 octets, and says so';
  for (const device of ['left', 'right']) {
    namespaces.ip(path.names.router, `link set ${device} mtu ${told ? SMALL : 1500}`);
  }
  if (kind === '1,280 octets, silently') path.setHole(SMALL);
  await path.connect('v4', 'esp-in-udp');
  const passes = (mtu: number) => (kind === '1,500 octets' ? mtu > 1400 : mtu > SMALL - 4 && mtu <= SMALL);
  for (const edge of [path.left, path.right]) {
    for (let waited = 0; !passes((await path.pathOf(edge)).pathMtu); waited += POLL_MILLISECONDS) {
      if (waited >= PATIENCE_MILLISECONDS) throw new Error(`an edge did not find the path MTU of ${kind}`);
      await delay(POLL_MILLISECONDS);
    }
  }
}

function asPath({ names, left, right }: BlackHolePath): Path {
  const ipv4 = { sender: LEFT.inner4, receiver: RIGHT.inner4 };
  const ipv6 = { sender: LEFT.inner6, receiver: RIGHT.inner6 };
  const ends = { sender: names.left, receiver: names.right, processes: [left.pid, right.pid] };
  return { name: 'weft', ...ends, addresses: { ipv4, ipv6 }, close: async () => undefined };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const SMALL = 1280;
const WIDTH = 28;
const POLL_MILLISECONDS = 100;
/** The search takes some seconds, and a router that tells needs a packet to tell of. */
const PATIENCE_MILLISECONDS = 60_000;

process.exit(await main());
