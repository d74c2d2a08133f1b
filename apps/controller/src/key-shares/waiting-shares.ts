import type { KeyShare } from '@weft/contracts/southbound';

/**
 * What an edge has said and nobody has stored: the latest message of each tunnel, in the order in which tunnels came, and no more octets
 * than `limit`. An edge says for a tunnel only what takes the place of what it said before, so that the latest is all that counts.
 */
export class WaitingShares {
  readonly #limit: number;
  readonly #messages = new Map<string, Buffer>();
  #octets = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** `full`: it was not taken. */
  put({ tunnelId, signedMessage }: KeyShare): 'first' | 'superseding' | 'full' {
    const before = this.#messages.get(tunnelId);
    const octets = this.#octets - (before?.length ?? 0) + signedMessage.length;
    if (octets > this.#limit) return 'full';
    this.#messages.set(tunnelId, signedMessage);
    this.#octets = octets;
    return before === undefined ? 'first' : 'superseding';
  }

  /** Takes those out that `admits` lets go, and stops before the first for which it says `stop`. */
  take(admits: (tunnelId: string) => 'take' | 'leave' | 'stop'): readonly KeyShare[] {
    const taken: KeyShare[] = [];
    for (const [tunnelId, signedMessage] of this.#messages) {
      const verdict = admits(tunnelId);
      if (verdict === 'stop') break;
      if (verdict === 'leave') continue;
      taken.push({ tunnelId, signedMessage });
      this.#remove(tunnelId, signedMessage);
    }
    return taken;
  }

  /** Takes back what could not be stored. @returns how many are gone, as a later one has come meanwhile */
  putBack(shares: readonly KeyShare[]): number {
    const kept = shares.filter(({ tunnelId }) => !this.#messages.has(tunnelId));
    // They were within the limit once: what came meanwhile may be above it for as long as they wait.
    for (const { tunnelId, signedMessage } of kept) {
      this.#messages.set(tunnelId, signedMessage);
      this.#octets += signedMessage.length;
    }
    return shares.length - kept.length;
  }

  /** Forgets what was said of tunnels that are not to be. @returns how many */
  retain(isThere: (tunnelId: string) => boolean): number {
    const before = this.#messages.size;
    for (const [tunnelId, message] of this.#messages) if (!isThere(tunnelId)) this.#remove(tunnelId, message);
    return before - this.#messages.size;
  }

  #remove(tunnelId: string, message: Buffer): void {
    this.#messages.delete(tunnelId);
    this.#octets -= message.length;
  }
}
