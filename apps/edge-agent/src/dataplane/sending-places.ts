/**
 * Which worker sends on the outbound associations of a tunnel: decided once, when the first of them is installed, and the same
 * as long as the tunnel is there. So a rekey leaves the packets of a flow in their order.
 */
export class SendingPlaces {
  readonly #places = new Map<string, number>();
  /** Tunnels, by place. */
  readonly #tunnels: number[];

  constructor(workers: number) {
    this.#tunnels = new Array<number>(workers).fill(0);
  }

  /**
   * The place for a tunnel: of those with the fewest tunnels, the first one behind `receives`, where what comes in the tunnel
   * is received, so that the two directions of a single tunnel are the work of two.
   */
  of(tunnelId: string, receives: number | undefined): number {
    const known = this.#places.get(tunnelId);
    if (known !== undefined) return known;
    const fewest = Math.min(...this.#tunnels);
    const workers = this.#tunnels.length;
    let place = ((receives ?? workers - 1) + 1) % workers;
    while (this.#tunnels[place] !== fewest) place = (place + 1) % workers;
    this.#places.set(tunnelId, place);
    this.#tunnels[place] = fewest + 1;
    return place;
  }

  /** The place of a tunnel that has one. */
  placeOf(tunnelId: string): number | undefined {
    return this.#places.get(tunnelId);
  }

  /** Forgets the tunnels that are gone. */
  keep(tunnelIds: ReadonlySet<string>): void {
    for (const [tunnelId, place] of this.#places) {
      if (tunnelIds.has(tunnelId)) continue;
      this.#places.delete(tunnelId);
      this.#tunnels[place] = (this.#tunnels[place] ?? 1) - 1;
    }
  }
}
