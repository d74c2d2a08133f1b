import { Injectable } from '@nestjs/common';
import { FabricStore } from '../distribution/fabric-store.js';
import { tunnelSpecs } from '../distribution/fabric-tunnels.js';
import { KeyingService } from '../keying/keying-service.js';
import { inboundSpi, outboundSpi, type Side, type TunnelKeying, type TunnelSpec } from '../keying/tunnel-keying.js';
import { SessionRegistry } from '../southbound/session-registry.js';
import { type NegotiatingEnd, negotiatedCondition } from './negotiated-condition.js';
import { negotiatedKeyExchange } from './negotiated-keys.js';
import { safeNumber, statusOf, tunnelTraffic } from './rates.js';
import { StatusReports } from './status-reports.js';
import { tunnelCondition } from './tunnel-condition.js';
import { tunnelPath } from './tunnel-path.js';
import type { TunnelEndState, TunnelState } from './tunnel-state.js';

/** The tunnels of a tenant as they are now. */
@Injectable()
export class TunnelStates {
  readonly #store: FabricStore;
  readonly #keying: KeyingService;
  readonly #sessions: SessionRegistry;
  readonly #reports: StatusReports;

  constructor(store: FabricStore, keying: KeyingService, sessions: SessionRegistry, reports: StatusReports) {
    this.#store = store;
    this.#keying = keying;
    this.#sessions = sessions;
    this.#reports = reports;
  }

  /** Tunnels of the newest revision in force, by tunnel id. */
  list(tenantId: string): readonly TunnelState[] {
    const specs = tunnelSpecs(this.#store.assignmentsOf(tenantId));
    return [...specs].map(([tunnelId, spec]) => this.#state(tunnelId, spec)).sort(byTunnelId);
  }

  #state(tunnelId: string, spec: TunnelSpec): TunnelState {
    if (spec.keyingMode === 'ikev2') return this.#negotiated(tunnelId, spec);
    const keying = this.#keying.state(tunnelId);
    return {
      tunnelId,
      keyingMode: 'ike-less',
      keyExchange: null,
      ...tunnelCondition(keying),
      rekeys: keying?.rekeys ?? 0,
      ends: [this.#end(tunnelId, spec, keying, 0), this.#end(tunnelId, spec, keying, 1)],
    };
  }

  /** The edges make the keys: they alone know, and tell it in their reports. */
  #negotiated(tunnelId: string, spec: TunnelSpec): TunnelState {
    const end = (side: Side): NegotiatingEnd => {
      const { edgeId } = spec.ends[side];
      const session = this.#sessions.of(edgeId);
      const reports = this.#reports.of(edgeId);
      // What the agent said before it was started again is no word on the associations that it has now.
      const outdated = session !== undefined && reports?.bootId !== session.bootId;
      return {
        connected: session !== undefined,
        status: outdated ? undefined : statusOf(reports?.last, tunnelId),
      };
    };
    const ends = [end(0), end(1)] as const;
    const shown = (side: Side): TunnelEndState => ({
      ...this.#end(tunnelId, spec, undefined, side),
      inboundSpi: ends[side].status?.inboundSpis.at(-1) ?? null,
      outboundSpi: ends[side].status?.outboundSpi || null,
    });
    return {
      tunnelId,
      keyingMode: 'ikev2',
      keyExchange: negotiatedKeyExchange([ends[0].status, ends[1].status]),
      ...negotiatedCondition(spec, ends),
      rekeys: Math.max(...ends.map(({ status }) => safeNumber(status?.ike?.rekeys ?? 0n))),
      ends: [shown(0), shown(1)],
    };
  }

  #end(tunnelId: string, spec: TunnelSpec, keying: TunnelKeying | undefined, side: Side): TunnelEndState {
    const { edgeId } = spec.ends[side];
    const reports = this.#reports.of(edgeId);
    const current = keying?.current;
    const status = statusOf(reports?.last, tunnelId);
    return {
      edgeId,
      inboundSpi: current === undefined ? null : inboundSpi(current, side),
      outboundSpi: current === undefined ? null : outboundSpi(current, side),
      inbound: tunnelTraffic(reports, tunnelId, 'inbound'),
      outbound: tunnelTraffic(reports, tunnelId, 'outbound'),
      lastReceivedAt: status?.lastReceivedAt ?? null,
      path: tunnelPath(status),
    };
  }
}

function byTunnelId(left: { readonly tunnelId: string }, right: { readonly tunnelId: string }): number {
  return left.tunnelId < right.tunnelId ? -1 : 1;
}
