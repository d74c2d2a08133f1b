export type AeadAlgorithm = 'aes-gcm' | 'aes-ccm' | 'chacha20-poly1305';
export type CipherAlgorithm = 'aes-cbc' | 'aes-ctr';
export type MacAlgorithm = 'hmac-sha1' | 'hmac-sha2-256' | 'hmac-sha2-384' | 'hmac-sha2-512' | 'aes-xcbc' | 'aes-cmac';
export type Direction = 'inbound' | 'outbound';

/**
 * Where the engine takes its algorithms from. A provider lists what it offers; the engine refuses, when an association
 * is made, what is not in the list, so the functions are never called for anything else. Every keyed object
 * belongs to one association and one direction, is called from one thread, and keeps no reference to the key array.
 */
export interface CryptoProvider {
  readonly name: string;
  readonly aeads: readonly AeadAlgorithm[];
  readonly ciphers: readonly CipherAlgorithm[];
  readonly macs: readonly MacAlgorithm[];
  /** AES keys have 16, 24 or 32 octets, ChaCha20 keys 32. `tagLength` is 8, 12 or 16 octets. */
  aead(algorithm: AeadAlgorithm, key: Uint8Array, tagLength: number, direction: Direction): KeyedAead;
  cipher(algorithm: CipherAlgorithm, key: Uint8Array, direction: Direction): KeyedCipher;
  mac(algorithm: MacAlgorithm, key: Uint8Array): KeyedMac;
  /** GMAC (RFC 4543) with a key of 16, 24 or 32 octets, of a provider that lists aes-gcm. */
  gmac(key: Uint8Array): KeyedGmac;
}

/** Nonces have 12 octets (AES-GCM, ChaCha20-Poly1305) or 11 (AES-CCM). */
export interface KeyedAead {
  /**
   * Encrypts in place and writes the tag right behind. `aad` counts from its start for `aadLength` octets.
   * The nonce and aad arrays are the caller's scratch memory: they change after the call.
   */
  seal(nonce: Uint8Array, aad: Uint8Array, aadLength: number, buffer: Uint8Array, offset: number, length: number): void;
  /**
   * Decrypts `length` octets (tag not counted, it follows them) to `out`, which may be the same array: the same place,
   * or overlapping the input on either side by any number of octets. Within another array the input stays unchanged.
   * Returns false when the tag is wrong; `out` is then unspecified but holds no plaintext that could be told apart.
   */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    aadLength: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean;
  /** For an implementation that seals or opens several packets with less work than one after the other. */
  readonly runs?: AeadRuns | undefined;
  /** Forgets the key as far as the implementation can. */
  destroy(): void;
}

/** Seals or opens up to RUN_PACKETS packets in one step, with one key. */
export interface AeadRuns {
  /** What the packets are is written here first. All keys of a provider may share it: it is read during the call only. */
  readonly packets: AeadPackets;
  /** As KeyedAead.seal does with each of the first `count`. */
  seal(count: number, aadLength: number, buffer: Uint8Array): void;
  /** As KeyedAead.open does with each of the first `count`; `out` is another array. `authentic` says what open answers. */
  open(count: number, aadLength: number, buffer: Uint8Array, out: Uint8Array): void;
}

/**
 * By number of the packet: its nonce, of 12 octets, and its additional data begin at RUN_STRIDE octets times that number. They are
 * words in the order of the machine, as those of a packet are that are read in one piece.
 */
export interface AeadPackets {
  readonly nonces: Uint32Array;
  readonly aads: Uint32Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly outOffsets: Int32Array;
  readonly authentic: Uint8Array;
}

/** As many datagrams as Linux sends in one message (UDP_MAX_SEGMENTS). */
export const RUN_PACKETS = 64;
/** Room for a nonce, or for the additional data of ESP, which are at most 12 octets each. */
export const RUN_STRIDE = 16;

export interface KeyedCipher {
  /**
   * Encrypts (outbound) or decrypts (inbound) to `out`, which may overlap the input as in KeyedAead.open. `iv` has 16
   * octets and stays unchanged: the CBC initialisation vector, or the first counter block of CTR. CBC lengths are
   * multiples of 16; nothing is padded.
   */
  apply(iv: Uint8Array, buffer: Uint8Array, offset: number, length: number, out: Uint8Array, outOffset: number): void;
  destroy(): void;
}

export interface KeyedMac {
  /**
   * Writes the whole, untruncated value to the start of `out`. The octets of `tail`, at most 8, count as if they stood
   * behind the message: the high half of a sequence number does, and is not sent.
   */
  compute(buffer: Uint8Array, offset: number, length: number, out: Uint8Array, tail?: Uint8Array): void;
  destroy(): void;
}

/** AES-GCM that only authenticates. A packet stays where it is: what is covered and not sent comes in arrays of its own. */
export interface KeyedGmac {
  /**
   * Writes the tag of 16 octets to the start of `out`: over `head` (at most 16 octets), the message, and `tail` (at most
   * 8), as if each stood right behind the one before. The nonce has 12 octets; it and `head` change after the call.
   */
  compute(
    nonce: Uint8Array,
    head: Uint8Array,
    buffer: Uint8Array,
    offset: number,
    length: number,
    tail: Uint8Array,
    out: Uint8Array,
  ): void;
  destroy(): void;
}

/** Octets of a GMAC tag (RFC 4543 section 3: "the full 16 octets"). */
export const GMAC_LENGTH = 16;

/** Untruncated length of a MAC in octets. */
export const MAC_LENGTH: Readonly<Record<MacAlgorithm, number>> = {
  'hmac-sha1': 20,
  'hmac-sha2-256': 32,
  'hmac-sha2-384': 48,
  'hmac-sha2-512': 64,
  'aes-xcbc': 16,
  'aes-cmac': 16,
};
