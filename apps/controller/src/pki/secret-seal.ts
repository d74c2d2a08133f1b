import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../config/controller-config.js';
import { readSecretFile, writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

/**
 * Seals what must be stored and not be read by whoever has the database (AES-256-GCM, NIST SP 800-38D). The key is in
 * WEFT_DATA_DIR/pki; all controllers of one database need the same.
 */
@Injectable()
export class SecretSeal {
  readonly #path: string;
  #key: Buffer | undefined;

  constructor(config: ControllerConfig) {
    this.#path = join(config.dataDirectory, 'pki', 'stored-secrets.key');
  }

  /** Makes or reads the key. Throws PkiError 'bad_file'. */
  async start(): Promise<void> {
    this.#key = await this.#load();
  }

  /** @param place what it is and whose: it opens there only */
  seal(place: string, plain: Uint8Array): Buffer {
    // 2^32 of them under one key is where random nonces end (section 8.3); a fabric has thousands.
    const nonce = randomBytes(NONCE_OCTETS);
    const cipher = createCipheriv(ALGORITHM, this.#require(), nonce).setAAD(Buffer.from(place));
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws PkiError 'sealed_otherwise'. */
  open(place: string, sealed: Uint8Array): Buffer {
    try {
      const tagAt = sealed.length - TAG_OCTETS;
      const decipher = createDecipheriv(ALGORITHM, this.#require(), sealed.subarray(0, NONCE_OCTETS));
      decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(tagAt));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_OCTETS, tagAt)), decipher.final()]);
    } catch (cause) {
      throw new PkiError(
        'sealed_otherwise',
        `a stored secret (${place}) was not sealed with the key in ${this.#path}; restore that file from a backup, or set the secret anew`,
        cause,
      );
    }
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

  #require(): Buffer {
    if (this.#key === undefined) throw new PkiError('not_started', 'secrets are sealed before start()');
    return this.#key;
  }
}

const ALGORITHM = 'aes-256-gcm';
const KEY_OCTETS = 32;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
