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
  /** Half-open SAs that are kept at most; beyond it IKE_SA_INIT requests are dropped. */
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
  readonly #keys = new Map<IkeSa, string>();

  constructor(provider: CryptoProvider, random: RandomSource, limits: AdmissionLimits) {
    this.#cookies = new CookieJar(provider, random);
    this.#limits = limits;
  }

  judge(message: IkeMessage, octets: Uint8Array, { remote }: Path, now: number): Verdict {
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
    return count >= (this.#limits.halfOpenLimit ?? HALF_OPEN_LIMIT) ? { kind: 'full' } : { kind: 'admit' };
  }

  admitted(message: IkeMessage, { remote }: Path, sa: IkeSa): void {
    const key = keyOf(message, remote.address);
    this.#halfOpen.set(key, sa);
    this.#keys.set(sa, key);
  }

  /** It is established, or gone. */
  release(sa: IkeSa): void {
    const key = this.#keys.get(sa);
    if (key === undefined) return;
    this.#keys.delete(sa);
    this.#halfOpen.delete(key);
  }
}

function keyOf({ header }: IkeMessage, address: Uint8Array): string {
  return `${toHex(header.initiatorSpi)}/${toHex(address)}`;
}

const COOKIE_THRESHOLD = 32;
const HALF_OPEN_LIMIT = 1024;
