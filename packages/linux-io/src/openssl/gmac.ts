import { GMAC_LENGTH, type KeyedGmac } from '@weft/ipsec-core';
import { aeadCipherOf } from './aead.js';
import { CipherContext, control, expectSuccess, SCRATCH, type Shared, writeBlock } from './context.js';
import { EVP_CTRL, EVP_DIRECTION } from './evp.js';

/** GMAC in an AES-GCM context that is made once. A packet in an arena is read where it is; nothing is allocated. */
export class OpenSslGmac implements KeyedGmac {
  readonly #shared: Shared;
  readonly #context: CipherContext;

  constructor(shared: Shared, key: Uint8Array) {
    const { evp } = shared;
    this.#shared = shared;
    this.#context = new CipherContext(shared, aeadCipherOf(evp, 'aes-gcm', key.length), key, true, (handle) => {
      control(evp, handle, EVP_CTRL.AEAD_SET_IVLEN, NONCE_LENGTH, 0);
    });
  }

  compute(
    nonce: Uint8Array,
    head: Uint8Array,
    buffer: Uint8Array,
    offset: number,
    length: number,
    tail: Uint8Array,
    out: Uint8Array,
  ): void {
    const { evp, input, scratch } = this.#shared;
    const { handle } = this.#context;
    const base = input.locate(buffer, offset, length);
    const at = base === 0 ? input.copyIn(buffer, offset, length) : base + offset;
    for (let i = 0; i < NONCE_LENGTH; i++) scratch.bytes[SCRATCH.iv + i] = nonce[i] ?? 0;
    const iv = scratch.address + SCRATCH.iv;
    expectSuccess(evp.EVP_CipherInit_ex(handle, 0, 0, 0, iv, EVP_DIRECTION.unchanged), 'EVP_CipherInit_ex');
    this.#cover(handle, writeBlock(scratch, head), head.length);
    this.#cover(handle, at, length);
    this.#cover(handle, writeBlock(scratch, tail), tail.length);
    const digest = scratch.address + SCRATCH.digest;
    expectSuccess(evp.EVP_CipherFinal_ex(handle, digest, scratch.address + SCRATCH.outLength), 'EVP_CipherFinal_ex');
    control(evp, handle, EVP_CTRL.AEAD_GET_TAG, GMAC_LENGTH, digest);
    for (let i = 0; i < GMAC_LENGTH; i++) out[i] = scratch.bytes[SCRATCH.digest + i] ?? 0;
  }

  destroy(): void {
    this.#context.destroy();
  }

  /** Output to nowhere: additional data (EVP_EncryptInit(3), "AEAD Interface"). */
  #cover(handle: number, at: number, length: number): void {
    if (length === 0) return;
    const { evp, scratch } = this.#shared;
    const outLength = scratch.address + SCRATCH.outLength;
    expectSuccess(evp.EVP_CipherUpdate(handle, 0, outLength, at, length), 'EVP_CipherUpdate');
  }
}

const NONCE_LENGTH = 12;
