import { concatenate } from '../crypto/ike/prf.js';
import type { IkeHeader } from '../wire/ike/header.js';
import type { EncryptedFragmentPayload } from '../wire/ike/payloads/encrypted-fragment.js';
import type { IkeWireProblem } from '../wire/ike/wire-error.js';

export interface ReassembledMessage {
  readonly firstInner: number;
  /** Of the first fragment, IKE header to generic header of its SKF payload: AUTH may cover what is reserved in it. */
  readonly clear: Uint8Array;
  readonly plaintext: Uint8Array;
}

/**
 * Fragments of messages that are not complete yet, RFC 7383 section 2.6. Each was authenticated alone before it came
 * here. A request and a response may arrive in each other's midst, so that each message has its own place; there are few
 * places, and the oldest gives way. What does not come "within a timeout interval" is not waited for.
 */
export class Reassembly {
  readonly #messages = new Map<string, Parts>();

  /** The whole message when this was the last part missing; undefined before; the problem when it grows too large. */
  add(
    header: IkeHeader,
    fragment: EncryptedFragmentPayload,
    plaintext: Uint8Array,
    clear: Uint8Array,
    now: number,
  ): ReassembledMessage | IkeWireProblem | undefined {
    if (fragment.total > MAXIMUM_FRAGMENTS) return { code: 'too_many', what: 'fragments', limit: MAXIMUM_FRAGMENTS };
    const key = `${header.response ? 'response' : 'request'} ${header.messageId}`;
    const parts = this.#partsOf(key, fragment.total, now);
    // A smaller total is of before the sender went over to smaller parts.
    if (fragment.total < parts.total || parts.plaintexts.has(fragment.number)) return undefined;
    if (parts.length + plaintext.length > MAXIMUM_REASSEMBLED) {
      this.#messages.delete(key);
      return { code: 'too_large', what: 'the reassembled message', limit: MAXIMUM_REASSEMBLED };
    }
    parts.plaintexts.set(fragment.number, plaintext);
    parts.length += plaintext.length;
    if (fragment.number === 1) {
      parts.firstInner = fragment.firstInner;
      parts.clear = clear.slice();
    }
    if (parts.plaintexts.size < parts.total) return undefined;
    this.#messages.delete(key);
    const inOrder = [...parts.plaintexts].sort(([a], [b]) => a - b).map(([, part]) => part);
    return { firstInner: parts.firstInner, clear: parts.clear, plaintext: concatenate(inOrder) };
  }

  clear(): void {
    this.#messages.clear();
  }

  /** A larger total replaces what was collected: the sender fragments its repetition into smaller parts. */
  #partsOf(key: string, total: number, now: number): Parts {
    for (const [old, { since }] of this.#messages) if (now - since >= REASSEMBLY_TIMEOUT) this.#messages.delete(old);
    const known = this.#messages.get(key);
    if (known !== undefined && total <= known.total) return known;
    const fresh: Parts = { total, since: now, plaintexts: new Map(), firstInner: 0, clear: NOTHING, length: 0 };
    this.#messages.delete(key);
    this.#messages.set(key, fresh);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MAXIMUM_MESSAGES && oldest !== undefined) this.#messages.delete(oldest);
    return fresh;
  }
}

interface Parts {
  readonly total: number;
  /** When the first of them came. */
  readonly since: number;
  readonly plaintexts: Map<number, Uint8Array>;
  firstInner: number;
  clear: Uint8Array;
  length: number;
}

/** Milliseconds: "equal to the time interval that the implementation waits before completely giving up" (section 2.6). */
const REASSEMBLY_TIMEOUT = 127_000;
const NOTHING = new Uint8Array(0);
/** Enough for certificate chains over a 576-octet path; a peer cannot make us keep more. */
const MAXIMUM_FRAGMENTS = 128;
const MAXIMUM_REASSEMBLED = 65_536;
/** One request, one response, and one request that overtakes. */
const MAXIMUM_MESSAGES = 3;
