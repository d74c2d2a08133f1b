/** Rates as this console has seen them, so that a chart has a past when it is opened. Bounded per tunnel. */

export interface RateSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Octets per second, one per direction, in the order of `directionsOf`. */
  readonly rates: readonly [number, number];
}

export interface RateHistory {
  /** Adds a sample per tunnel; forgets tunnels that are not among them. */
  record(at: number, tunnels: ReadonlyMap<string, readonly [number, number]>): void;
  /** Oldest first. The same array until the next sample of that tunnel. */
  samples(tunnelId: string): readonly RateSample[];
  subscribe(listener: () => void): () => void;
}

const NONE: readonly RateSample[] = [];

/** A history that keeps the newest `capacity` samples of each tunnel. */
export function createRateHistory(capacity: number): RateHistory {
  let byTunnel = new Map<string, readonly RateSample[]>();
  const listeners = new Set<() => void>();
  return {
    record(at, tunnels) {
      const next = new Map<string, readonly RateSample[]>();
      for (const [tunnelId, rates] of tunnels) {
        const before = byTunnel.get(tunnelId) ?? NONE;
        next.set(tunnelId, [...before.slice(Math.max(0, before.length + 1 - capacity)), { at, rates }]);
      }
      byTunnel = next;
      for (const listener of listeners) listener();
    },
    samples: (tunnelId) => byTunnel.get(tunnelId) ?? NONE,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
