import { fraction } from './seeded.js';

/** When the controller is killed next. */
export interface ControllerKill {
  /** `starting`: it is killed before, and again while it comes up. `returning`: edges come back to it, and may be given new keys. */
  readonly during: 'running' | 'starting' | 'returning' | 'publishing';
  /** From the beginning of that. */
  readonly milliseconds: number;
}

/** So many moments, the same ones with the same seed: each kind in turn, so that a few moments have each of them. */
export function controllerKillsFrom(seed: number, count: number): readonly ControllerKill[] {
  const next = fraction(seed);
  const first = Math.floor(next() * KINDS.length);
  return Array.from({ length: count }, (_, index) => {
    const { during, longest } = KINDS[(first + index) % KINDS.length] ?? KINDS[0];
    return { during, milliseconds: Math.floor(next() * longest) };
  });
}

/** As long as each takes on a machine with nothing else to do. */
const KINDS = [
  { during: 'running', longest: 1000 },
  { during: 'starting', longest: 2500 },
  { during: 'returning', longest: 1500 },
  { during: 'publishing', longest: 400 },
] as const;
