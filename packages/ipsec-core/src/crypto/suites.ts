import type { AeadAlgorithm, CipherAlgorithm, MacAlgorithm } from './provider.js';

/** Combined-mode ESP transforms, by their IKEv2 names. `-iiv`: implicit IV (RFC 8750). */
export type CombinedName =
  | 'aes-gcm-8'
  | 'aes-gcm-12'
  | 'aes-gcm-16'
  | 'aes-ccm-8'
  | 'aes-ccm-12'
  | 'aes-ccm-16'
  | 'chacha20-poly1305'
  | 'aes-gmac'
  | 'aes-gcm-16-iiv'
  | 'aes-ccm-8-iiv'
  | 'chacha20-poly1305-iiv';
/** ESP encryption that must be accompanied by an integrity algorithm. */
export type SeparateName = 'aes-cbc' | 'aes-ctr' | 'null';
export type EncryptionName = CombinedName | SeparateName;
export type IntegrityName =
  | 'hmac-sha1-96'
  | 'hmac-sha2-256-128'
  | 'hmac-sha2-384-192'
  | 'hmac-sha2-512-256'
  | 'aes-xcbc-96'
  | 'aes-cmac-96';

export interface CombinedSuite {
  readonly kind: 'combined';
  readonly algorithm: AeadAlgorithm;
  readonly keyBits: readonly number[];
  /** Octets of keying material after the key that start every nonce. */
  readonly saltLength: number;
  readonly ivLength: number;
  readonly icvLength: number;
  readonly alignment: number;
  /** GMAC: everything is additional data and nothing is encrypted (RFC 4543). */
  readonly authenticateOnly: boolean;
}

export interface SeparateSuite {
  readonly kind: 'separate';
  readonly algorithm: CipherAlgorithm | undefined;
  readonly keyBits: readonly number[];
  readonly saltLength: number;
  readonly ivLength: number;
  readonly alignment: number;
}

export interface IntegritySuite {
  readonly algorithm: MacAlgorithm;
  readonly keyLength: number;
  readonly icvLength: number;
}

const AES_KEYS = [128, 192, 256] as const;
const combined = { kind: 'combined', authenticateOnly: false, alignment: 4 } as const;
const gcm = { ...combined, algorithm: 'aes-gcm', keyBits: AES_KEYS, saltLength: 4, ivLength: 8 } as const;
const ccm = { ...combined, algorithm: 'aes-ccm', keyBits: AES_KEYS, saltLength: 3, ivLength: 8 } as const;
const chacha = {
  ...combined,
  algorithm: 'chacha20-poly1305',
  keyBits: [256],
  saltLength: 4,
  ivLength: 8,
  icvLength: 16,
} as const;

export const ENCRYPTION: Readonly<Record<EncryptionName, CombinedSuite | SeparateSuite>> = {
  'aes-gcm-8': { ...gcm, icvLength: 8 },
  'aes-gcm-12': { ...gcm, icvLength: 12 },
  'aes-gcm-16': { ...gcm, icvLength: 16 },
  'aes-ccm-8': { ...ccm, icvLength: 8 },
  'aes-ccm-12': { ...ccm, icvLength: 12 },
  'aes-ccm-16': { ...ccm, icvLength: 16 },
  'chacha20-poly1305': chacha,
  'aes-gmac': { ...gcm, icvLength: 16, authenticateOnly: true },
  'aes-gcm-16-iiv': { ...gcm, icvLength: 16, ivLength: 0 },
  'aes-ccm-8-iiv': { ...ccm, icvLength: 8, ivLength: 0 },
  'chacha20-poly1305-iiv': { ...chacha, ivLength: 0 },
  'aes-cbc': { kind: 'separate', algorithm: 'aes-cbc', keyBits: AES_KEYS, saltLength: 0, ivLength: 16, alignment: 16 },
  // RFC 3686 section 5.1: a nonce of four octets follows the key in the keying material.
  'aes-ctr': { kind: 'separate', algorithm: 'aes-ctr', keyBits: AES_KEYS, saltLength: 4, ivLength: 8, alignment: 4 },
  null: { kind: 'separate', algorithm: undefined, keyBits: [0], saltLength: 0, ivLength: 0, alignment: 4 },
};

export const INTEGRITY: Readonly<Record<IntegrityName, IntegritySuite>> = {
  'hmac-sha1-96': { algorithm: 'hmac-sha1', keyLength: 20, icvLength: 12 },
  'hmac-sha2-256-128': { algorithm: 'hmac-sha2-256', keyLength: 32, icvLength: 16 },
  'hmac-sha2-384-192': { algorithm: 'hmac-sha2-384', keyLength: 48, icvLength: 24 },
  'hmac-sha2-512-256': { algorithm: 'hmac-sha2-512', keyLength: 64, icvLength: 32 },
  'aes-xcbc-96': { algorithm: 'aes-xcbc', keyLength: 16, icvLength: 12 },
  'aes-cmac-96': { algorithm: 'aes-cmac', keyLength: 16, icvLength: 12 },
};

/** Names of other people's configurations that are refused, and why. */
export const FORBIDDEN: Readonly<Record<string, string>> = {
  'des-iv64': 'DES must not be used (RFC 8221 section 5)',
  'des-iv32': 'DES must not be used (RFC 8221 section 5)',
  des: 'DES must not be used (RFC 8221 section 5)',
  '3des': '3DES should not be used (RFC 8221 section 5): 64-bit blocks collide within hours at line rate',
  blowfish: 'Blowfish must not be used (RFC 8221 section 5)',
  '3idea': '3IDEA must not be used (RFC 8221 section 5)',
  idea: 'IDEA is deprecated (RFC 9395)',
  rc5: 'RC5 is deprecated (RFC 9395)',
  cast: 'CAST is deprecated (RFC 9395)',
  'hmac-md5-96': 'HMAC-MD5 must not be used (RFC 8221 section 6)',
  'hmac-md5-128': 'HMAC-MD5 is deprecated (RFC 9395)',
  'hmac-sha1-160': 'HMAC-SHA1-160 is deprecated (RFC 9395)',
  'kpdk-md5': 'KPDK-MD5 must not be used (RFC 8221 section 6)',
  'des-mac': 'DES-MAC must not be used (RFC 8221 section 6)',
};
