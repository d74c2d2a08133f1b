import type {
  Explanation,
  LifetimeEvent,
  LivenessNews,
  PathMessage,
  SecurityAssociationParameters,
  TravelParameters,
} from '@weft/ipsec-core';
import { type Endpoint, type EventFd, openEventFd, socketOfSpi, type Tun } from '@weft/linux-io';
import { SerialQueue } from '../platform/serial-queue.js';
import { RedundantTunnels, type TunnelMove } from '../redundancy/redundant-tunnels.js';
import { Batches } from './batches.js';
import { monotonicNow } from './clock.js';
import { DesiredPlane, KeptAssociation } from './desired-plane.js';
import { handoverRings } from './handover.js';
import type {
  DataPlaneSnapshot,
  LoadedPolicies,
  OutboundReference,
  PacketPathReport,
  PolicyDecision,
  TunnelRemote,
} from './messages.js';
import { type PacketWorker, startPacketWorker } from './packet-worker.js';
import { PlacedRequests } from './placed-requests.js';
import { BUNDLE_PLACE, EXPLAINING_PLACE, isOfBundles, receivingPlace } from './places.js';
import { DataPlaneError, DataPlaneRefusal } from './plane-error.js';
import { SendingPlaces } from './sending-places.js';
import { carried, SharedCounters, sumOfDrops, sumOfNews, sumOfPolicy, sumOfTunnel } from './shared-counters.js';
import { WorkerGroup } from './worker-group.js';
import { WorkerKeeper, type WorkerReplacement } from './worker-keeper.js';

export { DataPlaneError, DataPlaneRefusal };

/** Threads that a machine of so many processors gets when nothing else is said. */
export function defaultWorkers(processors: number): number {
  return processors <= 2 ? 1 : Math.min(processors - 1, MOST_DEFAULT_WORKERS);
}

/** The packet path as the rest of the agent sees it. */
export interface DataPlaneControl {
  /** Throws DataPlaneRefusal when the engine does not take the policies; the old ones then stay. */
  load(policies: LoadedPolicies): Promise<void>;
  unload(): Promise<void>;
  /** All or none. The keying material is taken over: it is gone here afterwards. Throws DataPlaneRefusal. */
  install(associations: readonly SecurityAssociationParameters[], remote?: TunnelRemote): Promise<void>;
  /** Packets that come on this SPI before it is installed wait for that, some seconds. */
  expect(inboundSpi: number): Promise<void>;
  remove(inbound: readonly number[], outbound: readonly OutboundReference[]): Promise<void>;
  /**
   * Packets of an association travel otherwise from now on; key, sequence numbers and counters go on. What it needs of the
   * machine is there from its installation: only one that was installed to go directly on IP may do so. One that is gone
   * is no error.
   */
  move(outbound: OutboundReference, travel: TravelParameters): Promise<void>;
  /**
   * Sends a dummy packet (RFC 4303 section 2.6) on an association, whether it carries traffic or not: the peer sees that it is used. It
   * may be lost like any packet; of one that is gone nothing is sent.
   */
  announce(outbound: OutboundReference): Promise<void>;
  /** Sends the packets of a tunnel to this address from now on. */
  redirect(remote: TunnelRemote): Promise<void>;
  /** Other sockets for the underlay, one for each worker; associations go on as they are. The old ones may then be closed. */
  rebind(socketFds: readonly number[]): Promise<void>;
  /** Which entries decide packets of the fabric that go out, by each worker. Nothing is changed by asking. */
  decide(packets: readonly Uint8Array[]): Promise<readonly (readonly PolicyDecision[])[]>;
  /** From memory that the workers share with this thread: none of them is asked. */
  snapshot(): Promise<DataPlaneSnapshot>;
}

/** What the packet path tells unasked. */
export interface DataPlaneEvents {
  readonly lifetime: (events: readonly LifetimeEvent[]) => void;
  /** The first packet came on these inbound associations: the peer sends on them. */
  readonly used?: (inboundSpis: readonly number[]) => void;
  /** A worker ended or stalled: packets that it would move go nowhere until it is replaced. */
  readonly replacing?: (replacement: WorkerReplacement) => void;
  /** It was: it has all policies and associations, and packets pass again. */
  readonly replaced?: () => void;
  /** A worker or the device is gone and cannot be replaced: packets no longer flow. */
  readonly died: (error: DataPlaneError) => void;
  /** Told once the underlay is bound, and again when it changes: which of the faster ways are in use. */
  readonly path?: (report: PacketPathReport) => void;
  /** An IKE message came to the port of ESP in UDP; its marker is off. Without this, such messages are dropped. */
  readonly ike?: (octets: Uint8Array, source: Endpoint, local: Endpoint | undefined) => void;
  /** ESP came with an SPI that no association has (RFC 7296 section 1.5): told of a few of such packets. */
  readonly unknownSpi?: (spi: number, source: Endpoint) => void;
  /** Packets of these tunnels find no association: told once in a while, as long as they come. */
  readonly acquire?: (tunnelIds: readonly string[]) => void;
  /** Packets for a site go to another edge of it. */
  readonly moved?: (move: TunnelMove) => void;
}

/** How the packet path is to work. */
export interface DataPlaneOptions {
  /** Use nothing that this kernel or this Node may lack, even where they have it. The device must be a plain one then. */
  readonly portable?: boolean;
  /** What the threads run, when it is not the packet path itself. */
  readonly module?: URL;
  /** Firewall mark of the packets that the thread's own sockets send, for a routing rule to know them by. */
  readonly mark?: number;
  /** Whether peers are asked what their paths carry, and answered (RFC 8899). False by default. */
  readonly pathProbing?: boolean;
}

/**
 * The packet path on an open device: starts a thread for each of its queues, keeps them alive, and speaks with them. With
 * several, policies are loaded with one socket of a group (SO_REUSEPORT) for each.
 */
export class DataPlaneThread implements DataPlaneControl {
  readonly #events: DataPlaneEvents;
  readonly #desired = new DesiredPlane();
  readonly #counters: readonly SharedCounters[];
  readonly #wakeUps: EventFd[];
  readonly #workers: WorkerGroup;
  readonly #requests: PlacedRequests;
  readonly #sendingPlaces: SendingPlaces;
  readonly #redundant: RedundantTunnels;
  readonly #pathProbing: boolean;
  readonly #queue = new SerialQueue(MAX_QUEUED);
  readonly #installs = new Batches<Install>(
    (work) => this.#serially(work),
    (installs) => this.#install(installs),
  );
  #toldPath = '';
  #deviceGone = false;
  /** What is to be passed on to the workers that send, and whether something is on its way there. */
  readonly #heard: PathMessage[] = [];
  #passingOn = false;
  /** Whether the workers are about to be told where packets of groups go. */
  #tellsChoices = false;

  /** `queues`: of one device, one for each worker (`openTunQueues`). */
  constructor(queues: readonly Tun[], events: DataPlaneEvents, options: DataPlaneOptions = {}) {
    const { portable = false, module, mark, pathProbing = false } = options;
    const workers = queues.length;
    const [device] = queues;
    if (device === undefined || workers > MAXIMUM_WORKERS) throw new RangeError(`1 to ${MAXIMUM_WORKERS} workers`);
    this.#events = events;
    this.#pathProbing = pathProbing;
    this.#redundant = new RedundantTunnels({
      clock: monotonicNow,
      after,
      moved: (move) => {
        events.moved?.(move);
        this.#tellChoices();
      },
    });
    this.#counters = queues.map(() => new SharedCounters());
    this.#sendingPlaces = new SendingPlaces(workers);
    const hears = {
      lifetime: (reached: readonly LifetimeEvent[]) => this.#reached(reached),
      used: (inboundSpis: readonly number[]) => events.used?.(inboundSpis),
      path: (report: PacketPathReport) => this.#tellPath(report),
      ...(events.ike === undefined ? {} : { ike: events.ike }),
      // A worker may lack for a moment what another has, or what it is about to be told.
      unknownSpi: (spi: number, source: Endpoint) => {
        if (!this.#desired.hasInbound(spi)) events.unknownSpi?.(spi, source);
      },
      acquire: (tunnelIds: readonly string[]) => events.acquire?.(tunnelIds),
      paths: (messages: readonly PathMessage[]) => this.#passOn(messages),
      liveness: (news: readonly LivenessNews[]) => this.#redundant.take(news),
      deviceGone: () => this.#tellDeviceGone(),
    };
    this.#wakeUps = this.#counters.map(() => openEventFd());
    const wakeUpFds = this.#wakeUps.map(({ fd }) => fd);
    const rings = handoverRings(workers);
    this.#requests = new PlacedRequests(this.#desired, this.#counters);
    const keepers = this.#counters.map(({ memory }, place) => {
      const tun = queues[place] ?? device;
      const start = {
        device: tun.name,
        tunFd: tun.fd,
        tunWriteFd: tun.writeFd,
        tunOffloads: tun.offloads,
        portable,
        mark,
        pathProbing,
        handover: workers === 1 ? undefined : { place, wakeUpFds, ...rings(place) },
        memory: memory.buffer,
      };
      const wakeUp = this.#wakeUps[place] ?? openEventFd();
      return new WorkerKeeper({
        start: () => startPacketWorker(start, wakeUp, hears, module),
        prepare: (worker) => this.#prepare(place, worker),
        heartbeat: () => memory.heartbeat,
        after,
        replacing: (replacement) => events.replacing?.(replacement),
        replaced: () => events.replaced?.(),
        failed: (error) => events.died(error),
      });
    });
    this.#workers = new WorkerGroup(keepers);
  }

  load(loaded: LoadedPolicies): Promise<void> {
    return this.#serially(async () => {
      for (const socketFds of [loaded.socketFds, ...(loaded.otherSocketFds ?? [])]) this.#requireSockets(socketFds);
      const choices = this.#redundant.choicesIn(loaded.groups);
      await this.#workers.ask((place) => this.#requests.loading(place, loaded, choices));
      const tunnelIds = this.#desired.tunnelIds(loaded);
      this.#desired.load(loaded);
      this.#redundant.configure(loaded.groups);
      this.#reviewGroups();
      // Something was heard while the workers were asked.
      if (loaded.groups.length > 0) this.#tellChoices();
      this.#sendingPlaces.keep(new Set(loaded.tunnels.map(({ tunnelId }) => tunnelId)));
      const entryIds = loaded.policies.map(({ entryId }) => entryId);
      for (const counters of this.#counters) counters.keep(entryIds, tunnelIds);
    });
  }

  unload(): Promise<void> {
    return this.#serially(async () => {
      await this.#workers.ask(() => ({ kind: 'unload' }));
      this.#desired.load(undefined);
      this.#redundant.configure([]);
      this.#sendingPlaces.keep(new Set());
      for (const counters of this.#counters) counters.keep([], []);
    });
  }

  install(associations: readonly SecurityAssociationParameters[], remote?: TunnelRemote): Promise<void> {
    const made = associations.map((association) => new KeptAssociation(association));
    return this.#installs.add({ made, remote }).catch((error: unknown) => {
      for (const association of made) association.wipe();
      throw error;
    });
  }

  /** A worker that is replaced meanwhile does not know of it: no association depends on it. */
  expect(inboundSpi: number): Promise<void> {
    const owner = socketOfSpi(inboundSpi, this.#counters.length);
    // Whether it will be ESP is not known yet.
    const awaits = (place: number) => place === owner || place === BUNDLE_PLACE;
    return this.#serially(() =>
      this.#workers.ask((place) => (awaits(place) ? { kind: 'expect', inboundSpi } : undefined)),
    );
  }

  remove(inbound: readonly number[], outbound: readonly OutboundReference[]): Promise<void> {
    return this.#serially(async () => {
      await this.#workers.ask(() => ({ kind: 'remove', inbound, outbound }));
      this.#desired.remove(inbound, outbound);
      this.#reviewGroups();
    });
  }

  move(outbound: OutboundReference, travel: TravelParameters): Promise<void> {
    return this.#serially(async () => {
      await this.#workers.ask(() => ({ kind: 'move', outbound, travel }));
      this.#desired.move(outbound, travel);
    });
  }

  announce(outbound: OutboundReference): Promise<void> {
    return this.#serially(async () => {
      const sends = this.#sendingPlaces.placeOf(outbound.tunnelId);
      await this.#workers.ask((place) => (place === sends ? { kind: 'announce', outbound } : undefined));
    });
  }

  redirect(remote: TunnelRemote): Promise<void> {
    return this.#serially(async () => {
      await this.#workers.ask(() => ({ kind: 'redirect', remote }));
      this.#desired.redirect(remote);
    });
  }

  rebind(socketFds: readonly number[]): Promise<void> {
    return this.#serially(async () => {
      this.#requireSockets(socketFds);
      await this.#workers.ask((place) => ({ kind: 'rebind', socketFd: socketFds[place] ?? -1 }));
      this.#desired.rebind(socketFds);
    });
  }

  /** What would become of a clear packet that came from the device. Nothing is changed by asking. */
  async explain(packet: Uint8Array): Promise<Explanation> {
    const worker = await this.#workers.at(EXPLAINING_PLACE);
    const answer = await worker?.request({ kind: 'explain', packet });
    if (answer?.explanation !== undefined) return answer.explanation;
    throw new DataPlaneError('worker_ended', 'the packet path does not run', 'ask again in a moment');
  }

  async decide(packets: readonly Uint8Array[]): Promise<readonly (readonly PolicyDecision[])[]> {
    const decisions: (readonly PolicyDecision[])[] = this.#counters.map(() => []);
    await this.#serially(() =>
      this.#workers.ask(
        () => ({ kind: 'decide', packets }),
        undefined,
        (answer, place) => {
          decisions[place] = answer.decisions ?? [];
        },
      ),
    );
    return decisions;
  }

  snapshot(): Promise<DataPlaneSnapshot> {
    const desired = this.#desired;
    const now = monotonicNow();
    const associations = desired.snapshot(now);
    return Promise.resolve({
      now,
      contentHash: desired.loaded?.contentHash,
      associations,
      tunnels: desired.tunnelIds().map((tunnelId) => {
        const ours = associations.filter((association) => association.tunnelId === tunnelId);
        return {
          tunnelId,
          inboundSpis: ours.filter(({ direction }) => direction === 'inbound').map(({ spi }) => spi),
          outboundSpi: ours.findLast(({ direction, current }) => direction === 'outbound' && current)?.spi,
          rekeys: desired.rekeysOf(tunnelId),
          ...sumOfTunnel(this.#counters, tunnelId),
        };
      }),
      groups: this.#redundant.states(),
      policies: (desired.loaded?.policies ?? []).map(({ entryId, ruleId }) => ({
        entryId,
        ruleId,
        ...sumOfPolicy(this.#counters, entryId),
      })),
      drops: sumOfDrops(this.#counters),
      ...sumOfNews(this.#counters),
      keepalives: this.#counters.reduce((sum, { io }) => sum + BigInt(io.keepalives), 0n),
      workers: this.#counters.map((counters, place) => ({
        heartbeat: counters.memory.heartbeat,
        replacements: this.#workers.replacements(place),
        fromDevice: counters.io.fromDevice,
        passedOn: counters.io.passedOn,
        busyMilliseconds: counters.io.busyMilliseconds,
        idleMilliseconds: counters.io.idleMilliseconds,
        ...carried(counters),
      })),
    });
  }

  /** Ends the threads; packets stop. */
  async stop(): Promise<void> {
    this.#redundant.stop();
    // A thread that is stuck may go on one day: what it would wake must not be another file by then.
    if (await this.#workers.stop()) for (const wakeUp of this.#wakeUps.splice(0)) wakeUp.close();
    this.#desired.load(undefined);
  }

  #requireSockets(socketFds: readonly number[]): void {
    const workers = this.#counters.length;
    if (socketFds.length !== workers) throw new RangeError(`${workers} workers need as many sockets`);
  }

  /** One thing at a time, in the order of asking: a worker that is replaced in between is told a state, not half of one. */
  #serially(work: () => Promise<void>): Promise<void> {
    this.#installs.close();
    return this.#queue.run(work);
  }

  /** One request to the workers, however many were asked for: each time two threads take turns. */
  async #install(installs: readonly Install[]): Promise<void> {
    const made = installs.flatMap((install) => install.made);
    const remotes = installs.flatMap(({ remote }) => (remote === undefined ? [] : [remote]));
    for (const association of made) association.sender = this.#senderOf(association, made);
    await this.#workers.ask(
      (place) => this.#requests.installing(place, made, remotes),
      (place) => this.#requests.removing(place, made),
    );
    this.#desired.install(made);
    this.#reviewGroups();
    for (const remote of remotes) this.#desired.redirect(remote);
  }

  /** Place of the worker that is to send on an association, of those that are installed with it; undefined for an inbound one. */
  #senderOf({ parameters }: KeptAssociation, made: readonly KeptAssociation[]): number | undefined {
    if (parameters.direction === 'inbound') return undefined;
    if (isOfBundles(parameters)) return BUNDLE_PLACE;
    const { tunnelId } = parameters;
    const ofTunnel = (one: KeptAssociation) =>
      one.parameters.direction === 'inbound' && one.parameters.tunnelId === tunnelId;
    const inbound = made.find(ofTunnel) ?? this.#desired.inboundOf(tunnelId);
    const receives = inbound && receivingPlace(inbound.parameters, this.#counters.length);
    return this.#sendingPlaces.of(tunnelId, receives);
  }

  /**
   * Everything that a new worker is to know, before it takes a packet: what has waited in its socket and in its queue while
   * nobody was there is not lost for want of an association.
   */
  async #prepare(place: number, worker: PacketWorker): Promise<void> {
    const { loaded, redirected } = this.#desired;
    await worker.request(
      loaded === undefined ? { kind: 'unload' } : this.#requests.loading(place, loaded, this.#redundant.choices()),
    );
    const installing = this.#requests.installing(place, this.#desired.associations(), []);
    if (installing !== undefined) await worker.request(installing);
    for (const remote of redirected) await worker.request({ kind: 'redirect', remote });
    await worker.request({ kind: 'begin' });
  }

  /** What is told again, by a worker that took over or by another that has the association too, is news to nobody. */
  #reached(events: readonly LifetimeEvent[]): void {
    const news = events.filter((event) => this.#desired.reached(event));
    if (news.length === 0) return;
    this.#reviewGroups();
    this.#events.lifetime(news);
  }

  /**
   * To the workers that send in the tunnels. One that is being replaced does without: who asked asks again, and what was answered is asked
   * for again.
   */
  #passOn(messages: readonly PathMessage[]): void {
    this.#heard.push(...messages.slice(0, MOST_HEARD - this.#heard.length));
    if (this.#passingOn) return;
    this.#passingOn = true;
    void this.#passHeardOn().finally(() => {
      this.#passingOn = false;
    });
  }

  async #passHeardOn(): Promise<void> {
    try {
      while (this.#heard.length > 0) {
        const heard = this.#heard.splice(0);
        for (let place = 0; place < this.#counters.length; place++) {
          const messages = heard.filter(({ tunnelId }) => this.#sendingPlaces.placeOf(tunnelId) === place);
          if (messages.length > 0) await (await this.#workers.at(place))?.request({ kind: 'paths', messages });
        }
      }
    } catch {
      // The worker has ended: what it would have been told of is asked for again.
      this.#heard.splice(0);
    }
  }

  /**
   * A peer without an association does not answer: that is known at once, and no probe is waited for. Where peers are not asked,
   * one with an association is held for alive, until IKE has found that it is not.
   */
  #reviewGroups(): void {
    const news = this.#redundant.tunnelIds().flatMap((tunnelId) => {
      const alive = this.#desired.hasOutbound(tunnelId);
      return alive && this.#pathProbing ? [] : [{ tunnelId, alive }];
    });
    if (news.length > 0) this.#redundant.take(news);
  }

  /** What is to be told is what holds then: several moves are told as one. */
  #tellChoices(): void {
    if (this.#tellsChoices) return;
    this.#tellsChoices = true;
    this.#serially(() => {
      this.#tellsChoices = false;
      return this.#workers.ask(() => ({ kind: 'choose', choices: this.#redundant.choices() }));
    }).catch((error: unknown) => {
      // Without workers no packet goes anywhere; who replaces one tells it all.
      if (!(error instanceof DataPlaneError)) throw error;
    });
  }

  /** Each worker sees it. */
  #tellDeviceGone(): void {
    if (this.#deviceGone) return;
    this.#deviceGone = true;
    const fix = 'start the agent again, as its service manager does by itself: it makes another device';
    this.#events.died(new DataPlaneError('device_gone', 'the overlay device was removed', fix));
  }

  /** Once, and again only when it changes. */
  #tellPath(report: PacketPathReport): void {
    const told = JSON.stringify(report);
    if (told === this.#toldPath) return;
    this.#toldPath = told;
    this.#events.path?.(report);
  }
}

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

/** Associations that are installed as a whole or not at all, and where their peer is. */
interface Install {
  readonly made: readonly KeptAssociation[];
  readonly remote: TunnelRemote | undefined;
}

/** Each has a share of the tunnels, and few edges have many. */
const MOST_DEFAULT_WORKERS = 4;
/** As many as may be asked for. */
export const MAXIMUM_WORKERS = 16;
/** Messages about paths that wait for the workers that send; what is more is asked for again. */
const MOST_HEARD = 256;
/** The agent asks one thing at a time; more would be a mistake. */
const MAX_QUEUED = 64;
