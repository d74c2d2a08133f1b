import type { InboundAssociation } from '../policy/security-association.js';
import { type PathProbe, readPathProbe } from '../wire/path-probe.js';

/**
 * What an engine has heard about the path of a tunnel. `probe`: the peer asks to be answered. `answer`: it has answered.
 * `hint`: somebody, whom nothing authenticates, says that packets of more than `size` octets do not pass.
 */
export interface PathMessage extends PathProbe {
  readonly kind: 'probe' | 'answer' | 'hint';
  readonly tunnelId: string;
}

/** What was heard since it was last taken, for the engine that sends: which may be another than the one that receives. */
export class PathMessages {
  readonly enabled: boolean;
  #messages: PathMessage[] = [];

  /** `enabled`: whether somebody takes them; otherwise there are none. */
  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  get waits(): boolean {
    return this.#messages.length > 0;
  }

  take(): readonly PathMessage[] {
    return this.#messages.splice(0);
  }

  /** The payload of an authentic dummy packet. @returns false when it only fills the line, or too much waits already. */
  acceptDummy({ tunnelId }: InboundAssociation, octets: Uint8Array, offset: number, length: number): boolean {
    if (!this.enabled) return false;
    const probe = readPathProbe(octets, offset, length);
    return probe !== undefined && this.#add({ tunnelId, ...probe });
  }

  /** @returns false when nobody asks the peer, or too much waits already. */
  addHint(tunnelId: string, size: number): boolean {
    return this.#add({ kind: 'hint', tunnelId, size, token: 0 });
  }

  #add(message: PathMessage): boolean {
    if (!this.enabled || this.#messages.length >= MOST_WAITING) return false;
    this.#messages.push(message);
    return true;
  }
}

/** They are taken with every turn of the caller's loop; in one, an honest peer sends two. */
const MOST_WAITING = 64;
