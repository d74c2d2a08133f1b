/** From when to when a certificate is valid. */
export interface CertificateLife {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * When a certificate is renewed: when two thirds of its life are over, and up to a twelfth of it later, so that edges that
 * were enrolled together do not come together.
 * @param draw in [0, 1), one for each certificate
 * @returns milliseconds since 1970
 */
export function renewalTime(life: CertificateLife, draw: number): number {
  return life.notBefore.getTime() + lengthOf(life) * (2 / 3 + draw / 12);
}

/**
 * Milliseconds until the next attempt after so many failed in a row: doubling from ten seconds, half of it drawn at random, up
 * to one hour or a fortieth of the certificate's life, so that even a short one is tried ten times before it ends.
 * @param draw in [0, 1)
 */
export function renewalPause(life: CertificateLife, failures: number, draw: number): number {
  const longest = Math.max(SHORTEST_PAUSE, Math.min(LONGEST_PAUSE, lengthOf(life) / 40));
  const pause = Math.min(longest, SHORTEST_PAUSE * 2 ** Math.min(failures - 1, MAX_EXPONENT));
  return pause / 2 + (pause / 2) * draw;
}

/**
 * Milliseconds from when an edge learns that another root issues to when it renews its certificate for that: up to ten minutes or
 * a twelfth of its life, so that not all edges come at once.
 * @param draw in [0, 1)
 */
export function authorityChangePause(life: CertificateLife, draw: number): number {
  return Math.min(LONGEST_AUTHORITY_CHANGE, lengthOf(life) / 12) * draw;
}

/** How a certificate stands. */
export type CertificateCondition = 'not_yet_valid' | 'valid' | 'renewal_due' | 'expired';

/** @param due see renewalTime(). @param now milliseconds since 1970 */
export function conditionAt({ notBefore, notAfter }: CertificateLife, due: number, now: number): CertificateCondition {
  if (now >= notAfter.getTime()) return 'expired';
  if (now < notBefore.getTime()) return 'not_yet_valid';
  return now < due ? 'valid' : 'renewal_due';
}

function lengthOf({ notBefore, notAfter }: CertificateLife): number {
  return notAfter.getTime() - notBefore.getTime();
}

export const SHORTEST_PAUSE = 10_000;
export const LONGEST_PAUSE = 3_600_000;
export const LONGEST_AUTHORITY_CHANGE = 600_000;
const MAX_EXPONENT = 20;
