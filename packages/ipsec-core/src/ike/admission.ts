import { toHex } from '../bytes/hex.js';
import type { RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { IkeMessage } from '../wire/ike/message.js';
import { sameAddress } from './connection.js';
import { CookieJar } from './cookie.js';
import { find, findNotify } from './exchanges/payload-access.js';
import type { IkeSa } from './ike-sa.js';
import type { Path } from './path.js';

export interface AdmissionLimits {
  /** From so many half-open SAs on, a stranger must show a cookie first. */
  readonly cookieThreshold?: number;
  /**
   * Half-open SAs that are kept at most; beyond it IKE_SA_INIT requests are dropped. Strangers, from where nobody is called,
   * get half of them, so that they keep no peer of a known address out, and of one source no more than a sixteenth.
   */
  readonly halfOpenLimit?: number;
}

export type Verdict =
  | { readonly kind: 'admit' }
  /** It has been answered: the same request gets the same octets. */
  | { readonly kind: 'known'; readonly sa: IkeSa; readonly repeated: boolean }
  | { readonly kind: 'cookie'; readonly cookie: Uint8Array }
  | { readonly kind: 'full' };

/**
 * Who may begin a handshake as responder (RFC 7296 section 2.6): everybody while there are few half-open SAs; then who
 * shows a cookie, for which nothing is kept; nobody when there are too many.
 */
export class Admission {
  readonly #cookies: CookieJar;
  readonly #limits: AdmissionLimits;
  /** By what a repeated IKE_SA_INIT request shows. */
  readonly #halfOpen = new Map<string, IkeSa>();
  readonly #keys = new Map<IkeSa, Place>();
  readonly #strangers = new Strangers();

  constructor(provider: CryptoProvider, random: RandomSource, limits: AdmissionLimits) {
    this.#cookies = new CookieJar(provider, random);
    this.#limits = limits;
  }

  judge(message: IkeMessage, octets: Uint8Array, { remote }: Path, stranger: boolean, now: number): Verdict {
    const { initiatorSpi } = message.header;
    const known = this.#halfOpen.get(keyOf(message, remote.address));
    if (known !== undefined) {
      const { state } = known;
      const answered = 'handshake' in state ? state.handshake : state;
      const repeated = 'initiatorMessage' in answered && sameAddress(answered.initiatorMessage, octets);
      return { kind: 'known', sa: known, repeated };
    }
    const count = this.#halfOpen.size;
    if (count >= (this.#limits.cookieThreshold ?? COOKIE_THRESHOLD)) {
      const nonce = find(message.payloads, 'Nonce')?.data ?? new Uint8Array(0);
      const cookie = findNotify(message.payloads, 'COOKIE')?.data;
      if (cookie === undefined || !this.#cookies.isValid(cookie, nonce, remote, initiatorSpi, now)) {
        return { kind: 'cookie', cookie: this.#cookies.make(nonce, remote, initiatorSpi, now) };
      }
    }
    const limit = this.#limits.halfOpenLimit ?? HALF_OPEN_LIMIT;
    const full = count >= limit || (stranger && this.#strangers.areTooMany(remote.address, limit));
    return { kind: full ? 'full' : 'admit' };
  }

  admitted(message: IkeMessage, { remote }: Path, sa: IkeSa, stranger: boolean): void {
    const key = keyOf(message, remote.address);
    this.#halfOpen.set(key, sa);
    this.#keys.set(sa, { key, stranger: stranger ? remote.address : undefined });
    if (stranger) this.#strangers.add(remote.address);
  }

  /** It is established, or gone. */
  release(sa: IkeSa): void {
    const place = this.#keys.get(sa);
    if (place === undefined) return;
    this.#keys.delete(sa);
    this.#halfOpen.delete(place.key);
    if (place.stranger !== undefined) this.#strangers.remove(place.stranger);
  }
}

interface Place {
  readonly key: string;
  /** From where; undefined when somebody is called there. */
  readonly stranger: Uint8Array | undefined;
}

/** Half-open SAs with strangers, by source: an IPv4 address, or the 64 bits of an IPv6 address that a host cannot choose. */
class Strangers {
  readonly #bySource = new Map<string, number>();
  #count = 0;

  areTooMany(address: Uint8Array, limit: number): boolean {
    const ofSource = this.#bySource.get(sourceOf(address)) ?? 0;
    return this.#count >= Math.ceil(limit / 2) || ofSource >= Math.ceil(limit / 16);
  }

  add(address: Uint8Array): void {
    const source = sourceOf(address);
    this.#count++;
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
  }

  remove(address: Uint8Array): void {
    const source = sourceOf(address);
    const left = (this.#bySource.get(source) ?? 0) - 1;
    this.#count--;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
  }
}

function sourceOf(address: Uint8Array): string {
  return toHex(address.subarray(0, 8));
}

function keyOf({ header }: IkeMessage, address: Uint8Array): string {
  return `${toHex(header.initiatorSpi)}/${toHex(address)}`;
}

const COOKIE_THRESHOLD = 32;
const HALF_OPEN_LIMIT = 1024;
