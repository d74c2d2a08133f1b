/** A reproducible generator (mulberry32). Never for keys outside tests. */
export interface SeededRandom {
  fill(out: Uint8Array): void;
  /** In [0, 1). */
  next(): number;
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
  return {
    next,
    fill(out) {
      for (let i = 0; i < out.length; i++) out[i] = Math.floor(next() * 256);
    },
  };
}
