import type { Direction } from '../crypto/provider.js';
import { SecurityAssociationError } from '../errors.js';
import type { LifetimeStage } from './lifetime.js';
import {
  type AssociationOptions,
  InboundAssociation,
  OutboundAssociation,
  type SecurityAssociation,
} from './security-association.js';
import type { SecurityAssociationParameters } from './security-association-parameters.js';
import { compareOctets } from './selector.js';
import { Tunnel } from './tunnel.js';

export interface LifetimeEvent {
  readonly kind: LifetimeStage;
  readonly direction: Direction;
  readonly tunnelId: string;
  readonly spi: number;
}

/**
 * The SAD (RFC 4301 section 4.4.2): inbound associations by SPI and protocol, outbound ones by the tunnel that uses them.
 * The destination takes no part: the SPIs are ours, and "implementations that support only unicast traffic need not
 * implement this de-multiplexing algorithm" (section 4.1).
 */
export class SecurityAssociationDatabase {
  readonly #options: AssociationOptions;
  readonly #inbound = new Map<number, InboundAssociation>();
  readonly #inboundAh = new Map<number, InboundAssociation>();
  readonly #tunnels = new Map<string, Tunnel>();
  /** The one asked for last: successive packets are of one, and it need not be looked up for each. */
  #recent: Tunnel | undefined;
  #installations = 0;

  constructor(options: AssociationOptions) {
    this.#options = options;
  }

  /** Throws SecurityAssociationError and changes nothing when the association cannot be made. */
  install(parameters: SecurityAssociationParameters, now: number): void {
    const { spi, tunnelId } = parameters;
    if (parameters.direction === 'inbound') {
      // One space for both protocols (RFC 4301 section 4.1 lets a receiver do so): an SPI then names one association.
      if (this.#inbound.has(spi) || this.#inboundAh.has(spi)) {
        throw new SecurityAssociationError('SPI_IN_USE', `Inbound SPI ${spi} is in use: choose another.`);
      }
      const inbound = new InboundAssociation(parameters, this.#options, now);
      (parameters.protocol === 'esp' ? this.#inbound : this.#inboundAh).set(spi, inbound);
      this.tunnel(tunnelId);
      return;
    }
    if (this.#tunnels.get(tunnelId)?.has(spi) === true) {
      throw new SecurityAssociationError('SPI_IN_USE', `Tunnel ${tunnelId} has an outbound SPI ${spi} already.`);
    }
    const association = new OutboundAssociation(parameters, this.#options, now, this.#installations);
    this.#installations++;
    const owner = this.tunnel(tunnelId);
    const sibling = owner.youngest;
    if (sibling !== undefined && samePath(association, sibling)) association.pathMtu?.inherit(sibling.pathMtu);
    owner.add(association);
  }

  /** The tunnel of this name, made when it is new. */
  tunnel(tunnelId: string): Tunnel {
    if (this.#recent?.tunnelId === tunnelId) return this.#recent;
    let tunnel = this.#tunnels.get(tunnelId);
    if (tunnel === undefined) {
      tunnel = new Tunnel(tunnelId, this.#options.counters?.tunnel(tunnelId));
      this.#tunnels.set(tunnelId, tunnel);
    }
    this.#recent = tunnel;
    return tunnel;
  }

  /** The ESP association of this SPI. */
  inbound(spi: number): InboundAssociation | undefined {
    return this.#inbound.get(spi);
  }

  /** The AH association of this SPI. */
  inboundAh(spi: number): InboundAssociation | undefined {
    return this.#inboundAh.get(spi);
  }

  removeInbound(spi: number): boolean {
    (this.#inbound.get(spi) ?? this.#inboundAh.get(spi))?.destroy();
    return this.#inbound.delete(spi) || this.#inboundAh.delete(spi);
  }

  /** Removing the one that sends puts its youngest predecessor, if one is left, back in its place. */
  removeOutbound(tunnelId: string, spi: number): boolean {
    return this.#tunnels.get(tunnelId)?.remove(spi) ?? false;
  }

  /** Reports lifetimes reached since the last call; what is over is removed. */
  expire(now: number): readonly LifetimeEvent[] {
    const events: LifetimeEvent[] = [];
    for (const [direction, association] of this.all()) {
      const exhausted = association instanceof OutboundAssociation && association.exhausted;
      const kind = association.lifetime.due(now, association.packets, association.bytes, exhausted);
      if (kind === undefined) continue;
      const { tunnelId, spi } = association;
      events.push({ kind, direction, tunnelId, spi });
      if (kind === 'soft') association.state = 'dying';
      if (kind !== 'hard') continue;
      if (direction === 'inbound') this.removeInbound(spi);
      else this.removeOutbound(tunnelId, spi);
    }
    return events;
  }

  /** SPIs of inbound associations that took their first packet since the last call: their peers send on them by now. */
  newlyUsed(): readonly number[] {
    const spis: number[] = [];
    for (const associations of [this.#inbound, this.#inboundAh]) {
      for (const association of associations.values()) {
        if (association.useReported || association.packets === 0) continue;
        association.useReported = true;
        spis.push(association.spi);
      }
    }
    return spis;
  }

  all(): readonly (readonly [Direction, SecurityAssociation])[] {
    const list: [Direction, SecurityAssociation][] = [];
    for (const association of this.#inbound.values()) list.push(['inbound', association]);
    for (const association of this.#inboundAh.values()) list.push(['inbound', association]);
    for (const tunnel of this.#tunnels.values()) {
      for (const association of tunnel.all()) list.push(['outbound', association]);
    }
    return list;
  }

  tunnels(): readonly Tunnel[] {
    return [...this.#tunnels.values()];
  }

  /** Forgets tunnels that have no association and are not needed; with them go their counters. */
  forgetTunnels(isNeeded: (tunnelId: string) => boolean): void {
    this.#recent = undefined;
    const used = new Set(this.all().map(([, { tunnelId }]) => tunnelId));
    for (const tunnelId of this.#tunnels.keys()) {
      if (!used.has(tunnelId) && !isNeeded(tunnelId)) this.#tunnels.delete(tunnelId);
    }
  }
}

/** Whether two associations of a tunnel send to the same place; where a socket writes the header, its owner knows. */
export function samePath(one: OutboundAssociation, other: OutboundAssociation): boolean {
  if (one.outer === undefined || other.outer === undefined) return one.outer === other.outer;
  return compareOctets(one.outer.destination, other.outer.destination) === 0;
}
