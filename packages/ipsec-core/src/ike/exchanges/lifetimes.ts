import type { IkeHost } from '../host.js';

/** A lifetime less up to a tenth of it, so that both ends seldom rekey at once (RFC 7296 section 2.8). */
export function jittered(host: IkeHost, lifetime: number): number {
  return lifetime - fraction(host) * (lifetime / 10);
}

/** A pause of once to twice `least`, so that two ends that refused each other do not stay in step. */
export function pause(host: IkeHost, least: number): number {
  return least + fraction(host) * least;
}

/** Somewhere between the two. */
export function within(host: IkeHost, from: number, to: number): number {
  return from + fraction(host) * (to - from);
}

function fraction({ random }: IkeHost): number {
  const draw = new Uint8Array(2);
  random(draw);
  return (((draw[0] ?? 0) << 8) | (draw[1] ?? 0)) / 0x10000;
}
