import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Namespaces, namespacesUnavailable } from '../../test/support/namespaces.js';
import { type Figures, measure, measureTcp, peakMemoryMiB } from './measure.js';
import type { Path, PathOffer } from './path.js';
import { plainPath } from './plain-path.js';
import { type Row, ratiosOf, renderTable } from './report.js';
import { strongswanPath } from './strongswan-path.js';
import { weftPath } from './weft-path.js';
import { wireguardPaths } from './wireguard-path.js';

/**
 * usage: npm run bench:throughput [-- --json --seconds N --rounds N --only NAME,NAME --workers N]
 * Throughput, packet rates and round-trip times of Weft and of what is installed beside it, alternating in one run, in
 * network namespaces of its own. Figures are medians over the rounds. With --workers, Weft with so many is among them.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      workers: { type: 'string' },
    },
  });
  const unavailable = namespacesUnavailable() ?? iperfUnavailable();
  if (unavailable !== undefined) {
    process.stderr.write(`skipped: ${unavailable}\n`);
    return 0;
  }
  const only = values.only?.split(',');
  const offers = OFFERS(values.workers).filter(
    ({ name }) => only === undefined || only.some((wanted) => name.startsWith(wanted)),
  );
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const namespaces = new Namespaces('bench');
  const paths: Path[] = [];
  try {
    for (const offer of offers) {
      if (offer.unavailable === undefined) paths.push(await offer.start(namespaces));
      else say(`without ${offer.name}: ${offer.unavailable}`);
    }
    const rows = await rounds(namespaces, paths, Number(values.rounds), Number(values.seconds), say);
    const ratios = ratiosOf(rows);
    process.stdout.write(values.json ? `${JSON.stringify({ rows, ratios })}\n` : renderTable(rows, ratios));
    return 0;
  } finally {
    for (const path of paths) {
      // The namespaces go in any case, and the processes in them.
      await path.close().catch((error: unknown) => say(`${path.name} did not end by itself: ${String(error)}`));
    }
    await namespaces.close();
  }
}

async function rounds(
  namespaces: Namespaces,
  paths: readonly Path[],
  count: number,
  seconds: number,
  say: (line: string) => void,
): Promise<Row[]> {
  const figures = new Map<Path, Partial<Figures>[]>(paths.map((path) => [path, []]));
  for (let round = 1; round <= count; round++) {
    for (const path of paths) {
      say(`round ${round} of ${count}: ${path.name}`);
      const measured = path.name.startsWith(SCALE)
        ? { tcp1Gbps: await measureTcp(namespaces, path, seconds) }
        : await measure(namespaces, path, seconds);
      figures.get(path)?.push(measured);
      say(JSON.stringify(measured));
    }
  }
  return paths.map((path) => ({
    path: path.name,
    ...medians(figures.get(path) ?? []),
    rssMiB: peakMemoryMiB(path.processes),
  }));
}

function medians(figures: readonly Partial<Figures>[]): Partial<Figures> {
  const names = Object.keys(figures[0] ?? {}) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => {
      const sorted = figures.map((figure) => figure[name] ?? 0).sort((a, b) => a - b);
      return [name, sorted[sorted.length >>> 1] ?? 0];
    }),
  );
}

function iperfUnavailable(): string | undefined {
  try {
    execFileSync('iperf3', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs iperf3 (Debian, Ubuntu: apt install iperf3)';
  }
}

const SCALE = 'weft, 1,000 SAs';
const OFFERS = (workers?: string): PathOffer[] => [
  plainPath,
  weftPath('weft', 'auto'),
  ...(workers === undefined ? [] : [weftPath(`weft ${workers} workers`, 'auto', undefined, Number(workers))]),
  // Right behind the one that it is compared with: machines become faster and slower with time.
  weftPath(`${SCALE} and 10,000 policies`, 'auto', { tunnels: 500, policies: 10_000 }),
  weftPath('weft portable', 'portable'),
  strongswanPath(),
  ...wireguardPaths(),
];

process.exitCode = await main();
