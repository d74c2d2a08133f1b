import { readUint32 } from '../bytes/octets.js';
import { addToCounter, TUNNEL_COUNTER } from '../policy/counter-memory.js';
import type { PathMtu } from '../policy/path-mtu.js';
import { PATH_MTU_SEARCH_STATES, PathMtuSearch } from '../policy/path-mtu-search.js';
import { RoundTrips } from '../policy/round-trips.js';
import { type SecurityAssociationDatabase, samePath } from '../policy/sad.js';
import { ahHeaderLength } from '../wire/ah.js';
import { espPacketLength, maximumEspPayload } from '../wire/esp.js';
import { outerHeaderLength } from '../wire/ip/header.js';
import { PATH_PROBE, type PathProbe } from '../wire/path-probe.js';
import type { DropCounters } from './drop-counters.js';
import type { PathMessage } from './path-messages.js';
import { type PathPacket, type ProbedAssociation, probedAssociation, writePathPacket } from './path-packet.js';

/**
 * Asks the peers of all tunnels what their paths carry (RFC 8899), one search for each, and answers their probes. What a
 * search has found becomes the path MTU of the tunnel's associations. Those in SA bundles are
 * left out: they have no packets to themselves.
 */
export class PathProber {
  readonly #associations: SecurityAssociationDatabase;
  readonly #random: (out: Uint8Array) => void;
  readonly #drops: DropCounters;
  readonly #paths = new Map<string, ProbedPath>();
  /** Tunnels whose search may have something to send. */
  #due: string[] = [];
  #answers: PathMessage[] = [];
  #sweepAt = 0;
  #last: { readonly tunnelId: string; readonly probe: PathProbe } | undefined;

  constructor(associations: SecurityAssociationDatabase, random: (out: Uint8Array) => void, drops: DropCounters) {
    this.#associations = associations;
    this.#drops = drops;
    this.#random = random;
  }

  /** When `next` may have something. */
  get dueAt(): number {
    return this.#answers.length > 0 || this.#due.length > 0 ? 0 : this.#sweepAt;
  }

  /** Associations came or went, or their path is another. */
  changed(): void {
    this.#sweepAt = 0;
  }

  /** Of a tunnel in which no other engine sends. */
  receive(message: PathMessage, now: number): void {
    const { kind, tunnelId, size } = message;
    if (kind === 'probe') {
      if (this.#answers.length < MOST_ANSWERS) this.#answers.push(message);
      return;
    }
    const path = this.#paths.get(tunnelId);
    if (path === undefined) return;
    if (kind === 'hint') path.search.hint(size, now);
    else if (path.search.acknowledge(message, now)) {
      const { counters } = this.#associations.tunnel(tunnelId);
      addToCounter(counters, TUNNEL_COUNTER.pathProbeAnswers, 1);
      path.roundTrips.answered(message.token, now, counters);
    }
    this.#apply(tunnelId, path, now);
    this.#due.push(tunnelId);
  }

  /** The system did not send the last probe, which is larger than the first hop carries. */
  refused(now: number): void {
    const last = this.#last;
    const path = last && this.#paths.get(last.tunnelId);
    if (path === undefined || last === undefined) return;
    path.search.refuse(last.probe, now);
    this.#apply(last.tunnelId, path, now);
    this.#due.push(last.tunnelId);
  }

  /** The tunnel's peer is reached by another path. */
  restart(tunnelId: string): void {
    this.#paths.get(tunnelId)?.search.restart();
    this.changed();
  }

  /** Writes the next packet that is to be sent, undefined: none is. */
  next(out: Uint8Array, outOffset: number, now: number): PathPacket | undefined {
    for (let answer = this.#answers.shift(); answer !== undefined; answer = this.#answers.shift()) {
      const tunnel = this.#associations.tunnel(answer.tunnelId);
      const probed = probedAssociation(tunnel);
      const { length } = PATH_PROBE;
      const packet =
        probed && writePathPacket(probed, 'answer', answer, length, out, outOffset, now, this.#drops, tunnel.counters);
      if (packet !== undefined) return packet;
    }
    if (now >= this.#sweepAt) this.#sweep(now);
    for (let tunnelId = this.#due[0]; tunnelId !== undefined; tunnelId = this.#due[0]) {
      const packet = this.#probe(tunnelId, out, outOffset, now);
      if (packet !== undefined) return packet;
      this.#due.shift();
    }
    return undefined;
  }

  #probe(tunnelId: string, out: Uint8Array, outOffset: number, now: number): PathPacket | undefined {
    const path = this.#paths.get(tunnelId);
    if (path === undefined) return undefined;
    const tunnel = this.#associations.tunnel(tunnelId);
    const probed = probedAssociation(tunnel);
    if (probed === undefined) return undefined;
    const sent = tunnel.counters[TUNNEL_COUNTER.outboundPackets] ?? 0;
    const probe = path.search.poll(now, sent !== path.sent, (size) => fit(probed, size));
    path.sent = sent;
    this.#apply(tunnelId, path, now);
    if (probe === undefined) return undefined;
    this.#last = { tunnelId, probe };
    addToCounter(tunnel.counters, TUNNEL_COUNTER.pathProbes, 1);
    const length = payloadOf(probed, probe.size);
    const packet = writePathPacket(probed, 'probe', probe, length, out, outOffset, now, this.#drops, tunnel.counters);
    // A larger one than is known to pass is sent to be lost, perhaps.
    const passes = probe.size <= (path.search.plpmtu ?? 0);
    if (packet !== undefined) path.roundTrips.sent(probe.token, now, passes, tunnel.counters);
    return packet;
  }

  /** Looks at all tunnels: which searches there are to be, and which of them wait for this moment. */
  #sweep(now: number): void {
    const gone = new Set(this.#paths.keys());
    let next = Number.POSITIVE_INFINITY;
    for (const tunnel of this.#associations.tunnels()) {
      const { tunnelId } = tunnel;
      const probed = probedAssociation(tunnel);
      if (probed === undefined) continue;
      gone.delete(tunnelId);
      let path = this.#paths.get(tunnelId);
      if (path?.maximum !== probed.pathMtu.maximum || path.minimum !== probed.pathMtu.minimum) {
        path = this.#begin(probed.pathMtu);
        this.#paths.set(tunnelId, path);
      }
      const { pollAt } = path.search;
      if (pollAt <= now) this.#due.push(tunnelId);
      else next = Math.min(next, pollAt);
    }
    for (const tunnelId of gone) this.#forget(tunnelId);
    this.#sweepAt = Math.max(now + LEAST_SWEEP_PAUSE, Math.min(next, now + LONGEST_SWEEP_PAUSE));
  }

  #begin({ maximum, minimum }: PathMtu): ProbedPath {
    const octets = new Uint8Array(4);
    this.#random(octets);
    const bounds = { minPlpmtu: minimum, basePlpmtu: Math.max(BASE_PLPMTU, minimum), maxPlpmtu: maximum };
    const search = new PathMtuSearch(bounds, readUint32(octets, 0));
    return { search, roundTrips: new RoundTrips(), maximum, minimum, sent: 0, applied: undefined, blackHoles: 0 };
  }

  #forget(tunnelId: string): void {
    this.#paths.delete(tunnelId);
    const { counters } = this.#associations.tunnel(tunnelId);
    counters[TUNNEL_COUNTER.pathMtuSearch] = 0;
    counters[TUNNEL_COUNTER.roundTrip] = 0;
  }

  /** What was found holds for all associations that go the same way. */
  #apply(tunnelId: string, path: ProbedPath, now: number): void {
    const tunnel = this.#associations.tunnel(tunnelId);
    const { plpmtu, state, blackHoles } = path.search;
    tunnel.counters[TUNNEL_COUNTER.pathMtuSearch] = PATH_MTU_SEARCH_STATES.indexOf(state) + 1;
    addToCounter(tunnel.counters, TUNNEL_COUNTER.pathBlackHoles, blackHoles - path.blackHoles);
    path.blackHoles = blackHoles;
    const probed = probedAssociation(tunnel);
    for (const association of tunnel.all()) {
      if (probed === undefined || !samePath(association, probed)) continue;
      const { pathMtu } = association;
      if (plpmtu !== undefined && pathMtu?.confirmed !== plpmtu) pathMtu?.confirm(plpmtu, now);
      // What a search of an engine before this one has found holds until this one's has decided.
      else if (plpmtu === undefined && path.applied !== undefined) pathMtu?.forget();
    }
    path.applied = plpmtu;
  }
}

interface ProbedPath {
  readonly search: PathMtuSearch;
  readonly roundTrips: RoundTrips;
  readonly maximum: number;
  readonly minimum: number;
  /** Packets that the tunnel had sent when the search was last asked. */
  sent: number;
  /** What the associations were told last. */
  applied: number | undefined;
  /** Those that were counted. */
  blackHoles: number;
}

/** Octets around the ESP or AH packet: what a socket writes, and what the engine does. */
function surroundings({ pathMtu, ownHeader }: ProbedAssociation): number {
  return pathMtu.surroundings + (ownHeader === undefined ? 0 : outerHeaderLength(ownHeader.family));
}

/** Octets of payload of the largest packet that is not larger than `size`. */
function payloadOf(association: ProbedAssociation, size: number): number {
  const room = size - surroundings(association);
  const { esp } = association;
  return esp === undefined ? room - ahLength(association) : maximumEspPayload(room, esp);
}

/** Octets of the largest whole packet that is not larger than `size`. */
function fit(association: ProbedAssociation, size: number): number {
  const { esp } = association;
  return esp === undefined ? size : surroundings(association) + espPacketLength(payloadOf(association, size), esp);
}

function ahLength({ ah, ownHeader }: ProbedAssociation): number {
  return ahHeaderLength(ownHeader?.family ?? 4, ah?.icvFieldLength ?? 0);
}

/** RFC 8899 section 5.1.2 recommends 1200; every path of IPv6 carries this, and nearly every one of IPv4. */
const BASE_PLPMTU = 1280;
/** Milliseconds between two looks at all tunnels: many that are due within them are looked at once. */
const LEAST_SWEEP_PAUSE = 50;
const LONGEST_SWEEP_PAUSE = 1000;
/** Of one turn of the caller's loop. */
const MOST_ANSWERS = 64;
