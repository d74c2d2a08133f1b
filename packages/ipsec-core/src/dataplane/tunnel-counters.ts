import { readTunnelCounters, type TunnelTraffic } from '../policy/counter-memory.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';

/** Continuous over rekeys, and as long as a policy entry names the tunnel. Octets are those of inner packets. */
export interface TunnelCounters extends TunnelTraffic {
  readonly tunnelId: string;
  readonly inboundSpis: readonly number[];
  /** Of several for parts of the traffic, the last one installed. */
  readonly outboundSpi: number | undefined;
}

/** Of every tunnel that the database knows. */
export function tunnelCounters(associations: SecurityAssociationDatabase): readonly TunnelCounters[] {
  const inbound = new Map<string, number[]>();
  for (const [direction, { tunnelId, spi }] of associations.all()) {
    if (direction === 'inbound') inbound.set(tunnelId, [...(inbound.get(tunnelId) ?? []), spi]);
  }
  return associations.tunnels().map((tunnel) => ({
    tunnelId: tunnel.tunnelId,
    inboundSpis: inbound.get(tunnel.tunnelId) ?? [],
    outboundSpi: tunnel.youngest?.spi,
    ...readTunnelCounters(tunnel.counters),
  }));
}
