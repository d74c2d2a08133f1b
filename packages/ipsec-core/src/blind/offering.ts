import { equalConstantTime } from '../bytes/compare.js';
import { type InitiatedKeyExchange, KeyExchangeError } from '../crypto/ike/key-exchange/key-exchange.js';
import { KE } from '../wire/ike/iana.js';
import { type CheckedShare, type Half, type HalfHost, publishAgain, type SignedBy, wipingUnless } from './half.js';
import { transcriptOf } from './key-schedule.js';
import {
  digestOf,
  encodeKeyShare,
  type KeyShareMessage,
  type OfferContent,
  signedOctets,
} from './key-share-message.js';
import type { Refusal } from './refusal.js';
import { RootKeys } from './root-keys.js';

/** An offer that waits for its answer. The private values are in memory only: after a restart another offer is made. */
interface PendingOffer {
  readonly content: OfferContent;
  readonly suite: HalfHost['terms']['suite'];
  readonly signed: Uint8Array;
  readonly x25519: InitiatedKeyExchange;
  readonly kem: InitiatedKeyExchange;
  readonly bornAt: number;
  /** Undefined until it is signed. */
  readonly by: SignedBy | undefined;
  readonly repeatAt: number;
}

/** The edge with the lower id: it asks for roots, and sends on one as soon as the peer has answered. */
export class Offering implements Half {
  readonly expects = 'answer';
  readonly #host: HalfHost;
  #pending: PendingOffer | undefined;
  /** The peer has said that it has lost what it had. */
  #wanted = false;
  /** A peer whose answers are none is not asked again at once. */
  #notBefore = 0;

  constructor(host: HalfHost) {
    this.#host = host;
  }

  check({ content, signed }: KeyShareMessage): CheckedShare {
    if (content.kind !== 'answer') return { code: 'wrong_role', kind: content.kind };
    const { highest, roots } = this.#host;
    const { number } = content;
    const { newest } = roots;
    if (
      newest?.number === number &&
      sameDigest(transcriptOf(content.offerDigest, digestOf(signed)), newest.name.transcript)
    ) {
      return { code: 'already_taken', number };
    }
    // Also when it names another offer: a peer that has a higher number than this edge has to be heard.
    const known = this.#pending?.content.number ?? newest?.number ?? 0;
    return number < known ? { code: 'replayed', number, known: Math.max(known, highest) } : 'verify';
  }

  take(message: KeyShareMessage): Refusal | undefined {
    const { content } = message;
    if (content.kind !== 'answer') return { code: 'wrong_role', kind: content.kind };
    const pending = this.#pending;
    if (pending?.content.number === content.number && sameDigest(digestOf(pending.signed), content.offerDigest)) {
      return this.#finish(pending, message);
    }
    // An offer of this edge that it does not remember, or one that it has finished with another answer: one of the two has lost its state.
    this.#host.highest = Math.max(this.#host.highest, content.number);
    this.#wanted = true;
    this.#discard();
    this.elapse();
    return { code: 'other_offer', number: content.number };
  }

  elapse(): void {
    const { clock, terms } = this.#host;
    const pending = this.#pending;
    if (
      pending !== undefined &&
      (pending.suite.name !== terms.suite.name || clock - pending.bornAt >= terms.softLifetime)
    ) {
      this.#discard();
    }
    if (this.#pending === undefined) {
      if (this.#notBefore <= clock && this.#due()) this.#offer();
    } else if (this.#pending.repeatAt <= clock) this.#repeat(this.#pending);
  }

  get deadline(): number {
    if (this.#pending !== undefined) return this.#pending.repeatAt;
    const { newest } = this.#host.roots;
    const due = newest === undefined ? this.#host.clock : newest.name.bornAt + this.#host.terms.softLifetime;
    return Math.max(this.#notBefore, due);
  }

  end(): void {
    this.#discard();
  }

  #due(): boolean {
    const { roots, terms, highest, clock } = this.#host;
    const { newest } = roots;
    if (newest === undefined || this.#wanted) return true;
    return (
      newest.name.suite.name !== terms.suite.name ||
      // An offer that this edge no longer knows may have an answer: the next one is for both.
      highest > newest.number ||
      clock - newest.name.bornAt >= terms.softLifetime ||
      newest.nearlyExhausted
    );
  }

  #offer(): void {
    const { crypto, terms, roots, clock } = this.#host;
    this.#wanted = false;
    this.#host.highest++;
    // A number is used once, whatever happens before it is published.
    this.#host.store();
    const x25519 = crypto.keyExchange.initiate(KE.CURVE25519, crypto.random);
    const kem = crypto.keyExchange.initiate(KE.ML_KEM_768, crypto.random);
    const content: OfferContent = {
      kind: 'offer',
      fabric: terms.fabric,
      tunnelId: terms.tunnelId,
      from: terms.local,
      to: terms.remote,
      suite: terms.suite.name,
      epoch: terms.epoch,
      number: this.#host.highest,
      inForce: roots.inForceNumber,
      x25519: x25519.publicValue,
      kem: kem.publicValue,
    };
    const signed = signedOctets(content);
    const repeatAt = clock + REPEAT_AFTER;
    this.#pending = { content, suite: terms.suite, signed, x25519, kem, bornAt: clock, by: undefined, repeatAt };
    this.#sign(this.#pending);
  }

  #sign({ signed, content }: PendingOffer): void {
    this.#host.sign(signed, (by) => {
      if (this.#pending?.content !== content || by === undefined) return;
      this.#pending = { ...this.#pending, by };
      this.#host.published = encodeKeyShare({ signed, confirmation: new Uint8Array(0), ...by });
      publishAgain(this.#host);
    });
  }

  #repeat(pending: PendingOffer): void {
    this.#pending = { ...pending, repeatAt: this.#host.clock + REPEAT_AFTER };
    if (pending.by === undefined) this.#sign(pending);
    else publishAgain(this.#host);
  }

  #finish(pending: PendingOffer, { content, signed }: KeyShareMessage): Refusal | undefined {
    const { crypto, terms, roots, clock } = this.#host;
    const { by } = pending;
    if (by === undefined) return { code: 'other_offer', number: content.number };
    this.#pending = undefined;
    try {
      const x25519 = pending.x25519.finish(content.x25519);
      const kem = wipingUnless(x25519, () => pending.kem.finish(content.kem));
      const offerDigest = digestOf(pending.signed);
      const transcript = transcriptOf(offerDigest, digestOf(signed));
      const { number, epoch } = pending.content;
      const name = { number, epoch, suite: pending.suite, bornAt: pending.bornAt, offerDigest, transcript };
      const root = RootKeys.derive(crypto.provider, terms, name, x25519, kem);
      const confirmation = root.confirmation.reveal((octets) => octets.slice());
      this.#host.published = encodeKeyShare({ signed: pending.signed, confirmation, ...by });
      roots.add(root, content.inForce);
      roots.bringIntoForce(root, clock);
      publishAgain(this.#host);
      return undefined;
    } catch (error) {
      if (!(error instanceof KeyExchangeError)) throw error;
      this.#notBefore = clock + REPEAT_AFTER;
      return { code: 'bad_share', reason: error.message };
    } finally {
      pending.x25519.discard();
      pending.kem.discard();
    }
  }

  #discard(): void {
    this.#pending?.x25519.discard();
    this.#pending?.kem.discard();
    this.#pending = undefined;
  }
}

function sameDigest(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && equalConstantTime(one, 0, other, 0, one.length);
}

/** Between two publications of an offer that is not answered, milliseconds. */
const REPEAT_AFTER = 30_000;
