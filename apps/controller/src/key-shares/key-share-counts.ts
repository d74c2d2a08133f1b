import { Injectable } from '@nestjs/common';

/**
 * What became of messages: `stored`; `relayed`, each time that the other edge was sent one; `superseded` by a later one of the same edge
 * before it was stored; `unstored`, as the session ended before; `no_tunnel`: it was of none that both edges should key in this way.
 */
export const KEY_SHARE_RESULTS = ['stored', 'relayed', 'superseded', 'unstored', 'no_tunnel'] as const;
export type KeyShareResult = (typeof KEY_SHARE_RESULTS)[number];

/** What this controller has counted of relayed key shares since it was started. */
@Injectable()
export class KeyShareCounts {
  readonly #counts = new Map<KeyShareResult, number>(KEY_SHARE_RESULTS.map((result) => [result, 0]));

  add(result: KeyShareResult, number: number): void {
    this.#counts.set(result, (this.#counts.get(result) ?? 0) + number);
  }

  get all(): ReadonlyMap<KeyShareResult, number> {
    return this.#counts;
  }
}
