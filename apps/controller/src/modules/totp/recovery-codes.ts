import { createHash, randomBytes } from 'node:crypto';
import { base32 } from './base32.js';

/** As a person writes them down: four groups of four letters and digits, 80 random bits. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () =>
    base32(randomBytes(CODE_OCTETS))
      .toLowerCase()
      .replaceAll(/.{4}(?!$)/g, '$&-'),
  );
}

/** SHA-256 of a code, however it is grouped and in whatever case; undefined for what is none. No salt: nobody tries 80 bits. */
export function hashRecoveryCode(text: string): Buffer | undefined {
  const plain = text.replaceAll(/[\s-]/g, '').toLowerCase();
  return /^[a-z2-7]{16}$/.test(plain) ? createHash('sha256').update(plain).digest() : undefined;
}

const RECOVERY_CODES = 10;
const CODE_OCTETS = 10;
