import { measure } from './measure.js';
import { PACKETS, WAYS, type Way } from './packet-ways.js';
import { type Association, idleProvider, SUITES, sealAndOpen } from './packets.js';

/** Objects that the heap gives to one packet, by what becomes of it. */
export interface AllocationCount {
  /** A round of work that does make one object for each packet: whether the measurement sees them. */
  readonly control: number;
  /** Sealed and opened in place, by suite. */
  readonly inPlace: Readonly<Record<string, readonly [number, number]>>;
  /** Sealed and opened from one array to another, by suite. */
  readonly apart: Readonly<Record<string, readonly [number, number]>>;
  /** By name in WAYS. */
  readonly ways: Readonly<Record<string, number>>;
}

/**
 * A program, for a process of its own: which numbers the optimiser boxes depends on what it has seen before, and what a
 * process that was unlucky has once decided it keeps to. Prints an AllocationCount as JSON.
 */
function count(): AllocationCount {
  const suites = (apart: boolean) =>
    Object.fromEntries(Object.entries(SUITES).map(([name, association]) => [name, objectsOf(association, apart)]));
  return {
    control: control(),
    inPlace: suites(false),
    apart: suites(true),
    ways: Object.fromEntries(WAYS.map(([name, , make]) => [name, objectsOfWay(make())])),
  };
}

function control(): number {
  const kept: object[] = [];
  const work = () => {
    for (let i = 0; i < PACKETS; i++) kept[i] = { i, kept: undefined };
  };
  return Math.round(measure({ count: PACKETS, work }, BUDGET_MILLISECONDS).allocations);
}

/** Packets sealed and opened by an engine whose provider does nothing. */
function objectsOf(association: Association, apart: boolean): readonly [number, number] {
  let least: readonly [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { seal, open } = sealAndOpen(idleProvider, association, SIZE, BUDGET_MILLISECONDS, apart);
    least = [Math.min(least[0], Math.round(seal.allocations)), Math.min(least[1], Math.round(open.allocations))];
  }
  return least;
}

function objectsOfWay({ prepare, one }: Way): number {
  const work = () => {
    for (let i = 0; i < PACKETS; i++) one(i);
  };
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cost = measure({ count: PACKETS, work, ...(prepare === undefined ? {} : { prepare }) }, BUDGET_MILLISECONDS);
    least = Math.min(least, Math.round(cost.allocations));
  }
  return least;
}

const SIZE = 1400;
/** Enough to be optimised. */
const BUDGET_MILLISECONDS = 40;
const ATTEMPTS = 3;

process.stdout.write(`${JSON.stringify(count())}\n`);
