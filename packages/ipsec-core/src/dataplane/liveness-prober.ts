import { readUint32 } from '../bytes/octets.js';
import { type LivenessBounds, PathLiveness, type PathLivenessState } from '../policy/path-liveness.js';
import { RoundTrips } from '../policy/round-trips.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import { PATH_PROBE } from '../wire/path-probe.js';
import type { DropCounters } from './drop-counters.js';
import type { PathMessage } from './path-messages.js';
import { type PathPacket, probedAssociation, writePathPacket } from './path-packet.js';

/** A tunnel whose peer is asked, again and again, whether it answers. */
export interface WatchedTunnel extends LivenessBounds {
  readonly tunnelId: string;
}

/** A peer answers in a tunnel from now on, or does not any more. */
export interface LivenessNews {
  readonly tunnelId: string;
  readonly alive: boolean;
}

/**
 * Asks the peers of the watched tunnels whether they answer, each inside the association that carries its traffic. Of a tunnel
 * without one, or in which another engine sends, it says nothing.
 */
export class LivenessProber {
  readonly #associations: SecurityAssociationDatabase;
  readonly #random: (out: Uint8Array) => void;
  readonly #drops: DropCounters;
  #watched = new Map<string, Watch>();
  #news: LivenessNews[] = [];
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(associations: SecurityAssociationDatabase, random: (out: Uint8Array) => void, drops: DropCounters) {
    this.#associations = associations;
    this.#random = random;
    this.#drops = drops;
  }

  /** When `next` may have something. */
  get dueAt(): number {
    return this.#dueAt;
  }

  get waits(): boolean {
    return this.#news.length > 0;
  }

  /** Watches these and no others. What was found of a tunnel that stays, with the same bounds, holds. */
  watch(tunnels: readonly WatchedTunnel[]): void {
    const before = this.#watched;
    this.#watched = new Map(
      tunnels.map((tunnel) => {
        const known = before.get(tunnel.tunnelId);
        const same = known?.tunnel.interval === tunnel.interval && known.tunnel.misses === tunnel.misses;
        return [tunnel.tunnelId, same ? known : this.#begin(tunnel)];
      }),
    );
    this.changed();
  }

  /** An association of the tunnel went. When it was the last one, what was found is told anew with the next. */
  removed(tunnelId: string): void {
    const watch = this.#watched.get(tunnelId);
    if (watch === undefined || probedAssociation(this.#associations.tunnel(tunnelId)) !== undefined) return;
    watch.liveness.forget();
    watch.told = 'unknown';
    this.#news = this.#news.filter((news) => news.tunnelId !== tunnelId);
  }

  /** An association came. */
  changed(): void {
    this.#dueAt = this.#watched.size === 0 ? Number.POSITIVE_INFINITY : 0;
  }

  /** @returns false when it is no answer to a probe of liveness. */
  receive({ kind, tunnelId, size, token }: PathMessage, now: number): boolean {
    if (kind !== 'answer' || size !== NO_SIZE) return false;
    const watch = this.#watched.get(tunnelId);
    if (watch === undefined) return true;
    watch.liveness.acknowledge(token);
    watch.roundTrips.answered(token, now, this.#associations.tunnel(tunnelId).counters);
    this.#tell(watch);
    return true;
  }

  /** What is news since the last call. */
  take(): readonly LivenessNews[] {
    return this.#news.splice(0);
  }

  /** Writes the next probe that is to be sent; undefined: none is. */
  next(out: Uint8Array, outOffset: number, now: number): PathPacket | undefined {
    if (now < this.#dueAt) return undefined;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const watch of this.#watched.values()) {
      const { liveness } = watch;
      const tunnel = this.#associations.tunnel(watch.tunnel.tunnelId);
      const association = probedAssociation(tunnel);
      if (association === undefined) continue;
      const token = liveness.poll(now);
      this.#tell(watch);
      dueAt = Math.min(dueAt, liveness.pollAt);
      if (token === undefined) continue;
      const probe = { token, size: NO_SIZE };
      const { length } = PATH_PROBE;
      const { counters } = tunnel;
      const packet = writePathPacket(association, 'probe', probe, length, out, outOffset, now, this.#drops, counters);
      if (packet === undefined) continue;
      watch.roundTrips.sent(token, now, true, counters);
      // The others are as due as before: the next call finds them.
      return packet;
    }
    this.#dueAt = dueAt;
    return undefined;
  }

  #begin(tunnel: WatchedTunnel): Watch {
    const octets = new Uint8Array(4);
    this.#random(octets);
    const liveness = new PathLiveness(tunnel, readUint32(octets, 0));
    return { tunnel, liveness, roundTrips: new RoundTrips(), told: 'unknown' };
  }

  #tell(watch: Watch): void {
    const { state } = watch.liveness;
    if (state === watch.told || state === 'unknown') return;
    watch.told = state;
    const { tunnelId } = watch.tunnel;
    this.#news = [...this.#news.filter((news) => news.tunnelId !== tunnelId), { tunnelId, alive: state === 'alive' }];
  }
}

interface Watch {
  readonly tunnel: WatchedTunnel;
  readonly liveness: PathLiveness;
  readonly roundTrips: RoundTrips;
  /** What the caller knows. */
  told: PathLivenessState;
}

/** By which a probe, and its answer, are told from those of the path MTU. */
const NO_SIZE = 0;
