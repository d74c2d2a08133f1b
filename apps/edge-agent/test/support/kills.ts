/** What is killed next, and when. */
export interface Kill {
  readonly victim: 'agent' | 'packet path' | 'controller';
  readonly side: 'left' | 'right';
  /** Whether everything is back before it, or may be on its way. */
  readonly whenBack: boolean;
  /** From then on. */
  readonly milliseconds: number;
}

/** So many moments, the same ones with the same seed: each victim in turn, so that a few moments have each of them. */
export function killsFrom(seed: number, count: number): readonly Kill[] {
  const next = mulberry32(seed);
  const first = Math.floor(next() * VICTIMS.length);
  return Array.from({ length: count }, (_, index) => ({
    victim: VICTIMS[(first + index) % VICTIMS.length] ?? 'agent',
    side: next() < 0.5 ? 'left' : 'right',
    whenBack: next() < 0.7,
    milliseconds: Math.floor(next() * LONGEST_MILLISECONDS),
  }));
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const VICTIMS = ['agent', 'packet path', 'controller'] as const;
const LONGEST_MILLISECONDS = 1500;
