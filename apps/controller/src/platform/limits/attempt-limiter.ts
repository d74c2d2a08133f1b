/**
 * Token buckets by address: `burst` attempts at once, one more each `intervalMilliseconds`. Remembers at most
 * `capacity` addresses and forgets the one that has been quiet longest first.
 */
export class AttemptLimiter {
  readonly #limits: AttemptLimits;
  /** In order of the last attempt. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Counts an attempt. 0 when it may go on, else the milliseconds until the next may. */
  attempt(address: string, now: number): number {
    const { burst, intervalMilliseconds, capacity } = this.#limits;
    const key = limitKey(address);
    const bucket = this.#buckets.get(key) ?? { tokens: burst, updated: now };
    const tokens = Math.min(burst, bucket.tokens + (now - bucket.updated) / intervalMilliseconds);
    const allowed = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, updated: now });
    if (this.#buckets.size > capacity) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return allowed ? 0 : Math.ceil((1 - tokens) * intervalMilliseconds);
  }
}

export interface AttemptLimits {
  readonly burst: number;
  readonly intervalMilliseconds: number;
  readonly capacity: number;
}

interface Bucket {
  readonly tokens: number;
  readonly updated: number;
}

/** One customer has a /64 at least: counting single IPv6 addresses would count nothing. */
function limitKey(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...new Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
