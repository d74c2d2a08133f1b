import { type CallList, findCallLists, functionAddress } from '../ffi/call-list.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { EVP_CTRL, EVP_DIRECTION } from './evp.js';

/**
 * The five calls that protect or open one packet with a combined mode, listed once per association. For nonces of 12
 * octets, and for modes that do not want to know the lengths beforehand (all but CCM).
 */
export class AeadCalls {
  readonly #list: CallList;
  readonly #memory: Memory = allocate(ROOM.size);

  constructor(list: CallList) {
    this.#list = list;
  }

  /** Writes what is the same for all packets of `context`, an `EVP_CIPHER_CTX *` with its key. */
  prepare(context: number, tagLength: number, encrypt: boolean): void {
    const list = this.#list;
    const { address } = this.#memory;
    const outLength = address + ROOM.outLength;
    this.forget();
    list.add(AEAD_FUNCTIONS.init, context, 0, 0, 0, address + ROOM.nonce, EVP_DIRECTION.unchanged);
    if (!encrypt) list.add(AEAD_FUNCTIONS.control, context, EVP_CTRL.AEAD_SET_TAG, tagLength, 0);
    list.add(AEAD_FUNCTIONS.update, context, 0, outLength, address + ROOM.aad, 0);
    list.add(AEAD_FUNCTIONS.update, context, 0, outLength, 0, 0);
    list.add(AEAD_FUNCTIONS.final, context, address + ROOM.block, outLength);
    if (encrypt) list.add(AEAD_FUNCTIONS.control, context, EVP_CTRL.AEAD_GET_TAG, tagLength, 0);
  }

  /** Whether a packet has the form that the list is made for. */
  fits(nonce: Uint8Array, aadLength: number, length: number): boolean {
    return nonce.length === NONCE_OCTETS && aadLength > 0 && aadLength <= AAD_OCTETS && length > 0;
  }

  /** Encrypts in place at an address, and puts the tag behind. @returns false when OpenSSL failed */
  seal(nonce: Uint8Array, aad: Uint8Array, aadLength: number, at: number, length: number): boolean {
    const list = this.#list;
    this.#write(nonce, aad, aadLength);
    list.setLow(SEAL.associate, 4, aadLength);
    list.set(SEAL.update, 1, at);
    list.set(SEAL.update, 3, at);
    list.setLow(SEAL.update, 4, length);
    list.set(SEAL.tag, 3, at + length);
    list.run();
    return this.#succeeded(CALLS);
  }

  /** Decrypts from one address to another. @returns whether it is authentic; undefined when OpenSSL failed */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadLength: number,
    from: number,
    length: number,
    to: number,
  ): boolean | undefined {
    const list = this.#list;
    this.#write(nonce, aad, aadLength);
    list.set(OPEN.tag, 3, from + length);
    list.setLow(OPEN.associate, 4, aadLength);
    list.set(OPEN.update, 1, to);
    list.set(OPEN.update, 3, from);
    list.setLow(OPEN.update, 4, length);
    list.run();
    return this.#succeeded(OPEN.final) ? list.result(OPEN.final) === 1 : undefined;
  }

  /** Wipes calls, nonce and additional data. */
  forget(): void {
    this.#list.clear();
    this.#memory.bytes.fill(0);
  }

  #write(nonce: Uint8Array, aad: Uint8Array, aadLength: number): void {
    const { bytes } = this.#memory;
    for (let i = 0; i < NONCE_OCTETS; i++) bytes[ROOM.nonce + i] = nonce[i] ?? 0;
    for (let i = 0; i < aadLength; i++) bytes[ROOM.aad + i] = aad[i] ?? 0;
  }

  /** Whether the first `count` calls answered 1. */
  #succeeded(count: number): boolean {
    for (let call = 0; call < count; call++) if (this.#list.result(call) !== 1) return false;
    return true;
  }
}

/** Lends lists to associations. What the calls touch is never freed, so it is used again. */
export class AeadCallsPool {
  readonly #create: (() => AeadCalls) | undefined;
  readonly #free: AeadCalls[] = [];

  constructor(listCalls: boolean) {
    const lists = listCalls ? findCallLists() : undefined;
    this.#create = lists?.kind === 'found' ? () => new AeadCalls(lists.create(CALLS)) : undefined;
  }

  /** Undefined where calls cannot be listed: each is then made by itself, which is slower. */
  take(): AeadCalls | undefined {
    return this.#free.pop() ?? this.#create?.();
  }

  give(calls: AeadCalls): void {
    calls.forget();
    this.#free.push(calls);
  }
}

/** By name: what is called for a packet. */
export const AEAD_FUNCTIONS = {
  init: functionAddress('EVP_CipherInit_ex'),
  update: functionAddress('EVP_CipherUpdate'),
  final: functionAddress('EVP_CipherFinal_ex'),
  control: functionAddress('EVP_CIPHER_CTX_ctrl'),
  getParameters: functionAddress('EVP_CIPHER_CTX_get_params'),
  setParameters: functionAddress('EVP_CIPHER_CTX_set_params'),
} as const;
/** Numbers of the calls. */
const SEAL = { associate: 1, update: 2, tag: 4 } as const;
const OPEN = { tag: 1, associate: 2, update: 3, final: 4 } as const;
const CALLS = 5;
const NONCE_OCTETS = 12;
/** The SPI and the sequence number, which may be extended (RFC 4106 section 5), are 8 or 12. */
const AAD_OCTETS = 16;
/** Where in the memory beside the list what is. `block`: stream modes write nothing at the end, others may. */
const ROOM = { nonce: 0, aad: 16, outLength: 32, block: 48, size: 64 } as const;
