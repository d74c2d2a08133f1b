import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readSecretFile } from '../pki/key-files.js';
import { BackupError } from './backup-error.js';

/** What a key file is good for. From one key come two, each for one purpose (HKDF-SHA-256, RFC 5869). */
export interface BackupKey {
  /** AES-256-GCM, for the keys of the fabric. */
  readonly sealing: Buffer;
  /** HMAC-SHA-256, over the whole backup. */
  readonly authentication: Buffer;
}

/** Reads 64 hexadecimal digits. Throws BackupError 'key', PkiError 'bad_file' when others may read the file. */
export async function readBackupKey(path: string): Promise<BackupKey> {
  const text = (await readSecretFile(path))?.trim();
  if (text === undefined) throw new BackupError('key', `${path} does not exist; make one: ${HOW_TO_MAKE_ONE} ${path}`);
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new BackupError('key', `${path} does not hold 64 hexadecimal digits; make one: ${HOW_TO_MAKE_ONE} ${path}`);
  }
  const key = Buffer.from(text, 'hex');
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), purpose, KEY_OCTETS));
  const both = { sealing: derived('weft backup sealing v1'), authentication: derived('weft backup authentication v1') };
  key.fill(0);
  return both;
}

/** Nonce, ciphertext and tag. */
export function seal({ sealing }: BackupKey, octets: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_OCTETS);
  const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(CONTEXT);
  return Buffer.concat([nonce, cipher.update(octets), cipher.final(), cipher.getAuthTag()]);
}

/** Throws BackupError 'key' when they were sealed with another key, or changed. */
export function unseal({ sealing }: BackupKey, sealed: Buffer): Buffer {
  try {
    const nonce = sealed.subarray(0, NONCE_OCTETS);
    const decipher = createDecipheriv('aes-256-gcm', sealing, nonce, { authTagLength: TAG_OCTETS }).setAAD(CONTEXT);
    decipher.setAuthTag(sealed.subarray(-TAG_OCTETS));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_OCTETS, -TAG_OCTETS)), decipher.final()]);
  } catch (cause) {
    throw new BackupError('key', 'the keys in the backup were sealed with another key, or were changed', cause);
  }
}

const CONTEXT = Buffer.from('weft backup: keys of the fabric', 'ascii');
const HOW_TO_MAKE_ONE = 'umask 077; openssl rand -hex 32 >';
const KEY_OCTETS = 32;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
