/** How much a tunnel has carried, in either direction. What probes its path, or whether its peer lives, is not counted. */
export interface Carried {
  readonly tunnelId: string;
  readonly inboundPackets: bigint;
  readonly outboundPackets: bigint;
}

/** Which tunnels have carried nothing for as long as they may. */
export class IdleTunnels {
  readonly #seen = new Map<string, { readonly packets: bigint; readonly since: number }>();

  /**
   * Looks at all tunnels that may be idle. One that is seen for the first time, or was away, has its whole time before it.
   * @param allowed milliseconds, by tunnel id
   * @returns those whose time is over; they are forgotten
   */
  look(allowed: ReadonlyMap<string, number>, carried: readonly Carried[], now: number): readonly string[] {
    for (const tunnelId of this.#seen.keys()) if (!allowed.has(tunnelId)) this.#seen.delete(tunnelId);
    const over: string[] = [];
    for (const { tunnelId, inboundPackets, outboundPackets } of carried) {
      const limit = allowed.get(tunnelId);
      if (limit === undefined) continue;
      const packets = inboundPackets + outboundPackets;
      const before = this.#seen.get(tunnelId);
      if (before?.packets !== packets) this.#seen.set(tunnelId, { packets, since: now });
      else if (now - before.since >= limit) {
        this.#seen.delete(tunnelId);
        over.push(tunnelId);
      }
    }
    return over;
  }
}
