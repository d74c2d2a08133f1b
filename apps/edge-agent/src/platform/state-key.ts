import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Secret } from '@weft/ipsec-core';
import { AgentError, messageOf, systemCodeOf } from './agent-error.js';
import { KERNEL_FILES, replaceFile } from './durable-files.js';

/** What can be wrong with the key of the state directory, or with what it has sealed. */
export type StateKeyErrorCode = 'state_key_unsafe' | 'state_key_unusable' | 'seal_broken';

/** The key, or something that was sealed with it, cannot be used. */
export class StateKeyError extends AgentError<StateKeyErrorCode> {
  override readonly name = 'StateKeyError';
}

/**
 * Seals what the agent keeps of its fabric (AES-256-GCM): a copy of the state directory alone, on a backup or a disk that was
 * thrown away, tells nothing of it, and nothing in it can be changed or exchanged unnoticed. The key is in a file elsewhere.
 */
export class StateKey {
  readonly #key: Secret;

  constructor(key: Secret) {
    this.#key = key;
  }

  /** Reads the key, 32 octets; makes one where there is none. Throws StateKeyError. */
  static async open(file: string): Promise<StateKey> {
    const absolute = path.resolve(file);
    try {
      const found = await readKey(absolute);
      if (found !== undefined) return new StateKey(new Secret(found));
      await mkdir(path.dirname(absolute), { recursive: true });
      const made = randomBytes(KEY_OCTETS);
      await replaceFile(KERNEL_FILES, absolute, made);
      return new StateKey(new Secret(made));
    } catch (error) {
      if (error instanceof StateKeyError) throw error;
      throw new StateKeyError(
        'state_key_unusable',
        `${absolute}: ${messageOf(error)}`,
        'give the directory to the user who runs the agent, or choose another --state-key',
      );
    }
  }

  /** `name` is what it is opened by: a file that was renamed is not what it was. */
  seal(name: string, octets: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_OCTETS);
    return this.#key.reveal((key) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(boundTo(name));
      return Buffer.concat([MAGIC, nonce, cipher.update(octets), cipher.final(), cipher.getAuthTag()]);
    });
  }

  /** What was sealed under this name. Throws StateKeyError `seal_broken`. */
  unseal(name: string, sealed: Uint8Array): Uint8Array {
    const body = MAGIC.length + NONCE_OCTETS;
    const end = sealed.length - TAG_OCTETS;
    if (end < body || Buffer.compare(sealed.subarray(0, MAGIC.length), MAGIC) !== 0) {
      throw broken(`${name} is not a sealed file, or only a part of one`);
    }
    return this.#key.reveal((key) => {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(MAGIC.length, body), {
        authTagLength: TAG_OCTETS,
      });
      decipher.setAAD(boundTo(name));
      decipher.setAuthTag(sealed.subarray(end));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(body, end)), decipher.final()]);
      } catch {
        throw broken(`${name} was sealed with another key, or changed since`);
      }
    });
  }
}

/** Where the key is when nothing else is said: beside the state directory, not in it. */
export function defaultStateKeyFile(stateDirectory: string): string {
  return `${path.resolve(stateDirectory)}.key`;
}

async function readKey(file: string): Promise<Buffer | undefined> {
  try {
    const found = await lstat(file);
    const others = found.mode & 0o077;
    if (!found.isFile() || found.uid !== process.getuid?.() || others !== 0) {
      throw new StateKeyError(
        'state_key_unsafe',
        `${file} is not a file that user ${process.getuid?.()} alone may read`,
        `chown it to the user who runs the agent, and chmod 0600 ${file}`,
      );
    }
    const key = await readFile(file);
    if (key.length === KEY_OCTETS) return key;
    throw new StateKeyError(
      'state_key_unusable',
      `${file} has ${key.length} octets, not ${KEY_OCTETS}`,
      'restore it from a backup, or remove it: the agent then makes another, and waits for a bundle from the controller',
    );
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function boundTo(name: string): Buffer {
  return Buffer.concat([MAGIC, Buffer.from(name)]);
}

function broken(detail: string): StateKeyError {
  return new StateKeyError('seal_broken', detail, 'none: the agent takes a new one from the controller');
}

/** Form 1 of a sealed file: this, a nonce, the ciphertext, and its tag. */
const MAGIC = Buffer.from('weft-seal\x01', 'latin1');
const KEY_OCTETS = 32;
/** Random: 2^32 files may be sealed with one key (NIST SP 800-38D section 8.3). */
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
