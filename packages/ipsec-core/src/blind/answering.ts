import { equalConstantTime } from '../bytes/compare.js';
import { KeyExchangeError } from '../crypto/ike/key-exchange/key-exchange.js';
import { KE } from '../wire/ike/iana.js';
import { type CheckedShare, type Half, type HalfHost, publishAgain, wipingUnless } from './half.js';
import { transcriptOf } from './key-schedule.js';
import {
  type AnswerContent,
  digestOf,
  encodeKeyShare,
  type KeyShareMessage,
  type OfferContent,
  signedOctets,
} from './key-share-message.js';
import type { Refusal } from './refusal.js';
import { RootKeys } from './root-keys.js';

/** The edge with the higher id: it has a root as soon as it answers, receives on it at once, and sends on it once the peer shows that it has it. */
export class Answering implements Half {
  readonly expects = 'offer';
  readonly #host: HalfHost;
  /** An answer that waits for its signature. */
  #unsigned: RootKeys | undefined;

  constructor(host: HalfHost) {
    this.#host = host;
  }

  check(message: KeyShareMessage): CheckedShare {
    const { content, signed } = message;
    if (content.kind !== 'offer') return { code: 'wrong_role', kind: content.kind };
    const { highest, roots } = this.#host;
    const { number } = content;
    if (number > highest) return this.#unsigned?.number === number ? { code: 'already_taken', number } : 'verify';
    const root = roots.find(number);
    const known = root !== undefined && sameOctets(digestOf(signed), root.name.offerDigest);
    if (known && message.confirmation.length > 0) return this.#confirmed(root, message.confirmation);
    // The peer has not heard of it, or has lost its state and has to learn which numbers are gone.
    publishAgain(this.#host);
    if (known) return { code: 'already_taken', number };
    return number === highest ? { code: 'other_offer', number } : { code: 'replayed', number, known: highest };
  }

  take({ content, signed }: KeyShareMessage): Refusal | undefined {
    if (content.kind !== 'offer') return { code: 'wrong_role', kind: content.kind };
    const { roots, clock } = this.#host;
    const peers = roots.find(content.inForce);
    if (peers !== undefined) roots.bringIntoForce(peers, clock);
    try {
      this.#answer(content, digestOf(signed));
      return undefined;
    } catch (error) {
      if (!(error instanceof KeyExchangeError)) throw error;
      return { code: 'bad_share', reason: error.message };
    }
  }

  elapse(): void {
    const { roots, published } = this.#host;
    // An answer whose root is gone must not be taken any more.
    if (roots.newest === undefined && published.length > 0) this.#host.published = new Uint8Array(0);
  }

  readonly deadline = Number.POSITIVE_INFINITY;

  end(): void {
    this.#unsigned?.wipe();
    this.#unsigned = undefined;
  }

  #answer(offer: OfferContent, offerDigest: Uint8Array): void {
    const { crypto, terms, roots, clock } = this.#host;
    const { provider, keyExchange, random } = crypto;
    const x25519 = keyExchange.respond(KE.CURVE25519, offer.x25519, random);
    const kem = wipingUnless(x25519.shared, () => keyExchange.respond(KE.ML_KEM_768, offer.kem, random));
    const content: AnswerContent = {
      kind: 'answer',
      fabric: terms.fabric,
      tunnelId: terms.tunnelId,
      from: terms.local,
      to: terms.remote,
      suite: terms.suite.name,
      epoch: terms.epoch,
      number: offer.number,
      inForce: roots.inForceNumber,
      offerDigest,
      x25519: x25519.publicValue,
      kem: kem.publicValue,
    };
    const signed = signedOctets(content);
    const transcript = transcriptOf(offerDigest, digestOf(signed));
    const { number, epoch } = offer;
    const name = { number, epoch, suite: terms.suite, bornAt: clock, offerDigest, transcript };
    this.end();
    const root = RootKeys.derive(provider, terms, name, x25519.shared, kem.shared);
    this.#unsigned = root;
    this.#host.sign(signed, (by) => {
      if (this.#unsigned !== root) return;
      this.#unsigned = undefined;
      if (by === undefined) {
        // The peer offers again, and is answered then.
        root.wipe();
        return;
      }
      this.#host.highest = number;
      this.#host.published = encodeKeyShare({ signed, confirmation: new Uint8Array(0), ...by });
      roots.add(root, offer.inForce);
      publishAgain(this.#host);
    });
  }

  #confirmed(root: RootKeys, confirmation: Uint8Array): CheckedShare {
    const { number } = root;
    if (!root.confirmation.reveal((expected) => sameOctets(expected, confirmation))) {
      return { code: 'bad_confirmation', number };
    }
    const { roots, clock } = this.#host;
    if (roots.inForceNumber >= number) return { code: 'already_taken', number };
    roots.bringIntoForce(root, clock);
    return 'taken';
  }
}

function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && equalConstantTime(one, 0, other, 0, one.length);
}
