import { randomFillSync } from 'node:crypto';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { createDataPlane, type DataPlane, type NetworkMapper } from '@weft/ipsec-core';
import {
  allocatePacketMemory,
  type Endpoint,
  type EventFd,
  eventFdFromDescriptor,
  POLLERR,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
  type RawSocketOptions,
  tunFromDescriptor,
  type UdpSocket,
  udpSocketFromDescriptor,
} from '@weft/linux-io';
import { monotonicNow } from './clock.js';
import { type CryptoChoice, chooseCrypto } from './crypto-choice.js';
import { Handover } from './handover.js';
import { IkePassage } from './ike-passage.js';
import { INBOUND_OCTETS, InboundPath } from './inbound.js';
import { IoCounters } from './io-counters.js';
import { KeptPairs } from './kept-pairs.js';
import { LonePackets } from './lone-packets.js';
import type {
  LoadedPolicies,
  NumberedRequest,
  OutboundReference,
  PolicyDecision,
  TunnelRemote,
  WorkerMessage,
  WorkerRequest,
  WorkerStart,
} from './messages.js';
import { OUTBOUND_OCTETS, OutboundPath, PASSED_ON_OCTETS } from './outbound.js';
import { PathProbing } from './path-probing.js';
import { PathRehearsal } from './path-rehearsal.js';
import { MAXIMUM_RAW_SOCKETS, RawSockets } from './raw-sockets.js';
import {
  installAssociations,
  loadPolicies,
  networkMapperOf,
  refusalOf,
  removeNamed,
  unloadPolicies,
} from './requests.js';
import { SelfTest } from './self-test.js';
import { dropReasonOf } from './send-or-settle.js';
import { GivenCounters } from './shared-counters.js';
import type { Underlay, Uplink } from './underlay.js';
import { UnderlayErrors } from './underlay-errors.js';
import { WarmPath } from './warm-path.js';
import { WorkerMemory } from './worker-memory.js';

interface WritableUnderlay extends Underlay {
  readonly remotes: Map<string, Uint8Array>;
  readonly ways: Map<Uint8Array, Uplink>;
}

/**
 * The thread of the packet path: one loop that blocks in poll over device, underlay and wake-up. Its event loop never
 * turns, so messages are taken from the port by hand after the main thread has raised the wake-up.
 */
class PacketLoop {
  readonly #port: MessagePort;
  readonly #wakeUp: EventFd;
  readonly #counters: IoCounters;
  readonly #memory: WorkerMemory;
  readonly #given: GivenCounters;
  readonly #dataPlane: DataPlane;
  readonly #outbound: OutboundPath;
  readonly #inbound: InboundPath;
  readonly #rawSockets: RawSockets;
  readonly #errors: UnderlayErrors;
  readonly #lonePackets: LonePackets;
  readonly #pathProbing: PathProbing | undefined;
  readonly #poll = new PollSet(OTHER_SOCKETS + MAXIMUM_OTHER_SOCKETS);
  readonly #start: WorkerStart;
  readonly #crypto: CryptoChoice;
  readonly #warmPath: WarmPath;
  #underlay: WritableUnderlay = { socket: undefined, remotes: new Map(), ways: new Map() };
  /** The other uplinks, by the address that they are on. */
  #others: readonly Uplink[] = [];
  /** Whether it has been told all that it is to know: what waits for it until then must not be judged by less. */
  #begun = false;
  #mapper: NetworkMapper | undefined;
  #deviceGone = false;
  #stopping = false;

  constructor(port: MessagePort, start: WorkerStart) {
    this.#port = port;
    this.#wakeUp = eventFdFromDescriptor(start.wakeUpFd);
    this.#start = start;
    this.#crypto = chooseCrypto(start.portable);
    this.#memory = new WorkerMemory(start.memory);
    this.#given = new GivenCounters(this.#memory);
    this.#dataPlane = createDataPlane({
      provider: this.#crypto.provider,
      random: (out) => randomFillSync(out),
      counters: this.#given,
      pathProbing: start.pathProbing,
    });
    const counters = new IoCounters(this.#memory.io);
    this.#counters = counters;
    const tun = tunFromDescriptor(start.tunFd, start.device, start.tunOffloads, start.tunWriteFd);
    const handover = start.handover && new Handover(start.handover);
    this.#rawSockets = new RawSockets(start.portable ? undefined : rawSocketOptions(start), this.#memory.rawSockets);
    this.#errors = new UnderlayErrors(this.#dataPlane, start.mark, this.#memory);
    const sealed = allocatePacketMemory(OUTBOUND_OCTETS + (handover === undefined ? 0 : PASSED_ON_OCTETS));
    const clear = allocatePacketMemory(INBOUND_OCTETS);
    new SelfTest(this.#crypto.provider, sealed, clear, tun.offloads).run(SELF_TEST_MILLISECONDS, monotonicNow);
    const pairs = new KeptPairs(this.#memory.rehearsal);
    const rehearsal = new PathRehearsal(this.#crypto.provider, tun.offloads, pairs);
    rehearsal.run(REHEARSAL_MILLISECONDS, monotonicNow);
    this.#warmPath = new WarmPath(rehearsal, monotonicNow());
    this.#outbound = new OutboundPath(tun, this.#dataPlane, counters, sealed, this.#rawSockets, this.#errors, handover);
    this.#lonePackets = new LonePackets(counters, this.#rawSockets, this.#errors);
    this.#pathProbing = start.pathProbing
      ? new PathProbing(this.#dataPlane.paths, counters, this.#lonePackets)
      : undefined;
    const ike =
      start.ikeBacklog &&
      new IkePassage(start.ikeBacklog, (octets, source, local) => this.#tell({ kind: 'ike', octets, source, local }));
    this.#inbound = new InboundPath(tun, this.#dataPlane, counters, clear, ike, handover, (spi, source) =>
      this.#tell({ kind: 'unknown-spi', spi, source }),
    );
    this.#poll.watch(WAKE_UP, start.wakeUpFd, POLLIN);
    unloadPolicies(this.#dataPlane);
  }

  /** Until it is stopped. Whatever ends it, the keys are wiped, and what it has opened itself is closed. */
  run(): void {
    try {
      this.#loop();
    } finally {
      unloadPolicies(this.#dataPlane);
      this.#rawSockets.close();
      this.#warmPath.close();
    }
  }

  #loop(): void {
    let nextExpiry = 0;
    let now = monotonicNow();
    let movedAt = now;
    while (!this.#stopping) {
      this.#watch();
      const idleSince = monotonicNow();
      const ready = this.#poll.wait(this.#longestWait(idleSince));
      this.#memory.beat();
      const busySince = now;
      now = monotonicNow();
      this.#counters.countTime(idleSince - busySince, now - idleSince);
      this.#errors.now = now;
      if ((this.#poll.ready(WAKE_UP) & POLLIN) !== 0 && this.#wakeUp.clear()) this.#receiveRequests(now);
      if (ready === 0) this.#warmPath.refresh(now);
      if (this.#begun && this.#movePackets(now, now - movedAt >= PAUSE_MILLISECONDS)) {
        movedAt = now;
        this.#warmPath.used(now);
      }
      if (now >= nextExpiry) {
        nextExpiry = now + EXPIRY_INTERVAL_MILLISECONDS;
        this.#expire(now);
      }
    }
  }

  /** @returns whether there was a packet of the device, or one for it: what edges say to each other does not count. */
  #movePackets(now: number, afterPause: boolean): boolean {
    this.#serveSocket(now);
    this.#serveOthers(now);
    this.#serveRawSockets(now);
    this.#inbound.runHandedOver(BUDGET, now);
    this.#lookAfterDevice();
    if (this.#outbound.blocked) this.#outbound.resume(this.#underlay, now);
    this.#outbound.runPassedOn(this.#underlay, BUDGET, now);
    this.#outbound.passWaiting(now);
    // The kernel answers within the write to the device: a packet that came may have left its answer there.
    const delivered = this.#inbound.takeDelivered();
    const given = (this.#poll.ready(DEVICE) & POLLIN) !== 0;
    if (given || (delivered && !this.#outbound.waits)) this.#outbound.run(this.#underlay, BUDGET, now, afterPause);
    if (this.#dataPlane.asksForAssociations) this.#acquire();
    if (this.#dataPlane.paths.messagesWait) this.#hearOfPaths(now);
    if (this.#probes && now >= this.#dataPlane.paths.dueAt) this.#pathProbing?.run(this.#underlay, BUDGET, now);
    if (this.#dataPlane.paths.livenessWaits)
      this.#tell({ kind: 'liveness', news: this.#dataPlane.paths.takeLiveness() });
    return given || delivered;
  }

  /** A device that somebody has removed reports an error and nothing else, for ever: it is told of, and not waited for any more. */
  #lookAfterDevice(): void {
    const ready = this.#poll.ready(DEVICE);
    if ((ready & POLLNVAL) !== 0) throw new Error('the overlay device was closed under the packet path');
    if ((ready & POLLERR) === 0 || this.#deviceGone) return;
    this.#deviceGone = true;
    this.#tell({ kind: 'device-gone' });
  }

  /** When the underlay takes nothing, it takes no probes either. */
  get #probes(): boolean {
    return this.#pathProbing !== undefined && this.#begun && !this.#outbound.blocked;
  }

  #longestWait(now: number): number {
    const dueIn = this.#probes ? Math.max(0, this.#dataPlane.paths.dueAt - now) : LONGEST_WAIT_MILLISECONDS;
    return Math.ceil(Math.min(LONGEST_WAIT_MILLISECONDS, dueIn, this.#warmPath.longestWait(now)));
  }

  #hearOfPaths(now: number): void {
    const messages = this.#dataPlane.paths.takeMessages();
    const forOthers = messages.filter((message) => !this.#dataPlane.paths.receive(message, now));
    if (forOthers.length > 0) this.#tell({ kind: 'paths', messages: forOthers });
  }

  #watch(): void {
    if (!this.#begun) return;
    const { waits, blockedSocket, blockedDatagrams } = this.#outbound;
    this.#poll.watch(DEVICE, this.#deviceGone ? -1 : this.#start.tunFd, waits ? 0 : POLLIN);
    const awaited = (socket: UdpSocket | undefined) => (socket === blockedDatagrams ? POLLIN | POLLOUT : POLLIN);
    this.#poll.watch(SOCKET, this.#underlay.socket?.fd ?? -1, awaited(this.#underlay.socket));
    for (let index = 0; index < MAXIMUM_OTHER_SOCKETS; index++) {
      const socket = this.#others[index]?.socket;
      this.#poll.watch(OTHER_SOCKETS + index, socket?.fd ?? -1, awaited(socket));
    }
    const { all } = this.#rawSockets;
    for (let index = 0; index < all.length; index++) {
      const socket = all[index];
      const events = socket === blockedSocket ? POLLIN | POLLOUT : POLLIN;
      this.#poll.watch(RAW_SOCKETS + index, socket?.fd ?? -1, events);
    }
  }

  #serveSocket(now: number): void {
    const { socket, local } = this.#underlay;
    if (socket !== undefined) this.#serve(socket, local, this.#poll.ready(SOCKET), now);
  }

  #serveOthers(now: number): void {
    for (let index = 0; index < this.#others.length; index++) {
      const other = this.#others[index];
      if (other !== undefined) this.#serve(other.socket, other.local, this.#poll.ready(OTHER_SOCKETS + index), now);
    }
  }

  #serve(socket: UdpSocket, local: Endpoint | undefined, ready: number, now: number): void {
    if ((ready & POLLNVAL) !== 0) throw new Error('the underlay socket was closed under the packet path');
    if ((ready & POLLERR) !== 0) this.#errors.drain(socket, 'udp');
    // After an ICMP error the first call tells of it, and only the next one receives.
    if ((ready & (POLLIN | POLLERR)) !== 0) this.#inbound.run(socket, BUDGET, now, local);
  }

  #serveRawSockets(now: number): void {
    const { all } = this.#rawSockets;
    for (let index = 0; index < all.length; index++) {
      const socket = all[index];
      const ready = this.#poll.ready(RAW_SOCKETS + index);
      if (socket === undefined || (ready & (POLLIN | POLLERR)) === 0) continue;
      if ((ready & POLLERR) !== 0) this.#errors.drain(socket, 'packet');
      if (socket.protocol === 'icmpv6') this.#errors.receive(socket);
      else this.#inbound.runRaw(socket, BUDGET, now);
    }
  }

  #receiveRequests(now: number): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: NumberedRequest } | undefined;
      if (received === undefined) return;
      const { id, request } = received.message;
      this.#tell(this.#answer(id, request, now));
    }
  }

  #answer(id: number, request: WorkerRequest, now: number): WorkerMessage {
    try {
      switch (request.kind) {
        case 'load':
          this.#given.give(request.policyCounters, request.tunnelCounters);
          loadPolicies(this.#dataPlane, request.loaded, request.choices);
          this.#useMappings(request.loaded.mappings);
          this.#useUnderlay(request.loaded, request.socketFd, request.otherSocketFds);
          return { kind: 'done', id };
        case 'unload':
          unloadPolicies(this.#dataPlane);
          this.#useMappings([]);
          this.#underlay = { socket: undefined, remotes: new Map(), ways: new Map() };
          this.#others = [];
          return { kind: 'done', id };
        case 'choose':
          this.#dataPlane.choose(request.choices);
          return { kind: 'done', id };
        case 'install':
          this.#given.giveTunnels(request.tunnelCounters);
          installAssociations(this.#dataPlane, request.associations, now, (one) => {
            // Where another worker sends, a socket of ESP is there for its share of the SPIs, those included that nobody knows.
            if (one.sentBy === undefined || one.protocol === 'esp') this.#rawSockets.require(one);
          });
          for (const remote of request.remotes) this.#redirect(remote);
          for (const { direction, spi } of request.associations) {
            if (direction === 'inbound') this.#inbound.installed(spi, now);
          }
          return { kind: 'done', id };
        case 'expect':
          this.#inbound.expect(request.inboundSpi, now);
          return { kind: 'done', id };
        case 'remove':
          removeNamed(this.#dataPlane, request.inbound, request.outbound);
          return { kind: 'done', id };
        case 'move':
          // One that has expired meanwhile has nothing to send.
          this.#dataPlane.moveOutbound(request.outbound.tunnelId, request.outbound.spi, request.travel);
          return { kind: 'done', id };
        case 'announce':
          this.#announce(request.outbound, now);
          return { kind: 'done', id };
        case 'redirect':
          this.#redirect(request.remote);
          return { kind: 'done', id };
        case 'rebind':
          this.#bind(request.socketFd, this.#underlay.remotes);
          for (const tunnelId of this.#underlay.remotes.keys()) this.#dataPlane.paths.forgetPathMtu(tunnelId);
          return { kind: 'done', id };
        case 'explain': {
          // What leaves the site is asked about, as the site has it.
          const packet = request.packet.slice();
          this.#mapper?.toOverlay(packet, 0, packet.length);
          return { kind: 'done', id, explanation: this.#dataPlane.explain(packet, 0, packet.length, now) };
        }
        case 'decide':
          return { kind: 'done', id, decisions: request.packets.map((packet) => this.#decide(packet, now)) };
        case 'begin':
          this.#begun = true;
          return { kind: 'done', id };
        case 'paths':
          for (const message of request.messages) this.#dataPlane.paths.receive(message, now);
          return { kind: 'done', id };
        case 'stop':
          this.#stopping = true;
          return { kind: 'done', id };
      }
    } catch (error) {
      return { kind: 'refused', id, refusal: refusalOf(error) };
    }
  }

  #decide(packet: Uint8Array, now: number): PolicyDecision {
    const { entry, tunnelId } = this.#dataPlane.explain(packet, 0, packet.length, now);
    return { entryId: entry?.entryId, tunnelId };
  }

  /** With the policies, between two packets. */
  #useMappings(mappings: LoadedPolicies['mappings']): void {
    this.#mapper = mappings.length === 0 ? undefined : networkMapperOf(mappings);
    this.#outbound.mapper = this.#mapper;
    this.#inbound.mapper = this.#mapper;
  }

  #useUnderlay({ tunnels }: LoadedPolicies, socketFd: number, otherSocketFds: readonly number[]): void {
    this.#others = otherSocketFds.map((fd) => {
      const socket = udpSocketFromDescriptor(fd);
      if (!this.#start.portable) socket.enableOffloads();
      return { socket, local: socket.localEndpoint() };
    });
    const { remotes: before } = this.#underlay;
    const remotes = tunnels.flatMap(({ tunnelId, socketAddress = before.get(tunnelId) }) =>
      socketAddress === undefined ? [] : [[tunnelId, socketAddress] as const],
    );
    this.#bind(socketFd, new Map(remotes));
  }

  #bind(socketFd: number, remotes: Map<string, Uint8Array>): void {
    const socket = udpSocketFromDescriptor(socketFd);
    this.#underlay = { socket, remotes, local: socket.localEndpoint(), ways: new Map() };
    // Asked for every time: a new socket may have the number of the old one.
    const underlay = this.#start.portable ? { send: false, receive: false } : socket.enableOffloads();
    this.#outbound.takesRuns = underlay.send;
    const { provider, reason } = this.#crypto;
    const report = { crypto: provider.name, device: this.#start.tunOffloads, underlay };
    this.#tell({ kind: 'path', report: reason === undefined ? report : { ...report, cryptoReason: reason } });
  }

  #redirect({ tunnelId, socketAddress, local }: TunnelRemote): void {
    const { remotes, ways } = this.#underlay;
    const before = remotes.get(tunnelId);
    const wayBefore = before && ways.get(before);
    const way = local && this.#others.find((other) => Buffer.compare(other.local.address, local) === 0);
    remotes.set(tunnelId, socketAddress);
    if (before !== undefined) ways.delete(before);
    if (way !== undefined) ways.set(socketAddress, way);
    if (before === undefined || way !== wayBefore || Buffer.compare(before, socketAddress) !== 0)
      this.#dataPlane.paths.forgetPathMtu(tunnelId);
  }

  /** What is lost on the way is announced again by whoever asked. */
  #announce({ tunnelId, spi }: OutboundReference, now: number): void {
    const { bytes } = this.#lonePackets.memory;
    const { verdict, wholePacket, length } = this.#dataPlane.announce(tunnelId, spi, bytes, 0, now);
    if (verdict !== 'transmit') return;
    const error = this.#lonePackets.send({ tunnelId, wholePacket, length }, this.#underlay);
    if (error !== 0) this.#counters.drop(dropReasonOf(error));
  }

  #acquire(): void {
    const tunnelIds = [...new Set(this.#dataPlane.acquires().map(({ tunnelId }) => tunnelId))];
    this.#tell({ kind: 'acquire', tunnelIds });
  }

  #expire(now: number): void {
    const events = this.#dataPlane.expire(now);
    if (events.length > 0) this.#tell({ kind: 'lifetime', events });
    this.#inbound.expire(now);
    const inboundSpis = this.#dataPlane.newlyUsed();
    if (inboundSpis.length > 0) this.#tell({ kind: 'used', inboundSpis });
  }

  #tell(message: WorkerMessage): void {
    this.#port.postMessage(message);
  }
}

const WAKE_UP = 0;
const DEVICE = 1;
const SOCKET = 2;
/** The first of those that come and go. */
const RAW_SOCKETS = 3;
const OTHER_SOCKETS = RAW_SOCKETS + MAXIMUM_RAW_SOCKETS;
/** Further uplinks, as many as a bundle may have. */
const MAXIMUM_OTHER_SOCKETS = 7;
/**
 * Packets per direction and turn: neither direction, nor a request, waits for more than these. As many as four large segments
 * are taken apart into.
 */
const BUDGET = 192;
/** The loop comes round at least this often, so that a process that exits is not held up by a thread in poll. */
const LONGEST_WAIT_MILLISECONDS = 250;
const EXPIRY_INTERVAL_MILLISECONDS = 1000;
/** After so long without a packet the first one is alone, nearly always. */
const PAUSE_MILLISECONDS = 1;
/** Long enough for nearly all of the code to be compiled; an agent that starts waits so long. */
const SELF_TEST_MILLISECONDS = 150;
const REHEARSAL_MILLISECONDS = 50;

/**
 * What probes have found of a path is not to be overruled by what the kernel was told of it, by anybody: with IP_HDRINCL it
 * would refuse what is larger, and not cut it.
 */
function rawSocketOptions({ mark, handover, pathProbing }: WorkerStart): RawSocketOptions {
  const share = handover && { socket: handover.place, sockets: handover.wakeUpFds.length };
  return {
    bufferOctets: RAW_BUFFER_OCTETS,
    reportErrors: true,
    share,
    ...(mark === undefined ? {} : { mark }),
    ...(pathProbing ? { pathMtuDiscovery: 'probe' } : {}),
  };
}

/** As the socket of ESP in UDP has. */
const RAW_BUFFER_OCTETS = 8 << 20;

if (parentPort === null) throw new Error('worker.js is a thread of the agent, not a program');
new PacketLoop(parentPort, workerData as WorkerStart).run();
// Nothing listens on the port, but an open port would keep the thread alive.
parentPort.close();
