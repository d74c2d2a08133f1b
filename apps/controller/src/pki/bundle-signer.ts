import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../config/controller-config.js';
import { readSecretFile, writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

export interface BundleSignature {
  /** SHA-256 of the public key's SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** Ed25519 (RFC 8032), 64 octets. */
  readonly signature: Buffer;
}

/** Signs what edges are told to run. The key is in WEFT_DATA_DIR/pki; edges have pinned its public half. */
@Injectable()
export class BundleSigner {
  readonly #path: string;
  #key: { readonly privateKey: KeyObject; readonly publicKey: Buffer; readonly keyId: string } | undefined;

  constructor(config: ControllerConfig) {
    this.#path = join(config.dataDirectory, 'pki', 'bundle-signing.pem');
  }

  /** Makes or reads the key. Throws PkiError 'bad_file'. */
  async start(): Promise<void> {
    const privateKey = await this.#load();
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    this.#key = { privateKey, publicKey, keyId: createHash('sha256').update(publicKey).digest('hex') };
  }

  get keyId(): string {
    return this.#require().keyId;
  }

  /** SubjectPublicKeyInfo, DER (RFC 8410). */
  get publicKey(): Buffer {
    return this.#require().publicKey;
  }

  /** Signs the octets themselves (Ed25519 hashes them). */
  sign(octets: Uint8Array): BundleSignature {
    const { privateKey, keyId } = this.#require();
    return { keyId, signature: sign(null, octets, privateKey) };
  }

  async #load(): Promise<KeyObject> {
    const text = await readSecretFile(this.#path);
    if (text !== undefined) return this.#parse(text);
    const { privateKey } = await promisify(generateKeyPair)('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return (await writeSecretFile(this.#path, pem, 'create')) ? privateKey : this.#load();
  }

  #parse(text: string): KeyObject {
    try {
      const key = createPrivateKey(text);
      if (key.asymmetricKeyType === 'ed25519') return key;
      throw new Error(`it is of type ${key.asymmetricKeyType}`);
    } catch (cause) {
      throw new PkiError('bad_file', `${this.#path} is no Ed25519 key; restore the file from a backup`, cause);
    }
  }

  #require(): { readonly privateKey: KeyObject; readonly publicKey: Buffer; readonly keyId: string } {
    if (this.#key === undefined) throw new PkiError('not_started', 'the bundle signer is used before start()');
    return this.#key;
  }
}
