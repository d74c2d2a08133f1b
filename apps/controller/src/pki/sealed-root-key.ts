import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  randomBytes,
  type ScryptOptions,
  scrypt,
  X509Certificate,
} from 'node:crypto';
import { z } from 'zod';
import type { KeyAndCertificate } from './identity-file.js';
import { PkiError } from './pki-error.js';

/**
 * The key of a root, sealed with AES-256-GCM under a key that scrypt (RFC 7914) makes of a passphrase, behind its certificate: a
 * file to be kept where no controller is.
 */
export async function sealRootKey({ privateKey, certificate }: KeyAndCertificate, passphrase: string): Promise<string> {
  requirePassphrase(passphrase);
  const parameters = { ...COST, salt: randomBytes(SALT_OCTETS), nonce: randomBytes(NONCE_OCTETS) };
  const key = await derive(passphrase, parameters);
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const cipher = createCipheriv('aes-256-gcm', key, parameters.nonce).setAAD(context(certificate));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  plain.fill(0);
  const { N, r, p, salt, nonce } = parameters;
  const fields = { kdf: 'scrypt', N, r, p, ...base64({ salt, nonce, sealed }) };
  const lines =
    Buffer.from(JSON.stringify(fields))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `${certificate}${BEGIN}\n${lines.join('\n')}\n${END}\n`;
}

/** Throws PkiError 'bad_file' when it is no such file, 'wrong_passphrase' when the passphrase is another or the file was changed. */
export async function unsealRootKey(path: string, text: string, passphrase: string): Promise<KeyAndCertificate> {
  const { certificate, parameters, sealed } = parse(path, text);
  const key = await derive(passphrase, parameters);
  const plain = open(path, key, parameters.nonce, certificate, sealed);
  key.fill(0);
  const privateKey = keyIn(path, plain);
  plain.fill(0);
  if (certificate.checkPrivateKey(privateKey)) return { privateKey, certificate };
  throw new PkiError('bad_file', `${path}: the certificate is not for the key`);
}

interface Parameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly nonce: Buffer;
}

function parse(path: string, text: string): { certificate: X509Certificate; parameters: Parameters; sealed: Buffer } {
  try {
    const body = BLOCK.exec(text)?.[1] ?? '';
    const { N, r, p, salt, nonce, sealed } = Fields.parse(JSON.parse(Buffer.from(body, 'base64').toString('utf8')));
    const octets = (field: string) => Buffer.from(field, 'base64');
    const certificate = new X509Certificate(text);
    return { certificate, parameters: { N, r, p, salt: octets(salt), nonce: octets(nonce) }, sealed: octets(sealed) };
  } catch (cause) {
    throw new PkiError('bad_file', `${path} is no sealed key of a root certificate`, cause);
  }
}

function open(path: string, key: Buffer, nonce: Buffer, certificate: X509Certificate, sealed: Buffer): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_OCTETS });
    decipher.setAAD(context(certificate)).setAuthTag(sealed.subarray(-TAG_OCTETS));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_OCTETS)), decipher.final()]);
  } catch (cause) {
    throw new PkiError('wrong_passphrase', `${path} was sealed with another passphrase, or was changed`, cause);
  }
}

function keyIn(path: string, key: Buffer): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new PkiError('bad_file', `${path} holds no private key`, cause);
  }
}

function derive(passphrase: string, { N, r, p, salt }: Parameters): Promise<Buffer> {
  // RFC 7914 section 2: 128 * N * r octets, and a little more.
  const options: ScryptOptions = { N, r, p, maxmem: 128 * N * r + 128 * r * p + MEMORY_MARGIN_OCTETS };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, KEY_OCTETS, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function requirePassphrase(passphrase: string): void {
  if (passphrase.length >= PASSPHRASE_MINIMUM_CHARACTERS) return;
  throw new PkiError(
    'wrong_passphrase',
    `the passphrase has ${passphrase.length} characters; at least ${PASSPHRASE_MINIMUM_CHARACTERS} are needed: whoever finds the file may try as long as they like`,
  );
}

/** The certificate is bound to the key: under another one it does not open. */
function context({ raw }: X509Certificate): Buffer {
  return Buffer.concat([Buffer.from('weft sealed root key v1\0', 'ascii'), raw]);
}

function base64<K extends string>(fields: Readonly<Record<K, Buffer>>): Record<string, string> {
  return Object.fromEntries(Object.entries<Buffer>(fields).map(([name, octets]) => [name, octets.toString('base64')]));
}

/** 128 MiB, and about half a second. */
const COST = { N: 1 << 17, r: 8, p: 1 };
const PASSPHRASE_MINIMUM_CHARACTERS = 16;
const SALT_OCTETS = 16;
const NONCE_OCTETS = 12;
const KEY_OCTETS = 32;
const TAG_OCTETS = 16;
const MEMORY_MARGIN_OCTETS = 1 << 20;
/** Of another cost than we ever wrote there is none: a file must not make us take all memory. */
const Fields = z.strictObject({
  kdf: z.literal('scrypt'),
  N: z.literal(COST.N),
  r: z.literal(COST.r),
  p: z.literal(COST.p),
  salt: z.base64().length(24),
  nonce: z.base64().length(16),
  sealed: z.base64().min(64).max(1024),
});
const BEGIN = '-----BEGIN WEFT SEALED ROOT KEY-----';
const END = '-----END WEFT SEALED ROOT KEY-----';
const BLOCK = new RegExp(`${BEGIN}\\n([A-Za-z0-9+/=\\n]{1,4096})${END}`);
