import { OSSL_PARAM } from '../ffi/layouts.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';
import { OSSL_PARAM_OCTET_STRING } from './evp.js';

/**
 * Arrays of one `OSSL_PARAM` each that say where tags are, for `EVP_CIPHER_CTX_get_params` and `EVP_CIPHER_CTX_set_params`
 * (EVP_EncryptInit(3), "tag"): `EVP_CIPHER_CTX_ctrl` makes such an array for each call, which takes as long as the rest of it.
 */
export class TagParameters {
  readonly #memory: Memory;
  /** The same memory: words are written faster so than through a DataView. */
  readonly #words: Int32Array;

  constructor(count: number) {
    const keyAt = count * ARRAY_OCTETS;
    this.#memory = allocate(keyAt + KEY.length);
    const { bytes, view, address } = this.#memory;
    bytes.set(KEY, keyAt);
    for (let index = 0; index < count; index++) {
      const at = index * ARRAY_OCTETS;
      writePointer(view, at + OSSL_PARAM.key, address + keyAt);
      view.setUint32(at + OSSL_PARAM.data_type, OSSL_PARAM_OCTET_STRING, true);
    }
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, keyAt / 4);
  }

  /** Address of an array. */
  addressOf(index: number): number {
    return this.#memory.address + index * ARRAY_OCTETS;
  }

  setLength(index: number, tagLength: number): void {
    this.#words[index * ARRAY_WORDS + SIZE_WORD] = tagLength;
  }

  /** The tag is at this address, or goes there. */
  setPlace(index: number, address: number): void {
    const word = index * ARRAY_WORDS + DATA_WORD;
    this.#words[word] = address;
    this.#words[word + 1] = Math.floor(address / 0x1_0000_0000);
  }
}

/** `OSSL_CIPHER_PARAM_AEAD_TAG` (openssl/core_names.h). */
const KEY = new TextEncoder().encode('tag\0');
/** The second entry, of zeros, is the end. */
const ARRAY_OCTETS = 2 * OSSL_PARAM.size;
const ARRAY_WORDS = ARRAY_OCTETS / 4;
const DATA_WORD = OSSL_PARAM.data / 4;
const SIZE_WORD = OSSL_PARAM.data_size / 4;
