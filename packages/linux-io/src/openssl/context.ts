import { allocate, type Memory } from '../ffi/memory.js';
import { AeadCallsPool } from './aead-calls.js';
import { type AeadRunCalls, createAeadRunCalls } from './aead-runs.js';
import { EVP_DIRECTION, type Evp } from './evp.js';
import { OpenSslError } from './openssl-error.js';
import { Staging } from './staging.js';

/** What all keyed objects of a thread share. Calls are synchronous, so one of each is enough. */
export interface Shared {
  readonly evp: Evp;
  /** Nonces, IVs, subkeys and out-lengths: see SCRATCH. */
  readonly scratch: Memory;
  readonly input: Staging;
  readonly output: Staging;
  readonly aad: Staging;
  readonly aeadCalls: AeadCallsPool;
  /** One for each direction, as traffic goes both ways at once. */
  readonly sealRuns: AeadRunCalls | undefined;
  readonly openRuns: AeadRunCalls | undefined;
}

/** Where in the scratch memory what is. */
export const SCRATCH = { iv: 0, outLength: 16, block: 32, digest: 64, key: 128, size: 512 } as const;

/** `listCalls`: make all calls for a packet at once where the machine lets us. */
export function createShared(evp: Evp, listCalls: boolean): Shared {
  const input = new Staging(STAGING_OCTETS);
  return {
    evp,
    scratch: allocate(SCRATCH.size),
    input,
    output: new Staging(STAGING_OCTETS),
    aad: new Staging(STAGING_OCTETS),
    aeadCalls: new AeadCallsPool(listCalls),
    sealRuns: createAeadRunCalls(listCalls, true, evp, input),
    openRuns: createAeadRunCalls(listCalls, false, evp, input),
  };
}

/** Throws OpenSslError unless OpenSSL answered 1. */
export function expectSuccess(result: number, call: keyof Evp): void {
  if (result !== 1) throw new OpenSslError(call);
}

/** Puts a few octets, at most 32, where OpenSSL can read them. @returns their address. */
export function writeBlock({ bytes, address }: Memory, octets: Uint8Array): number {
  for (let i = 0; i < octets.length; i++) bytes[SCRATCH.block + i] = octets[i] ?? 0;
  return address + SCRATCH.block;
}

/** Throws OpenSslError unless the control command succeeded. */
export function control(evp: Evp, handle: number, command: number, number: number, pointer: number): void {
  expectSuccess(evp.EVP_CIPHER_CTX_ctrl(handle, command, number, pointer), 'EVP_CIPHER_CTX_ctrl');
}

/** Lends the key to `use` as an address, and wipes it behind. */
export function withKey(shared: Shared, key: Uint8Array, use: (address: number) => void): void {
  const { scratch } = shared;
  const room = SCRATCH.size - SCRATCH.key;
  if (key.length > room) throw new RangeError(`a key has at most ${room} octets, not ${key.length}`);
  try {
    scratch.bytes.set(key, SCRATCH.key);
    use(scratch.address + SCRATCH.key);
  } finally {
    scratch.bytes.fill(0, SCRATCH.key, SCRATCH.key + key.length);
  }
}

/** An `EVP_CIPHER_CTX` with its key in it. Freed by `destroy`, which makes OpenSSL cleanse the key. */
export class CipherContext {
  readonly #evp: Evp;
  #handle: number;

  /** `cipher` is an `EVP_CIPHER *`. `prepare` runs between choosing the cipher and setting the key. */
  constructor(
    shared: Shared,
    cipher: number,
    key: Uint8Array,
    encrypt: boolean,
    prepare: (handle: number) => void = () => undefined,
  ) {
    const { evp } = shared;
    this.#evp = evp;
    this.#handle = evp.EVP_CIPHER_CTX_new();
    if (this.#handle === 0) throw new OpenSslError('EVP_CIPHER_CTX_new');
    try {
      const direction = encrypt ? EVP_DIRECTION.encrypt : EVP_DIRECTION.decrypt;
      expectSuccess(evp.EVP_CipherInit_ex(this.#handle, cipher, 0, 0, 0, direction), 'EVP_CipherInit_ex');
      prepare(this.#handle);
      withKey(shared, key, (address) => {
        expectSuccess(evp.EVP_CipherInit_ex(this.#handle, 0, 0, address, 0, direction), 'EVP_CipherInit_ex');
      });
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** Throws ReferenceError after `destroy`: OpenSSL would crash the process. */
  get handle(): number {
    if (this.#handle === 0) throw new ReferenceError('the key was destroyed');
    return this.#handle;
  }

  get destroyed(): boolean {
    return this.#handle === 0;
  }

  destroy(): void {
    if (this.#handle !== 0) this.#evp.EVP_CIPHER_CTX_free(this.#handle);
    this.#handle = 0;
  }
}

/** A packet of the largest size, with what a transform puts around it. */
const STAGING_OCTETS = 65_536 + 512;
