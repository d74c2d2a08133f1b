/** One responder in one case. */
export interface ResponderResult {
  readonly responder: 'weft' | 'strongSwan';
  readonly handshakes: number;
  readonly failed: number;
  /** Full handshakes per second of its processor time, user and system: the median of the rounds. */
  readonly perCoreSecond: number;
  /** Per second of the clock, with so many at a time as the load keeps under way. */
  readonly perSecond: number;
  /** Milliseconds from the first message to an established IKE SA. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /**
   * Of ours alone: how late its event loop was at most by its own doing and by the clock, and the longest that one input
   * kept the engine by the clock; milliseconds.
   */
  readonly longestDelay?: { readonly byClock: number; readonly own: number };
  readonly longestInput?: number;
}

export interface CaseResult {
  readonly name: string;
  readonly keyExchange: string;
  readonly authentication: string;
  readonly ours: ResponderResult;
  /** Absent: there is none here that knows the key exchange. */
  readonly theirs?: ResponderResult;
  /** Our handshakes per processor second as a share of theirs: the median over the rounds, each with its neighbour. */
  readonly ratio?: number;
}

export interface MemoryResult {
  /** IKE SAs, each with a Child SA. */
  readonly associations: number;
  /** Octets for each: of heap and buffers, and of resident memory, both threads together. */
  readonly ownedEach: number;
  readonly residentEach: number;
  readonly longestDelay: { readonly byClock: number; readonly own: number };
}

export interface BenchResult {
  readonly cases: readonly CaseResult[];
  readonly memory?: MemoryResult;
}

/** What is to hold and does not, a line each. */
export function misses({ cases, memory }: BenchResult): readonly string[] {
  return [
    ...cases.flatMap(({ name, ours, ratio, keyExchange }) => [
      ...(ours.failed > 0 ? [`${name}: ${ours.failed} handshakes failed`] : []),
      ...(ratio !== undefined && ratio < LEAST_RATIO && !keyExchange.includes('+')
        ? [`${name}: ${ratio.toFixed(2)} of strongSwan's rate; ${LEAST_RATIO} is to hold`]
        : []),
      ...heldUp(name, ours.longestDelay),
    ]),
    ...heldUp('memory', memory?.longestDelay),
  ];
}

function heldUp(name: string, delay: { readonly own: number } | undefined): readonly string[] {
  if (delay === undefined || delay.own <= LONGEST_DELAY) return [];
  return [`${name}: the loop was held up for ${delay.own.toFixed(1)} ms; ${LONGEST_DELAY} are to hold`];
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value that so large a share of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function resultTable({ cases, memory }: BenchResult): string {
  const rows = cases.flatMap((each) =>
    [each.ours, ...(each.theirs === undefined ? [] : [each.theirs])].map((result, index) => [
      index === 0 ? each.keyExchange : '',
      index === 0 ? each.authentication : '',
      result.responder,
      `${result.handshakes}`,
      result.perCoreSecond.toFixed(0),
      index === 0 && each.ratio !== undefined ? each.ratio.toFixed(2) : '',
      result.perSecond.toFixed(0),
      `${result.latency.p50.toFixed(1)} / ${result.latency.p99.toFixed(1)}`,
      result.longestDelay === undefined ? '' : delayText(result.longestDelay),
      result.longestInput === undefined ? '' : result.longestInput.toFixed(1),
    ]),
  );
  const table = [HEAD, ...rows].map((row) =>
    row
      .map((cell, column) => (column < 3 ? cell.padEnd(WIDTH[column] ?? 0) : cell.padStart(WIDTH[column] ?? 0)))
      .join('  '),
  );
  const lines = table.map((line) => line.trimEnd());
  if (memory === undefined) return lines.join('\n');
  const { associations, ownedEach, residentEach, longestDelay } = memory;
  const each = `${kibibytes(ownedEach)} of heap and buffers, ${kibibytes(residentEach)} of resident memory each`;
  lines.push(
    '',
    `${associations} IKE SAs with a Child SA: ${each}; longest delay of the loop ${delayText(longestDelay)} ms`,
  );
  return lines.join('\n');
}

function delayText({ own, byClock }: { readonly own: number; readonly byClock: number }): string {
  return `${own.toFixed(1)} / ${byClock.toFixed(1)}`;
}

function kibibytes(octets: number): string {
  return `${(octets / 1024).toFixed(1)} KiB`;
}

/** Of a classical key exchange. */
const LEAST_RATIO = 0.5;
/** Milliseconds, by its own doing. */
const LONGEST_DELAY = 10;
const HEAD = [
  'key exchange',
  'authentication',
  'responder',
  'handshakes',
  'per s of core',
  'ratio',
  'per s',
  'ms p50 / p99',
  'ms late own / all',
  'longest input ms',
];
const WIDTH = [16, 14, 10, 10, 13, 5, 6, 14, 17, 16];
