import type { IkeEvent, Negotiation, NegotiationHistory } from '@weft/ipsec-core/ike';

/** A negotiation of a tunnel: one that the engine has, or the last one that ended. */
export interface EdgeNegotiation {
  readonly state: Negotiation['state'] | 'ended';
  readonly history: NegotiationHistory;
}

/** How the last negotiation of each tunnel ended: the engine forgets that, and it is what is asked for afterwards. */
export class EndedNegotiations {
  readonly #histories = new Map<string, NegotiationHistory>();

  take(event: IkeEvent): void {
    if (event.kind === 'ike-failed' || event.kind === 'ike-closed')
      this.#histories.set(event.connection, event.history);
    // Whoever it was has proved nothing, so it takes the place of nothing.
    if (event.kind === 'ike-attempt-failed' && !this.#histories.has(event.connection))
      this.#histories.set(event.connection, event.history);
  }

  forget(tunnelId: string): void {
    this.#histories.delete(tunnelId);
  }

  /** By tunnel: what ended last, then what the engine has. */
  with(living: readonly Negotiation[]): ReadonlyMap<string, readonly EdgeNegotiation[]> {
    const all = new Map<string, readonly EdgeNegotiation[]>();
    const add = (tunnelId: string, negotiation: EdgeNegotiation) =>
      all.set(tunnelId, [...(all.get(tunnelId) ?? []), negotiation]);
    for (const [tunnelId, history] of this.#histories) add(tunnelId, { state: 'ended', history });
    for (const { connection, state, history } of living) add(connection, { state, history });
    return all;
  }
}
