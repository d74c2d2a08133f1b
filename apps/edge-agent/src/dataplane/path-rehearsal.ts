import type { CryptoProvider, DataPlane } from '@weft/ipsec-core';
import {
  allocate,
  allocatePacketMemory,
  encodeSocketAddress,
  type Memory,
  type Tun,
  type TunOffloads,
  tunFromDescriptor,
  type UdpSocket,
  udpSocketFromDescriptor,
} from '@weft/linux-io';
import { INBOUND_OCTETS, InboundPath } from './inbound.js';
import { IoCounters } from './io-counters.js';
import type { KeptPairs } from './kept-pairs.js';
import { loopedPlane, NOW, removeLoop, TUNNEL } from './looped-plane.js';
import { OUTBOUND_OCTETS, OutboundPath } from './outbound.js';
import { RawSockets } from './raw-sockets.js';
import { SelfTestError } from './self-test-error.js';
import type { Underlay } from './underlay.js';
import { UnderlayErrors } from './underlay-errors.js';
import { WorkerMemory } from './worker-memory.js';

/**
 * The way of a packet without a network: from a device through an engine and out of a socket, in by another, through the
 * engine, and into the device. Device and underlay are pairs of sockets that nobody else can reach, the engine has a key
 * of its own, and all memory is apart from that of real packets; the code is the same. What ran a moment ago runs fast: it
 * is compiled, and in the caches of the processor.
 */
export class PathRehearsal {
  readonly #plane: DataPlane;
  readonly #kernelSide: Tun;
  readonly #farSocket: UdpSocket;
  readonly #underlay: Underlay;
  readonly #outbound: OutboundPath;
  readonly #inbound: InboundPath;
  readonly #memory: Memory = allocate(2 * REGION);
  /** Octets of virtio header in front of each packet of the device. */
  readonly #prefix: number;
  readonly #pairs: KeptPairs;

  /** For a device with these offloads. Throws SystemCallError. */
  constructor(provider: CryptoProvider, offloads: TunOffloads, pairs: KeptPairs) {
    this.#pairs = pairs;
    const [forDevice, forUnderlay] = [pairs.open(), pairs.open()];
    const device = tunFromDescriptor(forDevice.one, 'rehearsal', offloads);
    this.#kernelSide = tunFromDescriptor(forDevice.other, 'rehearsal', offloads);
    this.#farSocket = udpSocketFromDescriptor(forUnderlay.other);
    this.#underlay = { socket: udpSocketFromDescriptor(forUnderlay.one), remotes: new Map([[TUNNEL, SOMEBODY]]) };
    this.#prefix = offloads.virtioHeader ? VIRTIO_HEADER_OCTETS : 0;
    const plane = loopedPlane(provider);
    this.#plane = plane;
    const memory = new WorkerMemory();
    const counters = new IoCounters(memory.io);
    const errors = new UnderlayErrors(plane, undefined, memory);
    const sockets = new RawSockets(undefined, memory.rawSockets);
    const sealed = allocatePacketMemory(OUTBOUND_OCTETS);
    this.#outbound = new OutboundPath(device, plane, counters, sealed, sockets, errors);
    this.#inbound = new InboundPath(device, plane, counters, allocatePacketMemory(INBOUND_OCTETS), undefined);
    writeEcho(this.#memory.bytes, PACKET);
  }

  /** Again and again for `milliseconds` of the clock `now`, and once at least. Throws SelfTestError. @returns packets. */
  run(milliseconds: number, now: () => number): number {
    const until = now() + milliseconds;
    let packets = 0;
    do {
      this.echo();
      packets++;
    } while (now() < until);
    return packets;
  }

  /** One packet, as one that comes alone. Throws SelfTestError when it does not come back as it was. */
  echo(): void {
    const { bytes } = this.#memory;
    const length = this.#prefix + ECHO_OCTETS;
    this.#kernelSide.write(this.#memory, PACKET - this.#prefix, length);
    this.#outbound.run(this.#underlay, BUDGET, NOW, true);
    this.#inbound.run(this.#farSocket, BUDGET, NOW);
    this.#inbound.takeDelivered();
    const octets = this.#kernelSide.read(this.#memory, REGION, REGION);
    if (octets !== length) throw new SelfTestError(`a packet of ${length} octets comes back as ${octets}`);
    const came = REGION + this.#prefix;
    for (let i = IP_HEADER; i < ECHO_OCTETS; i++) {
      if (bytes[came + i] !== bytes[PACKET + i])
        throw new SelfTestError(`octet ${i} of a packet comes back as another`);
    }
  }

  /** Wipes its key. */
  close(): void {
    removeLoop(this.#plane);
    this.#pairs.close();
  }
}

/** An IPv4 packet with an ICMP echo request, or what is left of one: the checksums are nobody's business here. */
function writeEcho(bytes: Uint8Array, offset: number): void {
  bytes.set([0x45, 0, 0, ECHO_OCTETS, 0xff, 0xff, 0x40, 0, 64, ICMP, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 8], offset);
  for (let i = IP_HEADER + 1; i < ECHO_OCTETS; i++) bytes[offset + i] = i;
}

/** A pair of sockets takes no notice of it. */
const SOMEBODY = encodeSocketAddress({ address: Uint8Array.of(192, 0, 2, 3), port: 4500 });
const VIRTIO_HEADER_OCTETS = 10;
/** Where a packet stands that is given to the device, behind a virtio header of zeros. */
const PACKET = VIRTIO_HEADER_OCTETS;
/** What goes, and what comes back. */
const REGION = 256;
const IP_HEADER = 20;
const ICMP = 1;
const ECHO_OCTETS = 84;
const BUDGET = 1;
