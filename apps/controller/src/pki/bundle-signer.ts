import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { TrustBundle } from '@weft/contracts/southbound';
import { ControllerConfig } from '../config/controller-config.js';
import { readSecretFile, writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';
import { formatSuccessions, parseSuccessions, type SigningKeySuccession, succeed } from './signing-key-succession.js';
import { type TrustBundleContent, trustBundleOctets } from './trust-bundle.js';

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
  #key: SigningKey | undefined;

  constructor(config: ControllerConfig) {
    this.#path = join(config.dataDirectory, 'pki', 'bundle-signing.pem');
  }

  /** Makes or reads the key. Throws PkiError 'bad_file'. */
  async start(): Promise<void> {
    this.#key = await this.#load();
  }

  /**
   * Makes another key, which the present one signs. Edges that have pinned any of those before come to it with their next
   * session. Other controllers need the file, and all must be started anew: edges that have the new key believe no other.
   */
  async rotate(): Promise<void> {
    const { privateKey, keyId, successions } = this.#require();
    if (successions.length >= SUCCESSIONS_MAXIMUM) {
      throw new PkiError('bad_file', `${this.#path} holds ${SUCCESSIONS_MAXIMUM} successions; edges follow no more`);
    }
    const next = await promisify(generateKeyPair)('ed25519');
    const publicKey = next.publicKey.export({ type: 'spki', format: 'der' });
    const key = signingKey(next.privateKey, [...successions, succeed(keyId, privateKey, publicKey)]);
    await writeSecretFile(this.#path, format(key), 'replace');
    this.#key = key;
  }

  /** How the key came to be the present one, oldest first. */
  get successions(): readonly SigningKeySuccession[] {
    return this.#require().successions;
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

  /** A trust bundle as it goes to edges. */
  signTrustBundle({ version, anchors }: TrustBundleContent): TrustBundle {
    const { keyId, signature } = this.sign(trustBundleOctets({ version, anchors }));
    return { version: BigInt(version), anchors: anchors.map((anchor) => Buffer.from(anchor)), keyId, signature };
  }

  async #load(): Promise<SigningKey> {
    const text = await readSecretFile(this.#path);
    if (text !== undefined) return this.#parse(text);
    const { privateKey } = await promisify(generateKeyPair)('ed25519');
    const key = signingKey(privateKey, []);
    return (await writeSecretFile(this.#path, format(key), 'create')) ? key : this.#load();
  }

  #parse(text: string): SigningKey {
    try {
      const privateKey = createPrivateKey(text);
      if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`it is of type ${privateKey.asymmetricKeyType}`);
      const key = signingKey(privateKey, parseSuccessions(text));
      if ((key.successions.at(-1)?.next.keyId ?? key.keyId) !== key.keyId)
        throw new Error('it is not the last successor');
      return key;
    } catch (cause) {
      throw new PkiError('bad_file', `${this.#path} is no Ed25519 key; restore the file from a backup`, cause);
    }
  }

  #require(): SigningKey {
    if (this.#key === undefined) throw new PkiError('not_started', 'the bundle signer is used before start()');
    return this.#key;
  }
}

interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Buffer;
  readonly keyId: string;
  readonly successions: readonly SigningKeySuccession[];
}

function signingKey(privateKey: KeyObject, successions: readonly SigningKeySuccession[]): SigningKey {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { privateKey, publicKey, keyId: createHash('sha256').update(publicKey).digest('hex'), successions };
}

function format({ privateKey, successions }: SigningKey): string {
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${formatSuccessions(successions)}`;
}

/** As many as edges follow. */
const SUCCESSIONS_MAXIMUM = 64;
