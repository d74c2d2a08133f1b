import type { CipherAlgorithm, KeyedCipher } from '@weft/ipsec-core';
import { CipherContext, expectSuccess, SCRATCH, type Shared } from './context.js';
import { EVP_DIRECTION, type Evp } from './evp.js';
import { OpenSslError } from './openssl-error.js';

/** CBC or CTR in a context that is made once and given a new IV per packet. Nothing is padded. */
export class OpenSslCipher implements KeyedCipher {
  readonly #shared: Shared;
  readonly #context: CipherContext;

  constructor(shared: Shared, algorithm: CipherAlgorithm, key: Uint8Array, encrypt: boolean) {
    const { evp } = shared;
    this.#shared = shared;
    this.#context = new CipherContext(shared, blockCipherOf(evp, algorithm, key.length), key, encrypt, (handle) => {
      expectSuccess(evp.EVP_CIPHER_CTX_set_padding(handle, 0), 'EVP_CIPHER_CTX_set_padding');
    });
  }

  apply(iv: Uint8Array, buffer: Uint8Array, offset: number, length: number, out: Uint8Array, outOffset: number): void {
    const { input } = this.#shared;
    const from = input.locate(buffer, offset, length);
    const to = input.locate(out, outOffset, length);
    const overlaps = buffer === out && offset !== outOffset && Math.abs(offset - outOffset) < length;
    if (from !== 0 && to !== 0 && !overlaps) {
      this.#applyAt(iv, from + offset, length, to + outOffset);
      return;
    }
    const staged = input.copyIn(buffer, offset, length);
    this.#applyAt(iv, staged, length, staged);
    input.copyOut(out, outOffset, length);
  }

  destroy(): void {
    this.#context.destroy();
  }

  #applyAt(iv: Uint8Array, from: number, length: number, to: number): void {
    const { evp, scratch } = this.#shared;
    const { handle } = this.#context;
    for (let i = 0; i < IV_LENGTH; i++) scratch.bytes[SCRATCH.iv + i] = iv[i] ?? 0;
    const address = scratch.address + SCRATCH.iv;
    expectSuccess(evp.EVP_CipherInit_ex(handle, 0, 0, 0, address, EVP_DIRECTION.unchanged), 'EVP_CipherInit_ex');
    if (length === 0) return;
    const outLength = scratch.address + SCRATCH.outLength;
    expectSuccess(evp.EVP_CipherUpdate(handle, to, outLength, from, length), 'EVP_CipherUpdate');
  }
}

/** An `EVP_CIPHER *` for an AES mode. Throws RangeError for a key of another length than AES has. */
export function blockCipherOf(evp: Evp, algorithm: CipherAlgorithm, keyLength: number): number {
  const name = NAMES[algorithm][keyLength];
  if (name === undefined) throw new RangeError(`${algorithm} takes no key of ${keyLength} octets`);
  const cipher = evp[name]();
  if (cipher === 0) throw new OpenSslError(name);
  return cipher;
}

type CipherName = Extract<keyof Evp, `EVP_aes_${string}`>;

/** By octets of key. */
const NAMES: Readonly<Record<CipherAlgorithm, Readonly<Record<number, CipherName>>>> = {
  'aes-cbc': { 16: 'EVP_aes_128_cbc', 24: 'EVP_aes_192_cbc', 32: 'EVP_aes_256_cbc' },
  'aes-ctr': { 16: 'EVP_aes_128_ctr', 24: 'EVP_aes_192_ctr', 32: 'EVP_aes_256_ctr' },
};
const IV_LENGTH = 16;
