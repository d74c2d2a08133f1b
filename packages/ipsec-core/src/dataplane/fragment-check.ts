import { HalfSipHash } from '../bytes/half-siphash.js';
import { readUint32 } from '../bytes/octets.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Flow } from '../wire/ip/flow.js';
import { FragmentFields, parseFragment } from '../wire/ip/fragment.js';

/**
 * Fragments that leave a tunnel (RFC 4301 section 7.3): stateful checking. When the first fragment of a packet shows
 * ports that policy allows, the packet's other fragments may follow, over the same association. Nothing is held back and
 * no octet is stored, so that a peer cannot make this edge spend memory; the price is that a fragment that overtakes the
 * first one is lost (`fragment_without_ports`). That is the trade against reassembly, which is what the sending side
 * does: there fragments come from many hosts in any order, here from one peer that sent the first one first.
 *
 * Fragments in the clear that policy bypasses by port are checked alike (section 7.4).
 *
 * Only over associations for which that was negotiated: "a receiver MUST discard non-initial fragments that arrive on an
 * SA with non-trivial port […] selector values unless this feature has been negotiated". And no later fragment may reach
 * into what the first one showed, lest the host behind us puts other ports together than were checked.
 */
export class FragmentCheck {
  readonly #fields = new FragmentFields();
  readonly #hash: HalfSipHash;
  readonly #words = new Uint32Array(SLOTS * STRIDE);
  /** When the first fragment passed. */
  readonly #since = new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY);
  readonly #key = new Uint32Array(KEY_WORDS);

  /** `random` fills the array from a cryptographically secure source. */
  constructor(random: (out: Uint8Array) => void) {
    const key = new Uint8Array(8);
    random(key);
    this.#hash = new HalfSipHash(readUint32(key, 0), readUint32(key, 4));
  }

  /**
   * What becomes of a fragment of which the selector check has said `refusal`, and `entry` when it said nothing. The
   * entry that decided for a fragment that passes by its first one is left in `entry`.
   */
  check(
    way: WayIn,
    database: SecurityPolicyDatabase,
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    refusal: DropReason | undefined,
    now: number,
  ): DropReason | undefined {
    const answer = this.foresee(way, database, packet, offset, flow, refusal, now);
    if (answer === undefined && flow.fragment === 'first' && way.nonFirstFragmentsAlso) this.#remember(way, flow, now);
    return answer;
  }

  /** What `check` would answer, without remembering anything but `entry`. */
  foresee(
    way: WayIn,
    database: SecurityPolicyDatabase,
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    refusal: DropReason | undefined,
    now: number,
  ): DropReason | undefined {
    if (refusal !== undefined && refusal !== 'fragment_without_ports') return refusal;
    const fields = this.#fields;
    if (!parseFragment(fields, packet, offset, flow.totalLength)) return 'fragment_malformed';
    if (flow.fragment === 'first') return refusal;
    if (refusal === undefined) return this.#checkOffset(database, flow);
    if (!way.nonFirstFragmentsAlso) return refusal;
    const slot = this.#slotOf(way, flow);
    if (!this.#isKnown(slot, now)) return refusal;
    // In the fragmentable part, where the first fragment ended.
    if (fields.position < (this.#words[slot * STRIDE + KEY_WORDS] ?? 0)) return 'fragment_overlap';
    this.entry = this.#words[slot * STRIDE + KEY_WORDS + 1] ?? 0;
    return undefined;
  }

  /** Index of the entry that decides; the caller sets it for what it has decided itself. */
  entry = 0;

  /** Forgets everything: entries have changed. */
  clear(): void {
    this.#since.fill(Number.NEGATIVE_INFINITY);
  }

  /**
   * Entries for fragments alone (section 7.2) know no first fragment: "Receivers MUST perform a minimum offset check on
   * IPv4 (non-initial) fragments". Appendix D.3 has the number: 128 octets "just to be on the safe side".
   */
  #checkOffset(database: SecurityPolicyDatabase, flow: Flow): DropReason | undefined {
    if (flow.family === 6 || this.#fields.position >= LEAST_OFFSET) return undefined;
    const selectors = database.entries[this.entry]?.selectors ?? [];
    const isForFragments = selectors.some(
      ({ localPorts, remotePorts }) => localPorts === 'opaque' || remotePorts === 'opaque',
    );
    return isForFragments ? 'fragment_overlap' : undefined;
  }

  #remember(way: WayIn, flow: Flow, now: number): void {
    const slot = this.#slotOf(way, flow);
    this.#words.set(this.#key, slot * STRIDE);
    this.#words[slot * STRIDE + KEY_WORDS] = this.#fields.dataLength;
    this.#words[slot * STRIDE + KEY_WORDS + 1] = this.entry;
    this.#since[slot] = now;
  }

  #isKnown(slot: number, now: number): boolean {
    if (now - (this.#since[slot] ?? 0) >= TIMEOUT) return false;
    for (let word = 0; word < KEY_WORDS; word++) {
      if (this.#words[slot * STRIDE + word] !== this.#key[word]) return false;
    }
    return true;
  }

  /** Leaves the key in #key. The hash is keyed, so that nobody can aim at the slot of somebody else's packet. */
  #slotOf(way: WayIn, flow: Flow): number {
    const key = this.#key;
    key[0] = way.spi;
    key[1] = this.#fields.identification;
    // RFC 8200 section 4.5: the next header of IPv6 fragments is no part of a packet's name.
    key[2] = flow.family === 4 ? 0x100 | flow.protocol : 0;
    const hash = this.#hash
      .begin()
      .add(key[0] ?? 0)
      .add(key[1] ?? 0)
      .add(key[2] ?? 0);
    for (let word = 0; word < 4; word++) {
      key[3 + word] = flow.source[word] ?? 0;
      key[7 + word] = flow.destination[word] ?? 0;
      hash.add(key[3 + word] ?? 0).add(key[7 + word] ?? 0);
    }
    return hash.end() % SLOTS;
  }
}

/** How fragments came in: an association, or UNPROTECTED. */
export interface WayIn {
  readonly spi: number;
  readonly nonFirstFragmentsAlso: boolean;
}

/** In the clear, which takes no negotiation: section 7.4 asks for stateful checking there. No association has SPI 0. */
export const UNPROTECTED: WayIn = { spi: 0, nonFirstFragmentsAlso: true };

/** Association, identification, family and protocol, two addresses. */
const KEY_WORDS = 11;
/** And where the first fragment ended, and the entry that let it through. */
const STRIDE = KEY_WORDS + 2;
const SLOTS = 1024;
/** As long as reassembly waits. */
const TIMEOUT = 30_000;
const LEAST_OFFSET = 128;
