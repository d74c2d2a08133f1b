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
import { RedundantTunnels } from '../redundancy/redundant-tunnels.js';
import { Batches } from './batches.js';
import { monotonicNow } from './clock.js';
import type { DataPlaneControl, DataPlaneEvents, DataPlaneOptions } from './data-plane-control.js';
import { DesiredPlane, KeptAssociation } from './desired-plane.js';
import { handoverRings } from './handover.js';
import { HeardPaths } from './heard-paths.js';
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
import { DataPlaneError } from './plane-error.js';
import { planeSnapshot } from './plane-snapshot.js';
import { SendingPlaces } from './sending-places.js';
import { SharedCounters } from './shared-counters.js';
import { WorkerGroup } from './worker-group.js';
import { WorkerKeeper } from './worker-keeper.js';

/** Threads that a machine of so many processors gets when nothing else is said. */
export function defaultWorkers(processors: number): number {
  return processors <= 2 ? 1 : Math.min(processors - 1, MOST_DEFAULT_WORKERS);
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
  readonly #heard: HeardPaths;
  readonly #pathProbing: boolean;
  readonly #queue = new SerialQueue(MAX_QUEUED);
  readonly #installs = new Batches<Install>(
    (work) => this.#serially(work),
    (installs) => this.#install(installs),
  );
  #toldPath = '';
  #deviceGone = false;
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
      paths: (messages: readonly PathMessage[]) => this.#heard.passOn(messages),
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
    this.#heard = new HeardPaths(this.#workers, this.#sendingPlaces, workers);
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
    const groups = this.#redundant.states();
    const replacements = (place: number) => this.#workers.replacements(place);
    return Promise.resolve(planeSnapshot(monotonicNow(), this.#desired, this.#counters, { groups, replacements }));
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
/** The agent asks one thing at a time; more would be a mistake. */
const MAX_QUEUED = 64;
