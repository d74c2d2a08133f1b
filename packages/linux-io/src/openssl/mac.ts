import { type KeyedMac, MAC_LENGTH, type MacAlgorithm } from '@weft/ipsec-core';
import { OSSL_PARAM } from '../ffi/layouts.js';
import { allocate } from '../ffi/memory.js';
import { blockCipherOf } from './cipher.js';
import { CipherContext, expectSuccess, SCRATCH, type Shared, withKey, writeBlock } from './context.js';
import { EVP_DIRECTION, OSSL_PARAM_UTF8_STRING } from './evp.js';
import { OpenSslError } from './openssl-error.js';

/** Makes any MAC of ESP and AH. */
export function openSslMac(shared: Shared, algorithm: MacAlgorithm, key: Uint8Array): KeyedMac {
  if (algorithm === 'aes-xcbc') return new XcbcMac(shared, key);
  return new EvpMac(shared, algorithm, key);
}

/** HMAC or CMAC in an `EVP_MAC_CTX` that keeps its key and is started anew per packet. */
class EvpMac implements KeyedMac {
  readonly #shared: Shared;
  readonly #length: number;
  #handle: number;

  constructor(shared: Shared, algorithm: Exclude<MacAlgorithm, 'aes-xcbc'>, key: Uint8Array) {
    const { evp } = shared;
    const [name, parameter, value] =
      algorithm === 'aes-cmac' ? (['CMAC', 'cipher', `AES-${key.length * 8}-CBC`] as const) : HMAC[algorithm];
    const mac = evp.EVP_MAC_fetch(0, name, 0);
    if (mac === 0) throw new OpenSslError('EVP_MAC_fetch');
    this.#shared = shared;
    this.#length = MAC_LENGTH[algorithm];
    this.#handle = evp.EVP_MAC_CTX_new(mac);
    if (this.#handle === 0) throw new OpenSslError('EVP_MAC_CTX_new');
    const parameters = textParameter(parameter, value);
    withKey(shared, key, (address) => {
      const result = evp.EVP_MAC_init(this.#handle, address, key.length, parameters);
      if (result !== 1) this.destroy();
      expectSuccess(result, 'EVP_MAC_init');
    });
  }

  compute(buffer: Uint8Array, offset: number, length: number, out: Uint8Array, tail = NOTHING): void {
    if (this.#handle === 0) throw new ReferenceError('the key was destroyed');
    const { evp, input, scratch } = this.#shared;
    const base = input.locate(buffer, offset, length);
    const at = base === 0 ? input.copyIn(buffer, offset, length) : base + offset;
    expectSuccess(evp.EVP_MAC_init(this.#handle, 0, 0, 0), 'EVP_MAC_init');
    if (length > 0) expectSuccess(evp.EVP_MAC_update(this.#handle, at, length), 'EVP_MAC_update');
    if (tail.length > 0) {
      expectSuccess(evp.EVP_MAC_update(this.#handle, writeBlock(scratch, tail), tail.length), 'EVP_MAC_update');
    }
    const { address, bytes } = scratch;
    const result = evp.EVP_MAC_final(this.#handle, address + SCRATCH.digest, address + SCRATCH.outLength, 64);
    expectSuccess(result, 'EVP_MAC_final');
    for (let i = 0; i < this.#length; i++) out[i] = bytes[SCRATCH.digest + i] ?? 0;
  }

  destroy(): void {
    if (this.#handle !== 0) this.#shared.evp.EVP_MAC_CTX_free(this.#handle);
    this.#handle = 0;
  }
}

/** RFC 3566 section 4: CBC under K1 whose last block is mixed with K2 when it is whole, else padded and with K3. */
class XcbcMac implements KeyedMac {
  readonly #shared: Shared;
  readonly #context: CipherContext;
  readonly #whole: Uint8Array;
  readonly #padded: Uint8Array;

  constructor(shared: Shared, key: Uint8Array) {
    const cipher = blockCipherOf(shared.evp, 'aes-cbc', key.length);
    this.#shared = shared;
    const deriving = new CipherContext(shared, cipher, key, true);
    const first = new Uint8Array(BLOCK);
    this.#whole = new Uint8Array(BLOCK);
    this.#padded = new Uint8Array(BLOCK);
    try {
      for (const [index, subkey] of [first, this.#whole, this.#padded].entries()) {
        start(shared, deriving);
        this.#encryptBlock(deriving, new Uint8Array(BLOCK).fill(index + 1), subkey);
      }
      this.#context = new CipherContext(shared, cipher, first, true);
    } finally {
      first.fill(0);
      deriving.destroy();
    }
  }

  compute(buffer: Uint8Array, offset: number, length: number, out: Uint8Array, tail = NOTHING): void {
    const total = length + tail.length;
    // All but the last block, which may be a whole one.
    const chained = total === 0 ? 0 : Math.floor((total - 1) / BLOCK) * BLOCK;
    // The tail is shorter than a block: at most one block that is not the last has octets of it.
    const inPlace = Math.min(chained, Math.floor(length / BLOCK) * BLOCK);
    start(this.#shared, this.#context);
    this.#chain(buffer, offset, length, inPlace);
    if (inPlace < chained) {
      for (let i = 0; i < BLOCK; i++) LAST[i] = octetOf(buffer, offset, length, tail, inPlace + i);
      this.#encryptBlock(this.#context, LAST, out);
    }
    const rest = total - chained;
    const subkey = rest === BLOCK ? this.#whole : this.#padded;
    for (let i = 0; i < BLOCK; i++) {
      const octet = i < rest ? octetOf(buffer, offset, length, tail, chained + i) : i === rest ? PADDING : 0;
      LAST[i] = octet ^ (subkey[i] ?? 0);
    }
    this.#encryptBlock(this.#context, LAST, out);
  }

  destroy(): void {
    this.#context.destroy();
    this.#whole.fill(0);
    this.#padded.fill(0);
  }

  /** CBC over the first `chained` octets of the message; what comes out is of no use. */
  #chain(buffer: Uint8Array, offset: number, length: number, chained: number): void {
    const { evp, input, output, scratch } = this.#shared;
    const base = input.locate(buffer, offset, length);
    if (chained === 0) return;
    const from = base === 0 ? input.copyIn(buffer, offset, chained) : base + offset;
    const to = output.reserve(chained);
    const outLength = scratch.address + SCRATCH.outLength;
    expectSuccess(evp.EVP_CipherUpdate(this.#context.handle, to, outLength, from, chained), 'EVP_CipherUpdate');
  }

  #encryptBlock(context: CipherContext, block: Uint8Array, out: Uint8Array): void {
    const { evp, scratch } = this.#shared;
    const at = scratch.address + SCRATCH.block;
    const outLength = scratch.address + SCRATCH.outLength;
    for (let i = 0; i < BLOCK; i++) scratch.bytes[SCRATCH.block + i] = block[i] ?? 0;
    expectSuccess(evp.EVP_CipherUpdate(context.handle, at, outLength, at, BLOCK), 'EVP_CipherUpdate');
    for (let i = 0; i < BLOCK; i++) out[i] = scratch.bytes[SCRATCH.block + i] ?? 0;
    scratch.bytes.fill(0, SCRATCH.block, SCRATCH.block + BLOCK);
  }
}

/** Of a message and the tail behind it. */
function octetOf(buffer: Uint8Array, offset: number, length: number, tail: Uint8Array, at: number): number {
  return (at < length ? buffer[offset + at] : tail[at - length]) ?? 0;
}

/** CBC from a zero IV. */
function start(shared: Shared, context: CipherContext): void {
  const { evp, scratch } = shared;
  scratch.bytes.fill(0, SCRATCH.iv, SCRATCH.iv + BLOCK);
  const iv = scratch.address + SCRATCH.iv;
  expectSuccess(evp.EVP_CipherInit_ex(context.handle, 0, 0, 0, iv, EVP_DIRECTION.unchanged), 'EVP_CipherInit_ex');
  expectSuccess(evp.EVP_CIPHER_CTX_set_padding(context.handle, 0), 'EVP_CIPHER_CTX_set_padding');
}

/** The address of an `OSSL_PARAM` array with one text, made once per text: nothing in an arena is given back. */
function textParameter(key: string, value: string): number {
  const name = `${key}=${value}`;
  const known = PARAMETERS.get(name);
  if (known !== undefined) return known;
  const memory = allocate(2 * OSSL_PARAM.size + key.length + value.length + 2);
  const keyAt = 2 * OSSL_PARAM.size;
  const valueAt = keyAt + key.length + 1;
  memory.bytes.set(new TextEncoder().encode(key), keyAt);
  memory.bytes.set(new TextEncoder().encode(value), valueAt);
  memory.view.setBigUint64(OSSL_PARAM.key, BigInt(memory.address + keyAt), true);
  memory.view.setUint32(OSSL_PARAM.data_type, OSSL_PARAM_UTF8_STRING, true);
  memory.view.setBigUint64(OSSL_PARAM.data, BigInt(memory.address + valueAt), true);
  memory.view.setBigUint64(OSSL_PARAM.data_size, BigInt(value.length), true);
  PARAMETERS.set(name, memory.address);
  return memory.address;
}

const PARAMETERS = new Map<string, number>();
const HMAC = {
  'hmac-sha1': ['HMAC', 'digest', 'SHA1'],
  'hmac-sha2-256': ['HMAC', 'digest', 'SHA2-256'],
  'hmac-sha2-384': ['HMAC', 'digest', 'SHA2-384'],
  'hmac-sha2-512': ['HMAC', 'digest', 'SHA2-512'],
} as const;
const LAST = new Uint8Array(16);
const NOTHING = new Uint8Array(0);
const BLOCK = 16;
/** RFC 3566 section 4: "append a single '1' bit, followed by the necessary number of '0' bits". */
const PADDING = 0x80;
