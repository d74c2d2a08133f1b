import { ASSOCIATION_MEMORY_OCTETS } from '@weft/ipsec-core';
import { allocatePacketMemory, type EventFd, openEventFd, type TunOffloads, type UdpSocket } from '@weft/linux-io';
import { afterEach, describe, expect, it } from 'vitest';
import { Device, dataPlane, packetOf, peer, Socket, superPacket, VIRTIO } from '../../test/support/outbound-parts.js';
import { Handover, handoverRings } from './handover.js';
import { IoCounters } from './io-counters.js';
import { HANDOVER_PATIENCE_MILLISECONDS, OUTBOUND_OCTETS, OutboundPath, PASSED_ON_OCTETS } from './outbound.js';
import { MAXIMUM_RAW_SOCKETS, RawSockets } from './raw-sockets.js';
import { UnderlayErrors } from './underlay-errors.js';
import { WorkerMemory } from './worker-memory.js';

const wakeUps: EventFd[] = [];
afterEach(() => {
  for (const wakeUp of wakeUps.splice(0)) wakeUp.close();
});

interface PathOptions {
  readonly offloads?: TunOffloads;
  readonly pathMtu?: number;
  readonly ports?: boolean;
}

function worker(
  { offloads = VIRTIO, pathMtu, ports = false }: PathOptions,
  sentBy: number | undefined,
  handover: Handover | undefined,
  memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS),
) {
  const device = new Device(offloads);
  const socket = new Socket();
  const mtu = pathMtu === undefined ? undefined : { mtu: pathMtu, underlay: { family: 4, udp: true } as const };
  const engine = dataPlane(mtu, { memory, ports, ...(sentBy === undefined ? {} : { sentBy }) });
  const counters = new IoCounters();
  const packets = allocatePacketMemory(OUTBOUND_OCTETS + PASSED_ON_OCTETS);
  const sockets = new RawSockets(undefined, new Int32Array(MAXIMUM_RAW_SOCKETS));
  const errors = new UnderlayErrors(engine, undefined, new WorkerMemory());
  const outbound = new OutboundPath(device, engine, counters, packets, sockets, errors, handover);
  outbound.takesRuns = true;
  const underlay = { socket: socket as unknown as UdpSocket, remotes: new Map([['t', new Uint8Array(16)]]) };
  return { device, socket, engine, counters, outbound, underlay };
}

/** Two workers, of which the second has the only association; and one that is alone and gets the same. */
function workers(options: PathOptions = {}) {
  const [first, second] = [openEventFd(), openEventFd()];
  wakeUps.push(first, second);
  const rings = handoverRings(2);
  const wakeUpFds = [first.fd, second.fd];
  const at = (place: number) => new Handover({ place, wakeUpFds, ...rings(place) });
  const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
  return {
    reader: worker(options, 1, at(0), memory),
    owner: worker(options, undefined, at(1), memory),
    alone: worker(options, undefined, undefined),
    toReader: first,
    toOwner: second,
  };
}

/** A fragment of a UDP packet of 10.1.0.1, with `octets` of data at `position`. */
function fragment(position: number, octets: number, more: boolean): Uint8Array {
  const packet = packetOf(20 + octets, false);
  packet[6] = (more ? 0x20 : 0) | (position >>> 11);
  packet[7] = (position >>> 3) & 255;
  for (let i = 28; i < packet.length; i++) packet[i] = position + i;
  if (position > 0) packet.fill(position, 20, 28);
  return packet;
}

function withHeader(packet: Uint8Array, header: readonly number[] = []): Uint8Array {
  const whole = new Uint8Array(10 + packet.length);
  whole.set(header);
  whole.set(packet, 10);
  return whole;
}

describe("packets that the device gives to another worker than the association's", () => {
  it('leave as if their worker had read them: whole ones, super-packets, and checksums that are left open', () => {
    const { reader, owner, alone, toOwner } = workers();
    const open = packetOf(1000, false);
    const packets = [
      withHeader(packetOf(700, false)),
      superPacket(60_000, 1380),
      // A UDP checksum that is to be completed, from the pseudo-header's sum on.
      withHeader(open, [1, 0, 28, 0, 0, 0, 20, 0, 6, 0]),
      superPacket(3000, 1000),
    ];
    for (const packet of packets) {
      alone.device.waiting.push(packet.slice());
      reader.device.waiting.push(packet.slice());
    }
    const segments = alone.outbound.run(alone.underlay, 1000, 1);
    expect(reader.outbound.run(reader.underlay, 1000, 1)).toBe(segments);
    expect([reader.socket.sent.length, toOwner.clear()]).toEqual([0, true]);
    owner.outbound.runPassedOn(owner.underlay, 1000, 1);
    const inner = (sent: readonly Uint8Array[]) =>
      sent.map(peer()).map((packet) => Buffer.from(packet).toString('hex'));
    expect(inner(owner.socket.sent)).toEqual(inner(alone.socket.sent));
    expect(owner.socket.messages.length).toBe(alone.socket.messages.length);
    expect([reader.counters.fromDevice, reader.counters.passedOn]).toEqual([segments, segments]);
    // Counted once, by the one that has sent them.
    expect(reader.engine.policies()[0]?.packets).toBe(0n);
    expect(owner.engine.policies()[0]?.packets).toBe(alone.engine.policies()[0]?.packets);
  });

  it('leave as if their worker had read them when they come in fragments that had to be put together', () => {
    // Cut again to fit the path, and into nothing larger than what came.
    const { reader, owner, alone } = workers({ ports: true, pathMtu: 1400 });
    const fragments = [fragment(0, 1200, true), fragment(2400, 800, false), fragment(1200, 1200, true)];
    for (const packet of fragments) {
      alone.device.waiting.push(withHeader(packet));
      reader.device.waiting.push(withHeader(packet));
    }
    alone.outbound.run(alone.underlay, 64, 1);
    reader.outbound.run(reader.underlay, 64, 1);
    expect(reader.socket.sent).toHaveLength(0);
    expect(reader.counters.passedOn).toBe(1);
    owner.outbound.runPassedOn(owner.underlay, 64, 1);
    const shape = (sent: readonly Uint8Array[]) =>
      sent.map(peer(true)).map((packet) => Buffer.from(packet).toString('hex'));
    expect(alone.socket.sent.length).toBeGreaterThan(2);
    expect(shape(owner.socket.sent)).toEqual(shape(alone.socket.sent));
    expect(owner.engine.drops().filter(({ packets }) => packets > 0n)).toEqual([]);
  });

  it('keep their order, wait in the device while there is no room, and none is lost', () => {
    const { reader, owner, toReader } = workers();
    const packets = 200;
    for (let number = 0; number < packets; number++) {
      const packet = superPacket(50_000, 25_000);
      packet.set([number >>> 8, number & 255], 50);
      reader.device.waiting.push(packet);
    }
    let turns = 0;
    while (reader.device.waiting.length > 0 || reader.outbound.waits) {
      reader.outbound.passWaiting(turns);
      if (!reader.outbound.waits) reader.outbound.run(reader.underlay, 64, turns);
      if (reader.outbound.waits) {
        const left = reader.device.waiting.length;
        reader.outbound.passWaiting(turns);
        expect([reader.outbound.waits, reader.device.waiting.length]).toEqual([true, left]);
        owner.outbound.runPassedOn(owner.underlay, 8, turns);
        expect(toReader.clear()).toBe(true);
      }
      turns++;
    }
    for (let turn = 0; turn < packets; turn++) owner.outbound.runPassedOn(owner.underlay, 64, turns);
    const numbers = owner.socket.sent.map(peer()).filter((_, index) => index % 2 === 0);
    expect(numbers.map((packet) => (packet[40] ?? 0) * 256 + (packet[41] ?? 0))).toEqual(
      Array.from({ length: packets }, (_, number) => number),
    );
    expect([reader.counters.drops(), owner.counters.drops()]).toEqual([[], []]);
  });

  it('are counted when that worker takes nothing, and hold nothing up after the first time', () => {
    const { reader, owner } = workers();
    for (let number = 0; number < 40; number++) reader.device.waiting.push(superPacket(50_000, 1250));
    reader.outbound.run(reader.underlay, 10_000, 1000);
    expect(reader.outbound.waits).toBe(true);
    reader.outbound.passWaiting(1000 + HANDOVER_PATIENCE_MILLISECONDS - 1);
    expect([reader.outbound.waits, reader.counters.drops()]).toEqual([true, []]);
    reader.outbound.passWaiting(1000 + HANDOVER_PATIENCE_MILLISECONDS);
    expect(reader.outbound.waits).toBe(false);
    reader.outbound.run(reader.underlay, 10_000, 1300);
    expect([reader.outbound.waits, reader.device.waiting.length]).toEqual([false, 0]);
    const passed = reader.counters.passedOn / 40;
    expect(reader.counters.drops()).toEqual([{ reason: 'handover_full', packets: BigInt(40 * (40 - passed)) }]);
    expect(passed * 50_000).toBeLessThan(1 << 20);
    // The next one that takes its place finds what the ring has, and is waited for again.
    owner.outbound.runPassedOn(owner.underlay, 10_000, 1400);
    expect(owner.socket.sent).toHaveLength(passed * 40);
    for (let number = 0; number < 40; number++) reader.device.waiting.push(superPacket(50_000, 1250));
    reader.outbound.run(reader.underlay, 10_000, 1500);
    expect(reader.outbound.waits).toBe(true);
  });

  it('wait with their worker while the underlay takes no more from it', () => {
    const { reader, owner } = workers();
    owner.socket.room = 0;
    for (let number = 0; number < 10; number++) reader.device.waiting.push(superPacket(50_000, 1250));
    reader.outbound.run(reader.underlay, 10_000, 1);
    owner.outbound.runPassedOn(owner.underlay, 10_000, 1);
    expect(owner.outbound.blocked).toBe(true);
    owner.outbound.runPassedOn(owner.underlay, 10_000, 1);
    owner.socket.room = 1000;
    expect(owner.outbound.resume(owner.underlay, 1)).toBe(true);
    owner.outbound.runPassedOn(owner.underlay, 10_000, 1);
    expect(owner.socket.sent).toHaveLength(400);
  });
});
