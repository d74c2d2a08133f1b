import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../../config/controller-config.js';
import { readSecretFile, writeSecretFile } from '../../pki/key-files.js';
import { PkiError } from '../../pki/pki-error.js';
import { DomainError } from '../http/domain-error.js';

/**
 * Seals what the database has to keep and must not know (AES-256-GCM, NIST SP 800-38D). The key is in WEFT_DATA_DIR/secrets.key:
 * a copy of the database without it tells nothing. All controllers of one database need the same.
 */
@Injectable()
export class SecretBox {
  readonly #path: string;
  #key: Buffer | undefined;

  constructor(config: ControllerConfig) {
    this.#path = join(config.dataDirectory, 'secrets.key');
  }

  /** Reads the key, or makes it. Throws PkiError 'bad_file'. */
  async start(): Promise<void> {
    this.#key = await this.#load();
  }

  /** `owner`: what the secret belongs to; sealed for one owner it opens for no other. */
  seal(owner: string, secret: Uint8Array): Buffer {
    const key = this.#require();
    // 2^32 of them under one key is where random nonces end (section 8.3).
    const nonce = randomBytes(NONCE_OCTETS);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([keyName(key), nonce, sealed, cipher.getAuthTag()]);
  }

  /** Throws DomainError 'secret_unreadable' for what another key has sealed, or what is not what was sealed. */
  open(owner: string, sealed: Uint8Array): Buffer {
    const key = this.#require();
    const octets = Buffer.from(sealed);
    const name = octets.subarray(0, KEY_NAME_OCTETS);
    if (octets.length < OVERHEAD_OCTETS || !name.equals(keyName(key))) throw this.#unreadable();
    const nonce = octets.subarray(KEY_NAME_OCTETS, KEY_NAME_OCTETS + NONCE_OCTETS);
    const tag = octets.subarray(-TAG_OCTETS);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner)).setAuthTag(tag);
      const secret = decipher.update(octets.subarray(KEY_NAME_OCTETS + NONCE_OCTETS, -TAG_OCTETS));
      return Buffer.concat([secret, decipher.final()]);
    } catch {
      throw this.#unreadable();
    }
  }

  /**
   * Signs what somebody else keeps and brings back (HMAC-SHA256), as often as anybody asks: it takes none of the nonces that `seal` has.
   * Signed for one purpose it is good for no other.
   */
  sign(purpose: string, content: string): Buffer {
    const key = Buffer.from(hkdfSync('sha256', this.#require(), '', `weft secret box ${purpose}`, KEY_OCTETS));
    return createHmac('sha256', key).update(content).digest();
  }

  isSigned(purpose: string, content: string, signature: Uint8Array): boolean {
    const expected = this.sign(purpose, content);
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  #unreadable(): DomainError {
    const detail = `A secret in the database was not sealed with ${this.#path}. Put back the file that belongs to this database.`;
    return new DomainError('unavailable', 'secret_unreadable', detail);
  }

  #require(): Buffer {
    if (this.#key === undefined) throw new PkiError('not_started', 'secrets are sealed before start()');
    return this.#key;
  }

  async #load(): Promise<Buffer> {
    const text = await readSecretFile(this.#path);
    if (text === undefined) {
      const key = randomBytes(KEY_OCTETS);
      return (await writeSecretFile(this.#path, `${key.toString('hex')}\n`, 'create')) ? key : this.#load();
    }
    if (!/^[0-9a-f]{64}\n?$/.test(text)) {
      throw new PkiError('bad_file', `${this.#path} is no key of 32 octets in hex; restore the file from a backup`);
    }
    return Buffer.from(text.trim(), 'hex');
  }
}

/** Tells keys apart, and nothing about them. */
function keyName(key: Buffer): Buffer {
  return createHash('sha256').update('weft secret box key').update(key).digest().subarray(0, KEY_NAME_OCTETS);
}

const KEY_OCTETS = 32;
const KEY_NAME_OCTETS = 4;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const OVERHEAD_OCTETS = KEY_NAME_OCTETS + NONCE_OCTETS + TAG_OCTETS;
