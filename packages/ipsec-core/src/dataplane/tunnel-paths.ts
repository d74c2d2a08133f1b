import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { DropCounters } from './drop-counters.js';
import { type LivenessNews, LivenessProber, type WatchedTunnel } from './liveness-prober.js';
import { type PathMessage, PathMessages } from './path-messages.js';
import type { PathPacket } from './path-packet.js';
import { PathProber } from './path-prober.js';

/**
 * What an engine asks its peers about the paths of its tunnels, and what it hears: how large a packet they carry (RFC 8899),
 * and whether somebody is there. Without `pathProbing` it asks and hears nothing.
 */
export class TunnelPaths {
  /** For those who receive, and hear something. */
  readonly heard: PathMessages;
  readonly #associations: SecurityAssociationDatabase;
  readonly #prober: PathProber;
  readonly #liveness: LivenessProber;

  constructor(
    associations: SecurityAssociationDatabase,
    random: (out: Uint8Array) => void,
    drops: DropCounters,
    pathProbing: boolean,
  ) {
    this.heard = new PathMessages(pathProbing);
    this.#associations = associations;
    this.#prober = new PathProber(associations, random, drops);
    this.#liveness = new LivenessProber(associations, random, drops);
  }

  /** Asks the peers of these tunnels, and of no others, whether they answer: with `pathProbing` only. */
  watch(tunnels: readonly WatchedTunnel[]): void {
    this.#liveness.watch(tunnels);
  }

  /** Whether `takeLiveness` has something; costs nothing. */
  get livenessWaits(): boolean {
    return this.#liveness.waits;
  }

  /** Of watched tunnels in which this engine sends: which peers answer, and which do not any more, since the last call. */
  takeLiveness(): readonly LivenessNews[] {
    return this.#liveness.take();
  }

  /** Whether `takeMessages` has something; costs nothing. */
  get messagesWait(): boolean {
    return this.heard.waits;
  }

  /** What was heard about paths since the last call, for `receive` of the engine that sends. */
  takeMessages(): readonly PathMessage[] {
    return this.heard.take();
  }

  /**
   * What this engine, or another of the edge that receives, has heard. @returns false when it is for the engine that sends in
   * that tunnel, and this is another.
   */
  receive(message: PathMessage, now: number): boolean {
    if (this.#associations.tunnel(message.tunnelId).youngest?.sentBy !== undefined) return false;
    if (!this.#liveness.receive(message, now)) this.#prober.receive(message, now);
    return true;
  }

  /** When `next` may have something; never without `pathProbing`. */
  get dueAt(): number {
    return this.heard.enabled ? Math.min(this.#liveness.dueAt, this.#prober.dueAt) : Number.POSITIVE_INFINITY;
  }

  /**
   * Writes a probe or an answer that is to be sent at once, and never cut: no user's packet is in it. Call it until there is
   * none. `out` as for `dummy`: it needs room for the MTU of the first hop.
   */
  next(out: Uint8Array, outOffset: number, now: number): PathPacket | undefined {
    return this.#liveness.next(out, outOffset, now) ?? this.#prober.next(out, outOffset, now);
  }

  /** The system did not send the last probe because it is larger than the first hop carries, which is the truth. */
  refuse(now: number): void {
    this.#prober.refused(now);
  }

  /** The peer is reached by another path from now on, as after a move: nothing is known of it. */
  forgetPathMtu(tunnelId: string): void {
    for (const association of this.#associations.tunnel(tunnelId).all()) association.pathMtu?.forget();
    this.restart(tunnelId);
  }

  /** What is known of one association's path was forgotten: the search for it begins anew. */
  restart(tunnelId: string): void {
    this.#prober.restart(tunnelId);
  }

  /** An association came. */
  installed(): void {
    this.#prober.changed();
    this.#liveness.changed();
  }

  /** One for sending went. */
  removed(tunnelId: string): void {
    this.#liveness.removed(tunnelId);
  }
}
