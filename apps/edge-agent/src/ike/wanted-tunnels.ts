import { type Connection, type ConnectionEvent, callsAt, type Endpoint } from '@weft/ipsec-core/ike';
import type { ChildProtection } from './child-sa-parameters.js';
import { afterEvent, type NegotiationState, UNTRIED } from './negotiation-state.js';
import { retryPause } from './retry-pause.js';
import { AT_ONCE, type TunnelStart } from './tunnel-start.js';

/** What the tunnels are tried with. */
export interface WantedTunnelsParts {
  /** Asks for what a tunnel lacks; does nothing when that is under way, or there by now. */
  readonly attempt: (tunnelId: string, wants: 'ike' | 'child') => void;
  readonly clock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** In 0..1. */
  readonly random: () => number;
}

/** A tunnel that this edge is to have. */
export interface WantedTunnel {
  readonly connection: Connection;
  /** Of its Child SA; undefined when the bundle does not have the tunnel. */
  readonly protection: ChildProtection | undefined;
  readonly start: TunnelStart;
  readonly state: NegotiationState;
  /** When something last made it be tried before its time. */
  readonly hurriedAt: number;
  readonly cancel: () => void;
}

/** The tunnels that this edge keys itself: how each stands, and when what it lacks is tried next. */
export class WantedTunnels {
  readonly #parts: WantedTunnelsParts;
  readonly #tunnels = new Map<string, WantedTunnel>();

  constructor(parts: WantedTunnelsParts) {
    this.#parts = parts;
  }

  get(tunnelId: string): WantedTunnel | undefined {
    return this.#tunnels.get(tunnelId);
  }

  all(): readonly WantedTunnel[] {
    return [...this.#tunnels.values()];
  }

  /**
   * One that is known goes on as it stands. Of a new one both ends begin; the one with the lower name at once, so that they
   * seldom do it at the same moment. One that is trapped is begun by `hurry`, when traffic asks for it, and by nothing else; one that is
   * awaited is never begun here.
   */
  want(connection: Connection, protection: ChildProtection | undefined, start: TunnelStart = AT_ONCE): void {
    const { name } = connection;
    const known = this.#tunnels.get(name);
    const fresh = { state: UNTRIED, hurriedAt: Number.NEGATIVE_INFINITY, cancel: () => undefined };
    this.#tunnels.set(name, { ...(known ?? fresh), connection, protection, start });
    if (start.kind !== 'at_once') {
      if (known?.start.kind === 'at_once') known.cancel();
      return;
    }
    if (known?.start.kind === 'at_once' || (known !== undefined && known.state.wants === 'nothing')) return;
    const first = Buffer.compare(connection.localIdentity.data, connection.remoteIdentity.data) < 0;
    this.#tryLater(connection.name, this.#parts.random() * SPREAD + (first ? 0 : SECOND_PAUSE));
  }

  /** Forgets all others. @returns the names of what was forgotten. */
  keepOnly(kept: ReadonlySet<string>): readonly string[] {
    const forgotten = [...this.#tunnels].filter(([tunnelId]) => !kept.has(tunnelId));
    for (const [tunnelId, { cancel }] of forgotten) {
      cancel();
      this.#tunnels.delete(tunnelId);
    }
    return forgotten.map(([tunnelId]) => tunnelId);
  }

  /** What an event means for its tunnel. @returns how that stood and stands; undefined when it is none of these. */
  take(event: ConnectionEvent): { readonly before: NegotiationState; readonly now: NegotiationState } | undefined {
    const tunnel = this.#tunnels.get(event.connection);
    if (tunnel === undefined) return undefined;
    const now = asStarted(tunnel, event, afterEvent(tunnel.state, event));
    this.#tunnels.set(event.connection, { ...tunnel, state: now });
    // Whoever still waits for a trapped one asks again (HOLD_MILLISECONDS of the data plane).
    if (now.wants !== 'nothing' && event.kind !== 'ike-attempt-failed' && tunnel.start.kind === 'at_once')
      this.#tryLater(event.connection, retryPause(now.failures, this.#parts.random()));
    return { before: tunnel.state, now };
  }

  /** Tries at once what waits for its time to come, but not again and again. */
  hurry(tunnelId: string): void {
    const tunnel = this.#tunnels.get(tunnelId);
    const now = this.#parts.clock();
    if (tunnel === undefined || tunnel.state.wants === 'nothing' || now - tunnel.hurriedAt < HURRY_INTERVAL) return;
    if (tunnel.start.kind === 'awaited') return;
    this.#tunnels.set(tunnelId, { ...tunnel, hurriedAt: now });
    this.#tryLater(tunnelId, 0);
  }

  /** The same for all tunnels with the peer at this address. */
  hurryPeer({ address }: Endpoint): void {
    for (const [tunnelId, { connection }] of this.#tunnels) {
      if (callsAt(connection, address)) this.hurry(tunnelId);
    }
  }

  #tryLater(tunnelId: string, milliseconds: number): void {
    const tunnel = this.#tunnels.get(tunnelId);
    if (tunnel === undefined) return;
    tunnel.cancel();
    const cancel = this.#parts.after(milliseconds, () => this.#try(tunnelId));
    this.#tunnels.set(tunnelId, { ...tunnel, cancel });
  }

  #try(tunnelId: string): void {
    const wants = this.#tunnels.get(tunnelId)?.state.wants ?? 'nothing';
    if (wants !== 'nothing') this.#parts.attempt(tunnelId, wants);
  }
}

/**
 * What of a failure stays beside its count. Of a trapped tunnel what was there is lost, which its event tells; what nobody asks for
 * does not go on failing. A host that is awaited has not failed when it is away, nor because somebody without its secret says to be it: what is
 * wrong with it shows while it is there.
 */
function asStarted(
  { start, state }: Pick<WantedTunnel, 'start' | 'state'>,
  event: ConnectionEvent,
  after: NegotiationState,
): NegotiationState {
  switch (start.kind) {
    case 'at_once':
      return after;
    case 'trap':
      return event.kind === 'ike-failed' && state.established ? { ...after, failure: undefined } : after;
    case 'awaited':
      if (event.kind === 'ike-attempt-failed') return { ...after, failure: state.failure };
      return event.kind === 'ike-failed' || event.kind === 'ike-closed' ? { ...after, failure: undefined } : after;
  }
}

/** First attempts after a bundle or a start come within this time, and those of the second end after it. */
const SPREAD = 200;
const SECOND_PAUSE = 2000;
/** Traffic that waits, or a peer that is lost, may shorten the pause after a failure so often. */
const HURRY_INTERVAL = 5000;
