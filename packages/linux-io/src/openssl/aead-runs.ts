import { type AeadPackets, type AeadRuns, type KeyedAead, RUN_PACKETS, RUN_STRIDE } from '@weft/ipsec-core';
import { type CallList, findCallLists } from '../ffi/call-list.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { AEAD_FUNCTIONS } from './aead-calls.js';
import { EVP_DIRECTION, type Evp } from './evp.js';
import { OpenSslError } from './openssl-error.js';
import type { Staging } from './staging.js';
import { TagParameters } from './tag-parameters.js';

/** What a run needs to know of the key that it is for. */
export interface RunKey {
  /** The cipher with its key; it refuses to be used when it is destroyed. */
  readonly context: { readonly handle: number };
  readonly tagLength: number;
}

/**
 * All calls for all packets of a run, as one. There is one such list for each direction in a thread; what is of the key is
 * written when it is another than before.
 */
export class AeadRunCalls {
  readonly #list: CallList;
  readonly #evp: Evp;
  readonly #staging: Staging;
  readonly #memory: Memory = allocate(ROOM.size);
  readonly #tags = new TagParameters(RUN_PACKETS);
  readonly packets: AeadPackets;
  readonly #associate: number;
  #key: RunKey | undefined;
  /** Packets that the list is written for. */
  #prepared = 0;
  #aadLength = 0;

  /** `encrypt`: the list is for sealing, and otherwise for opening. */
  constructor(list: CallList, encrypt: boolean, evp: Evp, staging: Staging) {
    this.#list = list;
    this.#associate = encrypt ? SEAL.associate : OPEN.associate;
    this.#evp = evp;
    this.#staging = staging;
    const { buffer, byteOffset } = this.#memory.bytes;
    this.packets = {
      nonces: new Uint32Array(buffer, byteOffset + ROOM.nonces, (RUN_PACKETS * RUN_STRIDE) / 4),
      aads: new Uint32Array(buffer, byteOffset + ROOM.aads, (RUN_PACKETS * RUN_STRIDE) / 4),
      offsets: new Int32Array(RUN_PACKETS),
      lengths: new Int32Array(RUN_PACKETS),
      outOffsets: new Int32Array(RUN_PACKETS),
      authentic: new Uint8Array(RUN_PACKETS),
    };
    for (let index = 0; index < RUN_PACKETS; index++) this.#add(index, encrypt);
  }

  /** False: the octets lie in no arena, and nothing has been done. */
  seal(key: RunKey, count: number, aadLength: number, buffer: Uint8Array): boolean | undefined {
    const { offsets, lengths } = this.packets;
    const base = this.#locate(count, buffer, offsets, key.tagLength);
    if (base === 0) return false;
    this.#prepare(key, count, aadLength);
    const list = this.#list;
    for (let i = 0, call = 0; i < count; i++, call += CALLS) {
      const length = lengths[i] ?? 0;
      const at = base + (offsets[i] ?? 0);
      list.set(call + SEAL.update, 1, at);
      list.set(call + SEAL.update, 3, at);
      list.setLow(call + SEAL.update, 4, length);
      this.#tags.setPlace(i, at + length);
    }
    list.run(count * CALLS);
    for (let call = 0; call < count * CALLS; call++) if (list.result(call) !== 1) return undefined;
    return true;
  }

  /** As `seal`; `authentic` says what became of each packet. Undefined: OpenSSL failed. */
  open(key: RunKey, count: number, aadLength: number, buffer: Uint8Array, out: Uint8Array): boolean | undefined {
    const { offsets, lengths, outOffsets } = this.packets;
    const from = this.#locate(count, buffer, offsets, key.tagLength);
    const to = from === 0 ? 0 : this.#locate(count, out, outOffsets, 0);
    if (from === 0 || to === 0 || buffer === out) return false;
    this.#prepare(key, count, aadLength);
    const list = this.#list;
    for (let i = 0, call = 0; i < count; i++, call += CALLS) {
      const length = lengths[i] ?? 0;
      const at = from + (offsets[i] ?? 0);
      this.#tags.setPlace(i, at + length);
      list.set(call + OPEN.update, 1, to + (outOffsets[i] ?? 0));
      list.set(call + OPEN.update, 3, at);
      list.setLow(call + OPEN.update, 4, length);
    }
    list.run(count * CALLS);
    return this.#judge(count, out);
  }

  /** Wipes what is there of a key that is no more. */
  forget(key: RunKey): void {
    if (this.#key !== key) return;
    for (let call = 0; call < this.#prepared * CALLS; call++) this.#list.set(call, 0, 0);
    this.#key = undefined;
    this.#prepared = 0;
    this.#memory.bytes.fill(0);
  }

  #judge(count: number, out: Uint8Array): boolean | undefined {
    const list = this.#list;
    const { authentic, lengths, outOffsets } = this.packets;
    let forged = false;
    for (let i = 0, call = 0; i < count; i++, call += CALLS) {
      for (let step = 0; step < OPEN.final; step++) if (list.result(call + step) !== 1) return undefined;
      authentic[i] = list.result(call + OPEN.final) === 1 ? 1 : 0;
      if (authentic[i] === 1) continue;
      forged = true;
      // OpenSSL decrypts before it knows: nobody shall read what nobody vouches for.
      const at = outOffsets[i] ?? 0;
      out.fill(0, at, at + (lengths[i] ?? 0));
    }
    if (forged) this.#evp.ERR_clear_error();
    return true;
  }

  /** Address of `bytes[0]`, or 0 when they lie in no arena. Throws RangeError unless every packet lies within. */
  #locate(count: number, bytes: Uint8Array, offsets: Int32Array, behind: number): number {
    let base = 0;
    for (let i = 0; i < count; i++) {
      base = this.#staging.locate(bytes, offsets[i] ?? 0, (this.packets.lengths[i] ?? 0) + behind);
    }
    return base;
  }

  #prepare(key: RunKey, count: number, aadLength: number): void {
    const { handle } = key.context;
    if (this.#key !== key || this.#aadLength !== aadLength) {
      this.#key = key;
      this.#aadLength = aadLength;
      this.#prepared = 0;
    }
    const list = this.#list;
    for (; this.#prepared < count; this.#prepared++) {
      const first = this.#prepared * CALLS;
      for (let call = first; call < first + CALLS; call++) list.set(call, 0, handle);
      list.setLow(first + this.#associate, 4, aadLength);
      this.#tags.setLength(this.#prepared, key.tagLength);
    }
  }

  #add(index: number, encrypt: boolean): void {
    const list = this.#list;
    const { address } = this.#memory;
    const outLength = address + ROOM.outLength;
    const nonce = address + ROOM.nonces + index * RUN_STRIDE;
    const aad = address + ROOM.aads + index * RUN_STRIDE;
    list.add(AEAD_FUNCTIONS.init, 0, 0, 0, 0, nonce, EVP_DIRECTION.unchanged);
    if (!encrypt) list.add(AEAD_FUNCTIONS.setParameters, 0, this.#tags.addressOf(index));
    list.add(AEAD_FUNCTIONS.update, 0, 0, outLength, aad, 0);
    list.add(AEAD_FUNCTIONS.update, 0, 0, outLength, 0, 0);
    list.add(AEAD_FUNCTIONS.final, 0, address + ROOM.block, outLength);
    if (encrypt) list.add(AEAD_FUNCTIONS.getParameters, 0, this.#tags.addressOf(index));
  }
}

/** Runs of one key. Packets that lie in no arena go one by one, as they otherwise do. */
export function runsOf(calls: AeadRunCalls, key: RunKey, aead: KeyedAead): AeadRuns {
  const { packets } = calls;
  const { offsets, lengths, outOffsets, authentic } = packets;
  const nonces = octetsOf(packets.nonces);
  const aads = octetsOf(packets.aads);
  const nonce = new Uint8Array(NONCE_LENGTH);
  const aad = new Uint8Array(RUN_STRIDE);
  const load = (index: number) => {
    for (let i = 0; i < NONCE_LENGTH; i++) nonce[i] = nonces[index * RUN_STRIDE + i] ?? 0;
    for (let i = 0; i < RUN_STRIDE; i++) aad[i] = aads[index * RUN_STRIDE + i] ?? 0;
  };
  return {
    packets,
    seal(count, aadLength, buffer) {
      const sealed = calls.seal(key, count, aadLength, buffer);
      if (sealed === undefined) throw new OpenSslError('EVP_CipherUpdate');
      for (let i = 0; !sealed && i < count; i++) {
        load(i);
        aead.seal(nonce, aad, aadLength, buffer, offsets[i] ?? 0, lengths[i] ?? 0);
      }
    },
    open(count, aadLength, buffer, out) {
      const opened = calls.open(key, count, aadLength, buffer, out);
      if (opened === undefined) throw new OpenSslError('EVP_CipherUpdate');
      for (let i = 0; !opened && i < count; i++) {
        load(i);
        const [from, to] = [offsets[i] ?? 0, outOffsets[i] ?? 0];
        authentic[i] = aead.open(nonce, aad, aadLength, buffer, from, lengths[i] ?? 0, out, to) ? 1 : 0;
      }
    },
  };
}

function octetsOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Undefined where calls cannot be listed. `staging` finds the addresses of packets. */
export function createAeadRunCalls(
  listCalls: boolean,
  encrypt: boolean,
  evp: Evp,
  staging: Staging,
): AeadRunCalls | undefined {
  const lists = listCalls ? findCallLists() : undefined;
  if (lists?.kind !== 'found') return undefined;
  return new AeadRunCalls(lists.create(RUN_PACKETS * CALLS), encrypt, evp, staging);
}

/** Numbers of the calls of a packet. */
const SEAL = { associate: 1, update: 2 } as const;
const OPEN = { associate: 2, update: 3, final: 4 } as const;
const CALLS = 5;
const NONCE_LENGTH = 12;
/** Where in the memory beside the list what is. `block`: stream modes write nothing at the end, others may. */
const ROOM = {
  nonces: 0,
  aads: RUN_PACKETS * RUN_STRIDE,
  outLength: 2 * RUN_PACKETS * RUN_STRIDE,
  block: 2 * RUN_PACKETS * RUN_STRIDE + 16,
  size: 2 * RUN_PACKETS * RUN_STRIDE + 32,
} as const;
