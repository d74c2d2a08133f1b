import { createHmac, timingSafeEqual } from 'node:crypto';
import { base32 } from './base32.js';

export type TotpHash = 'sha1' | 'sha256' | 'sha512';

/** The step of a time in milliseconds since 1970 (RFC 6238 section 4.2: T = (Current Unix time - T0) / X). */
export function totpStep(milliseconds: number): number {
  return Math.floor(milliseconds / STEP_MILLISECONDS);
}

/** The code of a step: HOTP (RFC 4226 section 5.3) of it. */
export function totpCode(secret: Uint8Array, step: number, digits = DIGITS, hash: TotpHash = 'sha1'): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac(hash, secret).update(counter).digest();
  const offset = digest.readUInt8(digest.length - 1) & 0x0f;
  const truncated = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, '0');
}

/**
 * The step whose code this is, of the present one and its neighbours, for clocks that differ; undefined when it is of none.
 * Looks at all of them whatever it finds, in constant time.
 */
export function totpStepOf(secret: Uint8Array, code: string, milliseconds: number): number | undefined {
  if (!TOTP_CODE.test(code)) return undefined;
  const now = totpStep(milliseconds);
  let found: number | undefined;
  for (let step = now - STEPS_AROUND; step <= now + STEPS_AROUND; step++) {
    if (timingSafeEqual(Buffer.from(code), Buffer.from(totpCode(secret, step)))) found = step;
  }
  return found;
}

/** What an authenticator is set up with: the key URI that all of them take. */
export function otpauthUri(secret: Uint8Array, account: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = `secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
  return `otpauth://totp/${label}?${parameters}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MILLISECONDS / 1000}`;
}

/** "We RECOMMEND a default time-step size of 30 seconds" (RFC 6238 section 5.2). */
const STEP_MILLISECONDS = 30_000;
/** "We RECOMMEND that at most one time step is allowed as the network delay" (section 5.2), and one for a clock that is ahead. */
const STEPS_AROUND = 1;
const DIGITS = 6;
export const TOTP_CODE = /^[0-9]{6}$/;
/** "The shared secret … RECOMMENDed a length of 160 bits" (RFC 4226 section 4). */
export const TOTP_SECRET_OCTETS = 20;
