import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  NetworkMapper,
  parsePrefix,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import {
  allocate,
  allocatePacketMemory,
  encodeSocketAddress,
  NO_OFFLOADS,
  openEventFd,
  openUdpSocket,
  POLLIN,
  PollSet,
  type RawProtocol,
  rawSocketFromDescriptor,
  SendBatch,
  type TunOffloads,
  tunFromDescriptor,
  type UdpSocket,
} from '@weft/linux-io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Handover, handoverRings } from './handover.js';
import { IkePassage } from './ike-passage.js';
import { INBOUND_OCTETS, InboundPath } from './inbound.js';
import { IoCounters } from './io-counters.js';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const VIRTIO: TunOffloads = { virtioHeader: true, checksum: true, tcp: true, udp: true };

let directory: string;
const cleanups: (() => void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-inbound-'));
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  rmSync(directory, { recursive: true });
});

/** An inbound path whose device is a file, and a socket that sends to it. */
function path(offloads: TunOffloads, flags = 'w', handover?: Handover) {
  const file = join(directory, `device ${cleanups.length}`);
  closeSync(openSync(file, 'w'));
  const fd = openSync(file, flags);
  cleanups.push(() => closeSync(fd));
  const [sender, receiver] = [udpSocket(), udpSocket()];
  receiver.enableOffloads();
  const counters = new IoCounters();
  const ike: { octets: number[]; port: number }[] = [];
  const passage = new IkePassage(new SharedArrayBuffer(4), (octets, { port }) =>
    ike.push({ octets: [...octets], port }),
  );
  const tun = tunFromDescriptor(fd, 'test0', offloads);
  const unknown: { spi: number; port: number; address?: string }[] = [];
  const clear = allocatePacketMemory(INBOUND_OCTETS);
  const inbound = new InboundPath(tun, plane('inbound'), counters, clear, passage, handover, (spi, { port, address }) =>
    unknown.push(port === 500 ? { spi, port, address: address.join('.') } : { spi, port }),
  );
  const memory = allocate(1 << 17);
  const batch = new SendBatch(memory, 64);
  const destination = encodeSocketAddress(receiver.localEndpoint());
  return {
    counters,
    ike,
    inbound,
    unknown,
    sender,
    written: () => readFileSync(file),
    /** Sends runs of datagrams of one size, and lets the path take all of them. */
    carry(runs: readonly { datagrams: readonly Uint8Array[]; trafficClass?: number }[]): number {
      batch.clear();
      let at = 0;
      for (const { datagrams, trafficClass = 0 } of runs) {
        const start = at;
        for (const datagram of datagrams) {
          memory.bytes.set(datagram, at);
          at += datagram.length;
        }
        const size = datagrams.length > 1 ? (datagrams[0]?.length ?? 0) : 0;
        batch.add(start, at - start, size, destination, trafficClass);
      }
      expect(sender.send(batch, 0, batch.count)).toBe(batch.count);
      const set = new PollSet(1);
      set.watch(0, receiver.fd, POLLIN);
      set.wait(-1);
      return inbound.run(receiver, 10_000, 1);
    },
    /** The same for whole IP packets, as from a raw socket of the protocol. */
    carryRaw(protocol: RawProtocol, packets: readonly Uint8Array[]): number {
      for (const packet of packets) {
        memory.bytes.set(packet, 0);
        batch.clear();
        batch.add(0, packet.length, 0, destination, 0);
        expect(sender.send(batch, 0, 1)).toBe(1);
      }
      const set = new PollSet(1);
      set.watch(0, receiver.fd, POLLIN);
      set.wait(-1);
      return inbound.runRaw(rawSocketFromDescriptor(receiver.fd, 4, protocol), 10_000, 1);
    },
  };
}

function udpSocket(): UdpSocket {
  const socket = openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 4 << 20 });
  cleanups.push(() => socket.close());
  return socket;
}

/** One end of a tunnel: protects for 10.2.0.0/16, or opens what comes to it. */
function plane(direction: 'inbound' | 'outbound'): DataPlane {
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => randomFillSync(out) });
  const [local, remote] = direction === 'outbound' ? ['10.1.0.0/16', '10.2.0.0/16'] : ['10.2.0.0/16', '10.1.0.0/16'];
  const selector = {
    localAddresses: [parsePrefix(local).range],
    remoteAddresses: [parsePrefix(remote).range],
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
  } as const;
  made.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  made.install(
    {
      direction,
      tunnelId: 't',
      spi: 4096,
      protocol: 'esp',
      mode: 'tunnel',
      suite: 'aes-gcm-16',
      keyBits: 128,
      keyingMaterial: new Uint8Array(20),
      extendedSequenceNumbers: true,
      replayWindow: 1024,
      softLifetimeMilliseconds: 1e9,
      hardLifetimeMilliseconds: 1e9,
    },
    0,
  );
  return made;
}

function protector(): (packet: Uint8Array) => Uint8Array {
  const made = plane('outbound');
  return (packet) => {
    const out = new Uint8Array(packet.length + 128);
    const { verdict, length } = made.protect(packet, 0, packet.length, out, 0, 1);
    expect(verdict).toBe('transmit');
    return out.slice(0, length);
  };
}

/** A TCP segment from 10.1.0.1 to 10.2.0.1 with correct checksums. */
function segment(sequence: number, payload: number, trafficClass = 0): Uint8Array {
  const length = 40 + payload;
  const packet = new Uint8Array(length);
  packet.set([0x45, trafficClass, length >>> 8, length & 255, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1]);
  packet.set([0, 1, 0, 2, 0, 0, sequence >>> 8, sequence & 255, 0, 0, 0, 1, 0x50, 0x10, 1, 0], 20);
  packet.fill(0x5a, 40);
  writeChecksum(packet, 0, 20, 10, 0);
  writeChecksum(packet, 20, length, 36, 0x0a01 + 0x0001 + 0x0a02 + 0x0001 + 6 + length - 20);
  return packet;
}

function writeChecksum(packet: Uint8Array, from: number, to: number, at: number, start: number): void {
  let sum = start;
  for (let i = from; i < to; i += 2) sum += ((packet[i] ?? 0) << 8) | (i + 1 < to ? (packet[i + 1] ?? 0) : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet[at] = (~sum >>> 8) & 255;
  packet[at + 1] = ~sum & 255;
}

describe('inbound path', () => {
  it('hands the segments of a flow to the device in one piece', () => {
    const { carry, written, counters } = path(VIRTIO);
    const protect = protector();
    const segments = Array.from({ length: 40 }, (_, index) => segment(index * 1000, 1000));
    expect(carry([{ datagrams: segments.map(protect) }])).toBe(40);
    const output = written();
    expect(output).toHaveLength(10 + 40 + 40_000);
    // NEEDS_CSUM, TCPV4, header length 40, GSO size 1000, checksum at 20 + 16.
    expect([...output.subarray(0, 10)]).toEqual([1, 1, 40, 0, 1000 & 255, 1000 >>> 8, 20, 0, 16, 0]);
    expect(output.readUInt16BE(12)).toBe(40_040);
    expect(output.subarray(50).every((octet) => octet === 0x5a)).toBe(true);
    expect(counters.drops()).toEqual([]);
  });

  it('hands what a neighbour sent in one piece to the device in one piece, though it came in two messages', () => {
    const { carry, written } = path(VIRTIO);
    const protect = protector();
    const segments = Array.from({ length: 47 }, (_, index) => segment(index * 1384, 1384)).map(protect);
    expect(carry([{ datagrams: segments.slice(0, 44) }, { datagrams: segments.slice(44) }])).toBe(47);
    expect(written()).toHaveLength(10 + 40 + 47 * 1384);
  });

  it('says once whether the device was given something, which may have answered', () => {
    const { carry, inbound } = path(VIRTIO);
    const protect = protector();
    carry([{ datagrams: [new Uint8Array(32)] }]);
    expect(inbound.takeDelivered()).toBe(false);
    carry([{ datagrams: [protect(segment(0, 20))] }]);
    expect([inbound.takeDelivered(), inbound.takeDelivered()]).toEqual([true, false]);
  });

  it('writes packet by packet to a device without offloads', () => {
    const { carry, written } = path(NO_OFFLOADS);
    const protect = protector();
    const segments = [segment(0, 1000), segment(1000, 1000), segment(2000, 10)];
    carry([{ datagrams: segments.map(protect) }]);
    expect(written().equals(Buffer.concat(segments))).toBe(true);
  });

  it('tells ESP, IKE, keepalives and the rest apart, also within one run', () => {
    const { carry, written, counters, ike, sender } = path(NO_OFFLOADS);
    const protect = protector();
    const esp = protect(segment(0, 20));
    const message = new Uint8Array(esp.length).fill(7);
    message.fill(0, 0, 4);
    carry([
      { datagrams: [esp, message, protect(segment(20, 20))] },
      { datagrams: [Uint8Array.of(0xff)] },
      { datagrams: [Uint8Array.of(1, 2)] },
    ]);
    expect(written()).toHaveLength(2 * 60);
    expect(ike).toEqual([{ octets: [...message.subarray(4)], port: sender.localEndpoint().port }]);
    expect([counters.keepalives, counters.drops()]).toEqual([1, [{ reason: 'malformed_encapsulation', packets: 1n }]]);
  });

  it('tells of ESP on an SPI that nobody knows, once', () => {
    const { carry, written, unknown, sender } = path(NO_OFFLOADS);
    const esp = protector()(segment(0, 20));
    const foreign = esp.slice();
    foreign.set([0xfe, 0xdc, 0xba, 0x98]);
    carry([{ datagrams: [foreign, esp, foreign, foreign] }]);
    expect(unknown).toEqual([{ spi: 0xfedcba98, port: sender.localEndpoint().port }]);
    expect(written()).toHaveLength(60);
  });

  it.each([
    ['esp', 50, [0xfe, 0xdc, 0xba, 0x98, 0, 0, 0, 1]],
    ['ah', 51, [4, 4, 0, 0, 0xfe, 0xdc, 0xba, 0x98, 0, 0, 0, 1]],
  ] as const)(
    'tells of %s directly on IP on an SPI that nobody knows, once, and where its sender has its IKE',
    (protocol, number, start) => {
      const { carryRaw, unknown, counters } = path(NO_OFFLOADS);
      // An IPv4 header with 4 octets of options.
      const packet = new Uint8Array(24 + 64);
      packet.set([0x46, 0, 0, packet.length, 0, 0, 0, 0, 64, number, 0, 0, 192, 0, 2, 7, 127, 0, 0, 1, 1, 1, 1, 0]);
      packet.set(start, 24);
      expect(carryRaw(protocol, [packet, packet])).toBe(2);
      expect(unknown).toEqual([{ spi: 0xfedcba98, port: 500, address: '192.0.2.7' }]);
      expect(counters.drops()).toEqual([]);
    },
  );

  it.each([
    ['one by one', NO_OFFLOADS],
    ['in one piece', VIRTIO],
  ])('gives a mapped network its packets as the site knows it, %s', (_, offloads) => {
    const [mapped, unmapped] = [path(offloads), path(offloads)];
    mapped.inbound.mapper = new NetworkMapper([
      { local: parsePrefix('10.9.0.0/24'), overlay: parsePrefix('10.2.0.0/24') },
    ]);
    const protect = [protector(), protector()] as const;
    const packets = [0, 1000, 2000].map((sequence) => segment(sequence, 1000));
    mapped.carry([{ datagrams: packets.map(protect[0]) }]);
    unmapped.carry([{ datagrams: packets.map(protect[1]) }]);
    const [got, wanted] = [mapped.written(), unmapped.written()];
    const at = offloads.virtioHeader ? 10 : 0;
    expect([...got.subarray(at + 12, at + 20)]).toEqual([
      ...wanted.subarray(at + 12, at + 16),
      10,
      9,
      ...wanted.subarray(at + 18, at + 20),
    ]);
    // As many packets, joined as they were: their checksums are right.
    expect(got.length).toBe(wanted.length);
    expect([...got.subarray(0, at)]).toEqual([...wanted.subarray(0, at)]);
    expect(mapped.counters.drops()).toEqual([]);
  });

  it('carries congestion that the underlay marked to the inner packet', () => {
    const { carry, written } = path(NO_OFFLOADS);
    const protect = protector();
    const ect0 = segment(0, 20, 2);
    carry([
      { datagrams: [protect(ect0)], trafficClass: 3 },
      { datagrams: [protect(segment(20, 20, 2))], trafficClass: 2 },
    ]);
    const output = written();
    expect([output[1], output[61]]).toEqual([3, 2]);
  });

  it('passes as many IKE messages on as the main thread has room for, and counts the others', () => {
    const { carry, ike, counters } = path(NO_OFFLOADS);
    for (let round = 0; round < 20; round++) {
      carry([{ datagrams: Array.from({ length: 50 }, () => new Uint8Array(32)) }]);
    }
    const [full] = counters.drops();
    expect([ike.length, full]).toEqual([512, { reason: 'ike_backlog', packets: 488n }]);
  });

  it("passes packets of an association that is another worker's on to it, and counts what it has no room for", () => {
    const wakeUps = [openEventFd(), openEventFd(), openEventFd()];
    cleanups.push(() => {
      for (const wakeUp of wakeUps) wakeUp.close();
    });
    const rings = handoverRings(3);
    const at = (place: number) =>
      path(NO_OFFLOADS, 'w', new Handover({ place, wakeUpFds: wakeUps.map(({ fd }) => fd), ...rings(place) }));
    // SPI 4096 belongs to the second.
    const [owner, other] = [at(1), at(2)];
    const protect = protector();
    const packets = [0, 500, 1000].map((sequence) => segment(sequence, 500));
    other.carry([{ datagrams: packets.map(protect) }]);
    expect([other.written().length, wakeUps[1]?.clear(), wakeUps[2]?.clear()]).toEqual([0, true, false]);
    owner.inbound.runHandedOver(64, 1);
    expect(owner.written()).toEqual(Buffer.concat(packets));

    // Ten times what the ring holds: it stays as it is, and the rest is counted.
    for (let round = 0; round < 40; round++) {
      other.carry([{ datagrams: Array.from({ length: 50 }, () => protect(segment(0, 1200))) }]);
    }
    const [full] = other.counters.drops();
    expect(full?.reason).toBe('handover_full');
    for (let round = 0; round < 40; round++) owner.inbound.runHandedOver(64, 1);
    const delivered = (owner.written().length - 3 * 540) / 1240;
    expect(delivered + Number(full?.packets)).toBe(2000);
    expect(delivered).toBeLessThan(1 << 8);
    expect(owner.counters.drops()).toEqual([]);
  });

  it('tells of a packet on an SPI that nobody knows where it came from, also when another worker has passed it on', () => {
    const wakeUps = [openEventFd(), openEventFd()];
    cleanups.push(() => {
      for (const wakeUp of wakeUps) wakeUp.close();
    });
    const rings = handoverRings(2);
    const wakeUpFds = wakeUps.map(({ fd }) => fd);
    const at = (place: number) => path(NO_OFFLOADS, 'w', new Handover({ place, wakeUpFds, ...rings(place) }));
    const [owner, other] = [at(0), at(1)];
    // A run whose first datagram is the other worker's goes to that one as a whole.
    const [theirs, ours] = [0x1001, 0x1000_0000].map((spi) => {
      const packet = new Uint8Array(64);
      new DataView(packet.buffer).setUint32(0, spi);
      return packet;
    }) as [Uint8Array, Uint8Array];
    other.carry([{ datagrams: [theirs, ours, ours] }]);
    const { port } = other.sender.localEndpoint();
    expect([owner.unknown, other.unknown]).toEqual([[], [{ spi: 0x1001, port }]]);
    owner.inbound.runHandedOver(64, 1);
    expect(owner.unknown).toEqual([{ spi: 0x1000_0000, port }]);
  });

  it('counts every packet of a write that the device refuses', () => {
    const { carry, counters } = path(VIRTIO, 'r');
    const protect = protector();
    carry([{ datagrams: [0, 1000, 2000].map((sequence) => protect(segment(sequence, 1000))) }]);
    expect(counters.drops()).toEqual([{ reason: 'device_write_failed', packets: 3n }]);
  });
});
