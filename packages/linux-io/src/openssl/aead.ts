import { type AeadAlgorithm, type AeadRuns, type KeyedAead, Secret } from '@weft/ipsec-core';
import type { AeadCalls } from './aead-calls.js';
import { type AeadRunCalls, type RunKey, runsOf } from './aead-runs.js';
import { CipherContext, control, expectSuccess, SCRATCH, type Shared, withKey } from './context.js';
import { EVP_CTRL, EVP_DIRECTION, type Evp } from './evp.js';
import { OpenSslError } from './openssl-error.js';

/**
 * An AEAD in an OpenSSL context that is made once and only given a new nonce per packet. Octets in an arena are
 * encrypted where they are; nothing is allocated.
 */
export class OpenSslAead implements KeyedAead {
  readonly #shared: Shared;
  readonly #context: CipherContext;
  readonly #tagLength: number;
  #nonceLength: number;
  readonly #ccmKey: Secret | undefined;
  /** CCM wants to know lengths and tag before the data (RFC 3610 section 2.2: they are part of the first block). */
  readonly #ccm: boolean;
  /** All calls for a packet as one, where that is possible. */
  readonly #calls: AeadCalls | undefined;
  readonly #runCalls: AeadRunCalls | undefined;
  readonly #runKey: RunKey;
  readonly runs: AeadRuns | undefined;

  constructor(shared: Shared, algorithm: AeadAlgorithm, key: Uint8Array, tagLength: number, encrypt: boolean) {
    const { evp } = shared;
    this.#shared = shared;
    this.#tagLength = tagLength;
    this.#ccm = algorithm === 'aes-ccm';
    this.#nonceLength = this.#ccm ? CCM_NONCE_LENGTH : NONCE_LENGTH;
    this.#ccmKey = this.#ccm ? new Secret(key) : undefined;
    this.#context = new CipherContext(shared, aeadCipherOf(evp, algorithm, key.length), key, encrypt, (handle) => {
      control(evp, handle, EVP_CTRL.AEAD_SET_IVLEN, this.#nonceLength, 0);
      if (this.#ccm) control(evp, handle, EVP_CTRL.AEAD_SET_TAG, tagLength, 0);
    });
    this.#calls = this.#ccm ? undefined : shared.aeadCalls.take();
    this.#calls?.prepare(this.#context.handle, tagLength, encrypt);
    this.#runCalls = this.#ccm ? undefined : encrypt ? shared.sealRuns : shared.openRuns;
    this.#runKey = { context: this.#context, tagLength };
    this.runs = this.#runCalls && runsOf(this.#runCalls, this.#runKey, this);
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadLength: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const { input } = this.#shared;
    const whole = length + this.#tagLength;
    const base = input.locate(buffer, offset, whole);
    if (base !== 0) {
      this.#sealAt(nonce, aad, aadLength, base + offset, length);
      return;
    }
    this.#sealAt(nonce, aad, aadLength, input.copyIn(buffer, offset, length, whole), length);
    input.copyOut(buffer, offset, whole);
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadLength: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const { input } = this.#shared;
    const whole = length + this.#tagLength;
    const from = input.locate(buffer, offset, whole);
    const to = input.locate(out, outOffset, length);
    const overlaps = buffer === out && offset !== outOffset && Math.abs(offset - outOffset) < whole;
    if (from !== 0 && to !== 0 && !overlaps) {
      const authentic = this.#openAt(nonce, aad, aadLength, from + offset, length, to + outOffset);
      // OpenSSL decrypts before it knows: nobody shall read what nobody vouches for.
      if (!authentic) out.fill(0, outOffset, outOffset + length);
      return authentic;
    }
    const staged = input.copyIn(buffer, offset, whole);
    const authentic = this.#openAt(nonce, aad, aadLength, staged, length, staged);
    if (authentic) input.copyOut(out, outOffset, length);
    input.forget(whole);
    return authentic;
  }

  /** A second time is harmless. */
  destroy(): void {
    if (this.#context.destroyed) return;
    this.#ccmKey?.wipe();
    this.#runCalls?.forget(this.#runKey);
    this.#context.destroy();
    if (this.#calls !== undefined) this.#shared.aeadCalls.give(this.#calls);
  }

  #sealAt(nonce: Uint8Array, aad: Uint8Array, aadLength: number, at: number, length: number): void {
    const { evp } = this.#shared;
    const { handle } = this.#context;
    if (this.#calls?.fits(nonce, aadLength, length)) {
      if (!this.#calls.seal(nonce, aad, aadLength, at, length)) throw new OpenSslError('EVP_CipherUpdate');
      return;
    }
    this.#start(handle, nonce);
    this.#associate(handle, aad, aadLength, length);
    this.#update(handle, at, at, length);
    const outLength = this.#shared.scratch.address + SCRATCH.outLength;
    expectSuccess(evp.EVP_CipherFinal_ex(handle, at + length, outLength), 'EVP_CipherFinal_ex');
    control(evp, handle, EVP_CTRL.AEAD_GET_TAG, this.#tagLength, at + length);
  }

  #openAt(nonce: Uint8Array, aad: Uint8Array, aadLength: number, from: number, length: number, to: number): boolean {
    const { evp, scratch } = this.#shared;
    const { handle } = this.#context;
    if (this.#calls?.fits(nonce, aadLength, length)) {
      const authentic = this.#calls.open(nonce, aad, aadLength, from, length, to);
      if (authentic === undefined) throw new OpenSslError('EVP_CipherUpdate');
      if (!authentic) evp.ERR_clear_error();
      return authentic;
    }
    this.#start(handle, nonce);
    control(evp, handle, EVP_CTRL.AEAD_SET_TAG, this.#tagLength, from + length);
    this.#associate(handle, aad, aadLength, length);
    const outLength = scratch.address + SCRATCH.outLength;
    // CCM checks the tag with the data, the others at the end.
    if (this.#ccm) {
      if (evp.EVP_CipherUpdate(handle, to, outLength, from, length) === 1) return true;
    } else {
      this.#update(handle, from, to, length);
      if (evp.EVP_CipherFinal_ex(handle, scratch.address + SCRATCH.block, outLength) === 1) return true;
    }
    evp.ERR_clear_error();
    return false;
  }

  #start(handle: number, nonce: Uint8Array): void {
    const { evp, scratch } = this.#shared;
    if (nonce.length !== this.#nonceLength) this.#changeNonceLength(handle, nonce.length);
    for (let i = 0; i < this.#nonceLength; i++) scratch.bytes[SCRATCH.iv + i] = nonce[i] ?? 0;
    const iv = scratch.address + SCRATCH.iv;
    expectSuccess(evp.EVP_CipherInit_ex(handle, 0, 0, 0, iv, EVP_DIRECTION.unchanged), 'EVP_CipherInit_ex');
  }

  /** Never in ESP. OpenSSL makes the first CCM block from key and nonce length together, so the key is set again. */
  #changeNonceLength(handle: number, length: number): void {
    const { evp } = this.#shared;
    control(evp, handle, EVP_CTRL.AEAD_SET_IVLEN, length, 0);
    this.#ccmKey?.reveal((key) => {
      withKey(this.#shared, key, (address) => {
        expectSuccess(evp.EVP_CipherInit_ex(handle, 0, 0, address, 0, EVP_DIRECTION.unchanged), 'EVP_CipherInit_ex');
      });
    });
    this.#nonceLength = length;
  }

  #associate(handle: number, aad: Uint8Array, aadLength: number, length: number): void {
    const { evp, scratch } = this.#shared;
    const outLength = scratch.address + SCRATCH.outLength;
    if (this.#ccm) expectSuccess(evp.EVP_CipherUpdate(handle, 0, outLength, 0, length), 'EVP_CipherUpdate');
    if (aadLength === 0) return;
    const address = this.#addressOfAad(aad, aadLength);
    expectSuccess(evp.EVP_CipherUpdate(handle, 0, outLength, address, aadLength), 'EVP_CipherUpdate');
  }

  /** The additional data of a combined mode is a few octets: cheaper to move than to look up. */
  #addressOfAad(aad: Uint8Array, aadLength: number): number {
    const { scratch } = this.#shared;
    if (aadLength > SHORT_AAD) return this.#shared.aad.copyIn(aad, 0, aadLength);
    for (let i = 0; i < aadLength; i++) scratch.bytes[SCRATCH.block + i] = aad[i] ?? 0;
    return scratch.address + SCRATCH.block;
  }

  #update(handle: number, from: number, to: number, length: number): void {
    if (length === 0 && !this.#ccm) return;
    const { evp, scratch } = this.#shared;
    const outLength = scratch.address + SCRATCH.outLength;
    expectSuccess(evp.EVP_CipherUpdate(handle, to, outLength, from, length), 'EVP_CipherUpdate');
  }
}

/** An `EVP_CIPHER *` for an AEAD. Throws RangeError for a key of another length than it has. */
export function aeadCipherOf(evp: Evp, algorithm: AeadAlgorithm, keyLength: number): number {
  const name = NAMES[algorithm][keyLength];
  if (name === undefined) throw new RangeError(`${algorithm} takes no key of ${keyLength} octets`);
  const cipher = evp[name]();
  if (cipher === 0) throw new OpenSslError(name);
  return cipher;
}

type CipherName = Extract<keyof Evp, `EVP_aes_${string}` | `EVP_chacha${string}`>;

/** By octets of key. */
const NAMES: Readonly<Record<AeadAlgorithm, Readonly<Record<number, CipherName>>>> = {
  'aes-gcm': { 16: 'EVP_aes_128_gcm', 24: 'EVP_aes_192_gcm', 32: 'EVP_aes_256_gcm' },
  'aes-ccm': { 16: 'EVP_aes_128_ccm', 24: 'EVP_aes_192_ccm', 32: 'EVP_aes_256_ccm' },
  'chacha20-poly1305': { 32: 'EVP_chacha20_poly1305' },
};
const NONCE_LENGTH = 12;
/** RFC 4309 section 4: three octets of salt and eight of IV. */
const CCM_NONCE_LENGTH = 11;
const SHORT_AAD = 32;
