import { Injectable } from '@nestjs/common';
import type { Bundle } from '@weft/contracts/southbound';
import { standingRejection } from '../distribution/edge-assignment.js';
import { FabricStore } from '../distribution/fabric-store.js';
import { type ExternalTunnelSpec, externalTunnelSpecs, tunnelSpecs } from '../distribution/fabric-tunnels.js';
import { KeyingService } from '../keying/keying-service.js';
import { inboundSpi, outboundSpi, type Side, type TunnelKeying, type TunnelSpec } from '../keying/tunnel-keying.js';
import { SessionRegistry } from '../southbound/session-registry.js';
import { externalCondition } from './external-condition.js';
import { type NegotiatingEnd, negotiatedCondition } from './negotiated-condition.js';
import { negotiatedKeyExchange, RELAYED_KEY_EXCHANGE } from './negotiated-keys.js';
import { observedPeer } from './observed-peer.js';
import { safeNumber, statusOf, tunnelTraffic } from './rates.js';
import { StatusReports } from './status-reports.js';
import { tunnelCondition } from './tunnel-condition.js';
import { tunnelPath } from './tunnel-path.js';
import type { TunnelCondition, TunnelEndState, TunnelState } from './tunnel-state.js';

interface TunnelInForce {
  readonly tunnelId: string;
  readonly spec: TunnelSpec | ExternalTunnelSpec;
}

/** The tunnels of a tenant as they are now. */
@Injectable()
export class TunnelStates {
  readonly #store: FabricStore;
  readonly #keying: KeyingService;
  readonly #sessions: SessionRegistry;
  readonly #reports: StatusReports;
  /** By tenant. */
  readonly #known = new Map<
    string,
    { readonly bundles: readonly Bundle[]; readonly tunnels: readonly TunnelInForce[] }
  >();

  constructor(store: FabricStore, keying: KeyingService, sessions: SessionRegistry, reports: StatusReports) {
    this.#store = store;
    this.#keying = keying;
    this.#sessions = sessions;
    this.#reports = reports;
  }

  /**
   * Tunnels of the newest revision in force, by tunnel id, of those behind `after`. A mesh of a thousand edges has half a million: each is
   * looked at when it is asked for.
   */
  *list(tenantId: string, after = ''): Generator<TunnelState> {
    for (const { tunnelId, spec } of this.#inForce(tenantId)) {
      if (tunnelId <= after) continue;
      yield 'externalPeer' in spec ? this.#external(tunnelId, spec) : this.#state(tunnelId, spec);
    }
  }

  /** In how many tunnels what is the case. */
  count(tenantId: string): Readonly<Record<TunnelCondition, number>> {
    const are = { up: 0, waiting: 0, establishing: 0, down: 0 };
    for (const { tunnelId, spec } of this.#inForce(tenantId)) are[this.#conditionOf(tunnelId, spec)] += 1;
    return are;
  }

  #conditionOf(tunnelId: string, spec: TunnelSpec | ExternalTunnelSpec): TunnelCondition {
    if ('externalPeer' in spec) {
      return externalCondition(this.#negotiating(tunnelId, spec.edgeId), spec.externalPeer).state;
    }
    if (spec.keyingMode === 'ike-less') return tunnelCondition(this.#keying.state(tunnelId)).state;
    const [one, other] = spec.ends;
    const ends = [this.#negotiating(tunnelId, one.edgeId), this.#negotiating(tunnelId, other.edgeId)] as const;
    return negotiatedCondition(spec, ends).state;
  }

  /** By tunnel id. They are what they were while all edges should run what they should. */
  #inForce(tenantId: string): readonly TunnelInForce[] {
    const assignments = this.#store.assignmentsOf(tenantId);
    const bundles = assignments.map(({ desired }) => desired.bundle);
    const known = this.#known.get(tenantId);
    if (known !== undefined && sameItems(known.bundles, bundles)) return known.tunnels;
    const tunnels = [...tunnelSpecs(assignments), ...externalTunnelSpecs(assignments)]
      .map(([tunnelId, spec]): TunnelInForce => ({ tunnelId, spec }))
      .sort(byTunnelId);
    this.#known.set(tenantId, { bundles, tunnels });
    return tunnels;
  }

  #state(tunnelId: string, spec: TunnelSpec): TunnelState {
    if (spec.keyingMode !== 'ike-less') return this.#negotiated(tunnelId, spec);
    const keying = this.#keying.state(tunnelId);
    return {
      tunnelId,
      keyingMode: 'ike-less',
      securityProtocol: spec.profile.protocol,
      mode: spec.profile.mode ?? 'tunnel',
      keyExchange: null,
      ...tunnelCondition(keying),
      rekeys: keying?.rekeys ?? 0,
      externalPeer: null,
      ends: [this.#keyedEnd(tunnelId, spec, keying, 0), this.#keyedEnd(tunnelId, spec, keying, 1)],
    };
  }

  /** The edges make the keys: they alone know, and tell it in their reports. */
  #negotiated(tunnelId: string, spec: TunnelSpec): TunnelState {
    const [one, other] = spec.ends;
    const ends = [this.#negotiating(tunnelId, one.edgeId), this.#negotiating(tunnelId, other.edgeId)] as const;
    const condition = negotiatedCondition(spec, ends);
    const relayed = condition.state === 'up' ? RELAYED_KEY_EXCHANGE : null;
    return {
      tunnelId,
      keyingMode: spec.keyingMode,
      securityProtocol: spec.profile.protocol,
      mode: spec.profile.mode ?? 'tunnel',
      keyExchange: spec.keyingMode === 'ikev2' ? negotiatedKeyExchange([ends[0].status, ends[1].status]) : relayed,
      ...condition,
      rekeys: Math.max(...ends.map(rekeysOf)),
      externalPeer: null,
      ends: [this.#negotiatedEnd(tunnelId, one.edgeId, ends[0]), this.#negotiatedEnd(tunnelId, other.edgeId, ends[1])],
    };
  }

  #external(tunnelId: string, { edgeId, externalPeer }: ExternalTunnelSpec): TunnelState {
    const end = this.#negotiating(tunnelId, edgeId);
    return {
      tunnelId,
      keyingMode: 'ikev2',
      // An external peer is offered ESP in tunnel mode and nothing else.
      securityProtocol: 'esp',
      mode: 'tunnel',
      keyExchange: negotiatedKeyExchange([end.status, end.status]),
      ...externalCondition(end, externalPeer),
      rekeys: rekeysOf(end),
      externalPeer,
      ends: [this.#negotiatedEnd(tunnelId, edgeId, end)],
    };
  }

  #negotiating(tunnelId: string, edgeId: string): NegotiatingEnd {
    const session = this.#sessions.of(edgeId);
    const reports = this.#reports.of(edgeId);
    // What the agent said before it was started again is no word on the associations that it has now.
    const outdated = session !== undefined && reports?.bootId !== session.bootId;
    const assignment = this.#store.assignment(edgeId);
    return {
      connected: session !== undefined,
      refusal: assignment && standingRejection(assignment)?.reason,
      status: outdated ? undefined : statusOf(reports?.last, tunnelId),
    };
  }

  #negotiatedEnd(tunnelId: string, edgeId: string, { status }: NegotiatingEnd): TunnelEndState {
    const inboundSpi = status?.inboundSpis.at(-1) ?? null;
    return { ...this.#reported(tunnelId, edgeId), inboundSpi, outboundSpi: status?.outboundSpi || null };
  }

  #keyedEnd(tunnelId: string, spec: TunnelSpec, keying: TunnelKeying | undefined, side: Side): TunnelEndState {
    const current = keying?.current;
    return {
      ...this.#reported(tunnelId, spec.ends[side].edgeId),
      inboundSpi: current === undefined ? null : inboundSpi(current, side),
      outboundSpi: current === undefined ? null : outboundSpi(current, side),
    };
  }

  #reported(tunnelId: string, edgeId: string): Omit<TunnelEndState, 'inboundSpi' | 'outboundSpi'> {
    const reports = this.#reports.of(edgeId);
    const status = statusOf(reports?.last, tunnelId);
    const met = observedPeer(status);
    return {
      edgeId,
      inbound: tunnelTraffic(reports, tunnelId, 'inbound'),
      outbound: tunnelTraffic(reports, tunnelId, 'outbound'),
      lastReceivedAt: status?.lastReceivedAt ?? null,
      path: tunnelPath(status),
      observedPeer: met,
      behindNat: met === null ? null : (status?.ike?.localBehindNat ?? false),
    };
  }
}

function rekeysOf({ status }: NegotiatingEnd): number {
  return safeNumber(status?.ike?.rekeys ?? 0n);
}

function sameItems(one: readonly Bundle[], other: readonly Bundle[]): boolean {
  return one.length === other.length && one.every((bundle, index) => bundle === other[index]);
}

function byTunnelId(left: { readonly tunnelId: string }, right: { readonly tunnelId: string }): number {
  return left.tunnelId < right.tunnelId ? -1 : 1;
}
