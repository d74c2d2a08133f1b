import { randomBytes, randomInt } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Bundle, InstalledAssociation, SecurityAssociationResult } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { bundleMatchesSpec } from '../distribution/fabric-tunnels.js';
import { Clock } from '../platform/clock/clock.js';
import { InjectLogger } from '../platform/logging/logger.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { advanceTunnel } from './advance-tunnel.js';
import { commandMessage } from './command-message.js';
import type { KeyingEffect, KeyingEnvironment, KeyingEvent } from './keying-event.js';
import { KeyingMaterial } from './keying-material.js';
import {
  isFinished,
  newTunnelKeying,
  otherSide,
  SIDES,
  type Side,
  type TunnelKeying,
  type TunnelProfile,
  type TunnelSpec,
} from './tunnel-keying.js';

/** What is known of a connected edge. */
interface KeyedEdge {
  readonly session: EdgeSession;
  /** As its Hello said. */
  readonly associations: readonly InstalledAssociation[];
  /** The bundle that it runs; undefined when it is not known. */
  running: Bundle | undefined;
}

/**
 * Runs the keying of all tunnels: turns what happens into events of the state machine, carries out what it decides,
 * and wakes it when time has passed. Everything lives in memory; a restart learns from the edges' Hello.
 */
@Injectable()
export class KeyingService implements OnApplicationShutdown {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tunnels = new Map<string, TunnelKeying>();
  readonly #tunnelsOfEdge = new Map<string, Set<string>>();
  readonly #tenantOfTunnel = new Map<string, string>();
  readonly #edges = new Map<string, KeyedEdge>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(clock: Clock, @InjectLogger() logger: Logger) {
    this.#clock = clock;
    this.#logger = logger.child({ component: 'keying' });
  }

  /** The tunnels of a tenant as its newest revision wants them. Those that stay as they are are not touched. */
  retarget(tenantId: string, specs: ReadonlyMap<string, TunnelSpec>): void {
    for (const [tunnelId, owner] of this.#tenantOfTunnel) {
      if (owner === tenantId && !specs.has(tunnelId)) this.#dispatch(tunnelId, { kind: 'unwanted' });
    }
    for (const [tunnelId, spec] of specs) {
      const known = this.#tunnels.get(tunnelId);
      if (known === undefined) {
        this.#add(tenantId, tunnelId, spec);
        continue;
      }
      this.#dispatch(tunnelId, { kind: 'wanted', spec });
      for (const side of SIDES) this.#announceBundle(tunnelId, side);
    }
  }

  /** An edge has said Hello. What it runs follows with `bundleRunning`. */
  sessionOpened(session: EdgeSession, associations: readonly InstalledAssociation[]): void {
    this.#edges.set(session.edgeId, { session, associations, running: undefined });
    this.#forTunnelsOf(session.edgeId, (tunnelId, side) => this.#announceHello(tunnelId, side));
  }

  sessionClosed(session: EdgeSession): void {
    if (this.#edges.get(session.edgeId)?.session !== session) return;
    this.#edges.delete(session.edgeId);
    this.#forTunnelsOf(session.edgeId, (tunnelId, side) => this.#dispatch(tunnelId, { kind: 'lost', side }));
  }

  /** The edge runs this bundle; undefined when it runs one that the controller does not know. */
  bundleRunning(edgeId: string, running: Bundle | undefined): void {
    const edge = this.#edges.get(edgeId);
    if (edge === undefined) return;
    edge.running = running;
    this.#forTunnelsOf(edgeId, (tunnelId, side) => this.#announceBundle(tunnelId, side));
  }

  /** False when no command with this id waits for an answer of the edge. */
  answered(edgeId: string, { commandId, rejection }: SecurityAssociationResult): boolean {
    const tunnelId = commandId.split('/')[0] ?? '';
    const state = this.#tunnels.get(tunnelId);
    const side = SIDES.find((candidate) => state?.spec.ends[candidate].edgeId === edgeId);
    if (state === undefined || side === undefined || state.ends[side].pending?.commandId !== commandId) return false;
    this.#dispatch(tunnelId, { kind: 'answered', side, commandId, rejection });
    return true;
  }

  expiring(edgeId: string, { tunnelId, spi, inbound }: InstalledAssociation): void {
    const state = this.#tunnels.get(tunnelId);
    const side = SIDES.find((candidate) => state?.spec.ends[candidate].edgeId === edgeId);
    if (side !== undefined) this.#dispatch(tunnelId, { kind: 'expiring', side, inbound, spi });
  }

  state(tunnelId: string): TunnelKeying | undefined {
    return this.#tunnels.get(tunnelId);
  }

  onApplicationShutdown(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const { attempt } of this.#tunnels.values()) {
      for (const keys of attempt?.keys ?? []) keys.wipe();
    }
    this.#tunnels.clear();
  }

  #add(tenantId: string, tunnelId: string, spec: TunnelSpec): void {
    this.#tunnels.set(tunnelId, newTunnelKeying(tunnelId, spec));
    this.#tenantOfTunnel.set(tunnelId, tenantId);
    for (const { edgeId } of spec.ends) {
      const tunnels = this.#tunnelsOfEdge.get(edgeId) ?? new Set();
      this.#tunnelsOfEdge.set(edgeId, tunnels.add(tunnelId));
    }
    for (const side of SIDES) this.#announceHello(tunnelId, side);
    for (const side of SIDES) this.#announceBundle(tunnelId, side);
  }

  #remove(tunnelId: string, state: TunnelKeying): void {
    this.#tunnels.delete(tunnelId);
    this.#tenantOfTunnel.delete(tunnelId);
    clearTimeout(this.#timers.get(tunnelId));
    this.#timers.delete(tunnelId);
    for (const { edgeId } of state.spec.ends) {
      const tunnels = this.#tunnelsOfEdge.get(edgeId);
      tunnels?.delete(tunnelId);
      if (tunnels?.size === 0) this.#tunnelsOfEdge.delete(edgeId);
    }
  }

  #announceHello(tunnelId: string, side: Side): void {
    const edge = this.#edgeAt(tunnelId, side);
    if (edge === undefined) return;
    const own = edge.associations.filter((association) => association.tunnelId === tunnelId);
    const spis = (inbound: boolean) =>
      own.filter((association) => association.inbound === inbound).map(({ spi }) => spi);
    this.#dispatch(tunnelId, { kind: 'connected', side, inbound: spis(true), outbound: spis(false) });
  }

  #announceBundle(tunnelId: string, side: Side): void {
    const edge = this.#edgeAt(tunnelId, side);
    const state = this.#tunnels.get(tunnelId);
    if (edge === undefined || state === undefined) return;
    const { running } = edge;
    if (running === undefined) {
      this.#dispatch(tunnelId, { kind: 'unready', side });
    } else if (!running.tunnels.some((tunnel) => tunnel.tunnelId === tunnelId)) {
      this.#dispatch(tunnelId, { kind: 'dropped', side });
    } else {
      const matches = bundleMatchesSpec(running, tunnelId, state.spec, state.spec.ends[otherSide(side)]);
      this.#dispatch(tunnelId, { kind: matches ? 'ready' : 'unready', side });
    }
  }

  #edgeAt(tunnelId: string, side: Side): KeyedEdge | undefined {
    return this.#edges.get(this.#tunnels.get(tunnelId)?.spec.ends[side].edgeId ?? '');
  }

  #forTunnelsOf(edgeId: string, act: (tunnelId: string, side: Side) => void): void {
    for (const tunnelId of [...(this.#tunnelsOfEdge.get(edgeId) ?? [])]) {
      act(tunnelId, this.#tunnels.get(tunnelId)?.spec.ends[0].edgeId === edgeId ? 0 : 1);
    }
  }

  #dispatch(tunnelId: string, event: KeyingEvent): void {
    const before = this.#tunnels.get(tunnelId);
    if (before === undefined) return;
    const { state, effects, wakeAt } = advanceTunnel(before, event, this.#environment(before.spec));
    this.#tunnels.set(tunnelId, state);
    this.#schedule(tunnelId, wakeAt);
    for (const effect of effects) this.#carryOut(state, effect);
    if (isFinished(state)) this.#remove(tunnelId, state);
  }

  #carryOut(state: TunnelKeying, effect: KeyingEffect): void {
    switch (effect.kind) {
      case 'command': {
        const { value, wipe } = commandMessage(state, effect);
        const session = this.#edgeAt(state.tunnelId, effect.side)?.session;
        if (session === undefined) wipe();
        else session.send({ $case: 'securityAssociationCommand', value }, wipe);
        break;
      }
      case 'disconnect':
        this.#edgeAt(state.tunnelId, effect.side)?.session.end('DEADLINE_EXCEEDED', effect.reason);
        break;
      case 'wipe':
        effect.keys.wipe();
        break;
      case 'story': {
        const edges = state.spec.ends.map(({ name }) => name);
        this.#logger[effect.level]({ tunnelId: state.tunnelId, edges }, effect.story);
        break;
      }
    }
  }

  #schedule(tunnelId: string, wakeAt: number | undefined): void {
    clearTimeout(this.#timers.get(tunnelId));
    if (wakeAt === undefined) {
      this.#timers.delete(tunnelId);
      return;
    }
    // Too early is harmless: the tick changes nothing and names the same time again. Too late is what load does.
    const milliseconds = Math.max(0, Math.ceil(wakeAt - this.#clock.monotonicMilliseconds()));
    const timer = setTimeout(() => this.#dispatch(tunnelId, { kind: 'tick' }), milliseconds);
    this.#timers.set(tunnelId, timer.unref());
  }

  #environment(spec: TunnelSpec): KeyingEnvironment {
    return {
      now: this.#clock.monotonicMilliseconds(),
      spi: (side) => this.#freshSpi(spec.ends[side].edgeId),
      keyingMaterial: () => new KeyingMaterial(randomBytes(keyOctets(spec.profile))),
    };
  }

  /** Random, and unlike every SPI that the edge may use for receiving, on whatever tunnel. */
  #freshSpi(edgeId: string): number {
    const used = new Set(this.#edges.get(edgeId)?.associations.map(({ spi }) => spi));
    this.#forTunnelsOf(edgeId, (tunnelId, side) => {
      for (const spi of this.#tunnels.get(tunnelId)?.ends[side].inbound.keys() ?? []) used.add(spi);
    });
    for (;;) {
      const spi = randomInt(FIRST_SPI, SPI_LIMIT);
      if (!used.has(spi)) return spi;
    }
  }
}

function keyOctets(profile: TunnelProfile): number {
  if (profile.protocol === 'ah') throw new Error('a tunnel of AH is negotiated by its edges');
  return profile.keyBits / 8 + SALT_OCTETS;
}

/** RFC 4106 section 8.1, RFC 7634 section 2. */
const SALT_OCTETS = 4;

/** RFC 4303 section 2.1: 1 to 255 are reserved. */
const FIRST_SPI = 256;
const SPI_LIMIT = 2 ** 32;
