import { NetworkMapper, type PathMtuParameters, parsePrefix } from '@weft/ipsec-core';
import { allocatePacketMemory, ERRNO, NO_OFFLOADS, type TunOffloads, type UdpSocket } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import { Device, dataPlane, packetOf, peer, Socket, superPacket, VIRTIO } from '../../test/support/outbound-parts.js';
import { IoCounters } from './io-counters.js';
import { OUTBOUND_OCTETS, OutboundPath } from './outbound.js';
import { MAXIMUM_RAW_SOCKETS, RawSockets } from './raw-sockets.js';
import type { Underlay } from './underlay.js';
import { UnderlayErrors } from './underlay-errors.js';
import { WorkerMemory } from './worker-memory.js';

const MAPPER = new NetworkMapper([{ local: parsePrefix('10.9.0.0/24'), overlay: parsePrefix('10.1.0.0/24') }]);
const BACK = new NetworkMapper([{ local: parsePrefix('10.1.0.0/24'), overlay: parsePrefix('10.9.0.0/24') }]);
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

/** The packet of 10.1.0.1 as the site has it that MAPPER is for. */
function ofSite(packet: Uint8Array, prefix = 0): Uint8Array {
  expect(BACK.toOverlay(packet, prefix, packet.length - prefix)).toBe('mapped');
  return packet;
}

function path(options: { offloads?: TunOffloads; pathMtu?: PathMtuParameters; takesRuns?: boolean } = {}) {
  const device = new Device(options.offloads ?? NO_OFFLOADS);
  const socket = new Socket();
  const engine = dataPlane(options.pathMtu);
  const counters = new IoCounters();
  const errors = new UnderlayErrors(engine, undefined, new WorkerMemory());
  const memory = allocatePacketMemory(OUTBOUND_OCTETS);
  const outbound = new OutboundPath(
    device,
    engine,
    counters,
    memory,
    new RawSockets(undefined, new Int32Array(MAXIMUM_RAW_SOCKETS)),
    errors,
  );
  outbound.takesRuns = options.takesRuns ?? true;
  const underlay: Underlay = { socket: socket as unknown as UdpSocket, remotes: new Map([['t', new Uint8Array(16)]]) };
  return { device, socket, engine, counters, outbound, underlay };
}

/** Sequence numbers of ESP packets: the order in which they were protected. */
function sequences(sent: readonly Uint8Array[]): number[] {
  return sent.map((packet) => (packet[7] ?? 0) + 256 * (packet[6] ?? 0));
}

function countUp(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

describe('outbound path', () => {
  it('sends every piece of a packet that is too large, and goes on where the underlay stopped taking them', () => {
    const { device, socket, engine, outbound, underlay } = path({
      pathMtu: { mtu: 1400, underlay: { family: 4, udp: true } },
      takesRuns: false,
    });
    // 48 pieces, each a message of its own.
    device.waiting.push(packetOf(64_000, false));
    socket.room = 20;
    expect(outbound.run(underlay, 64, 1)).toBe(1);
    expect([socket.sent.length, outbound.blocked]).toEqual([20, true]);
    expect(outbound.run(underlay, 64, 1)).toBe(0);
    socket.room = 3;
    expect([outbound.resume(underlay, 1), outbound.blocked, socket.sent.length]).toEqual([false, true, 23]);
    socket.room = 100;
    device.waiting.push(packetOf(100, false));
    expect(outbound.run(underlay, 64, 1)).toBe(1);
    expect(outbound.blocked).toBe(false);
    expect(sequences(socket.sent)).toEqual(countUp(socket.sent.length));
    expect(engine.tunnels()[0]?.outboundPackets).toBe(BigInt(socket.sent.length));
    expect(socket.sent.every((packet) => packet.length <= 1400 - 28)).toBe(true);
    expect(engine.drops().every(({ packets }) => packets === 0n)).toBe(true);
  });

  it.each([
    ['plain', NO_OFFLOADS, 0],
    ['with a virtio header', VIRTIO, 10],
  ])('writes the ICMP error about a packet that is too large back to a device %s', (_, offloads, prefix) => {
    const { device, socket, engine, outbound, underlay } = path({
      offloads,
      pathMtu: { mtu: 1400, underlay: { family: 4, udp: true } },
    });
    device.waiting.push(Uint8Array.from([...new Uint8Array(prefix), ...packetOf(1390, true)]));
    outbound.run(underlay, 64, 1);
    expect([socket.sent.length, device.written.length]).toEqual([0, 1]);
    const [message = new Uint8Array()] = device.written;
    expect([...message.slice(0, prefix)].every((octet) => octet === 0)).toBe(true);
    // ICMP type 3 code 4 with the next-hop MTU, to 10.1.0.1.
    const icmp = message.subarray(prefix);
    expect([...icmp.slice(16, 22), (icmp[26] ?? 0) * 256 + (icmp[27] ?? 0)]).toEqual([10, 1, 0, 1, 3, 4, 1338]);
    expect(engine.icmpErrors().notTaken).toBe(0n);
  });

  it('takes a super-packet apart and sends its segments in one message', () => {
    const { device, socket, outbound, underlay } = path({ offloads: VIRTIO });
    device.waiting.push(superPacket(50_000, 1380));
    expect(outbound.run(underlay, 64, 1)).toBe(37);
    expect(socket.messages).toHaveLength(1);
    const read = peer();
    const segments = socket.sent.map(read);
    expect(segments.map((segment) => segment.length)).toEqual([...new Array(36).fill(1420), 40 + 320]);
    const payload = Buffer.concat(segments.map((segment) => segment.subarray(40)));
    expect(payload.equals(Buffer.from(superPacket(50_000, 1380).subarray(50)))).toBe(true);
  });

  it.each([
    ['plain', NO_OFFLOADS, 0],
    ['with a virtio header', VIRTIO, 10],
  ])(
    'sends what comes from a mapped network as the fabric knows it, and tells its sender of what is too large: %s',
    (_, offloads, prefix) => {
      const { device, socket, outbound, underlay, counters } = path({
        offloads,
        pathMtu: { mtu: 1400, underlay: { family: 4, udp: true } },
      });
      outbound.mapper = MAPPER;
      const framed = (packet: Uint8Array) => Uint8Array.from([...new Uint8Array(prefix), ...packet]);
      // The last one claims the address that the first one has on the fabric.
      const [small, large] = [ofSite(packetOf(100, false)), ofSite(packetOf(1390, true))];
      device.waiting.push(framed(small), framed(large), framed(packetOf(100, false)));
      outbound.run(underlay, 64, 1);
      expect(socket.sent.map(peer()).map(hex)).toEqual([hex(packetOf(100, false))]);
      expect(counters.drops()).toEqual([{ reason: 'mapped_source', packets: 1n }]);
      const icmp = (device.written[0] ?? new Uint8Array()).subarray(prefix);
      // To 10.9.0.1, about a packet of 10.9.0.1.
      expect([...icmp.slice(16, 22), ...icmp.slice(40, 44)]).toEqual([10, 9, 0, 1, 3, 4, 10, 9, 0, 1]);
    },
  );

  it('maps a super-packet as a whole, and all of its segments with it', () => {
    const [mapped, unmapped] = [path({ offloads: VIRTIO }), path({ offloads: VIRTIO })];
    mapped.outbound.mapper = MAPPER;
    mapped.device.waiting.push(ofSite(superPacket(5000, 1380), 10));
    unmapped.device.waiting.push(superPacket(5000, 1380));
    for (const { outbound, underlay } of [mapped, unmapped]) outbound.run(underlay, 64, 1);
    const wanted = unmapped.socket.sent.map(peer()).map(hex);
    expect(wanted).toHaveLength(4);
    expect(mapped.socket.sent.map(peer()).map(hex)).toEqual(wanted);
  });

  it('goes on in the middle of a super-packet where the underlay stopped', () => {
    const { device, socket, outbound, underlay } = path({ offloads: VIRTIO, takesRuns: false });
    device.waiting.push(superPacket(60_000, 100), superPacket(1000, 100));
    socket.room = 70;
    expect(outbound.run(underlay, 10_000, 1)).toBe(600);
    expect(outbound.blocked).toBe(true);
    socket.room = 1000;
    expect(outbound.resume(underlay, 1)).toBe(true);
    expect(outbound.run(underlay, 10_000, 1)).toBe(10);
    expect(sequences(socket.sent)).toEqual(countUp(610));
    const read = peer();
    for (const datagram of socket.sent) expect(read(datagram)).toHaveLength(140);
  });

  it('sends packets of one size together, and does not let a shorter one be followed', () => {
    const { device, socket, outbound, underlay } = path();
    for (const length of [100, 100, 60, 100, 100, 200]) device.waiting.push(packetOf(length, false));
    expect(outbound.run(underlay, 64, 1)).toBe(6);
    expect(sequences(socket.sent)).toEqual(countUp(6));
    const esp = (length: number) => 8 + 8 + Math.ceil((length + 2) / 4) * 4 + 16;
    expect(socket.messages.map(({ segmentOctets }) => segmentOctets)).toEqual([esp(100), esp(100), 0]);
  });

  it('sends the first packet after a pause before it asks the device for another', () => {
    const { device, socket, outbound, underlay } = path();
    for (let count = 0; count < 4; count++) device.waiting.push(packetOf(100, false));
    const waiting: number[] = [];
    socket.judge = () => {
      waiting.push(device.waiting.length);
      return 0;
    };
    expect(outbound.run(underlay, 64, 1, true)).toBe(4);
    expect(waiting).toEqual([3, 0]);
    expect(sequences(socket.sent)).toEqual(countUp(4));
  });

  it('takes no more from the device than it has room for while the underlay is full, and loses none of it', () => {
    const { device, socket, outbound, underlay, counters, engine } = path();
    const packets = 5000;
    for (let number = 0; number < packets; number++) device.waiting.push(packetOf(1000 + (number % 7), false));
    socket.room = 0;
    for (let turn = 0; turn < 1000; turn++) outbound.run(underlay, 64, 1);
    const taken = packets - device.waiting.length;
    expect(outbound.blocked).toBe(true);
    // What is read once is all that is ever read: a thousand turns later nothing has grown.
    expect(taken * 1000).toBeLessThan(OUTBOUND_OCTETS);
    socket.room = Number.POSITIVE_INFINITY;
    while (device.waiting.length > 0 || outbound.blocked) outbound.run(underlay, 64, 1);
    expect(sequences(socket.sent)).toEqual(countUp(packets));
    expect([counters.drops(), engine.tunnels()[0]?.outboundPackets]).toEqual([[], BigInt(packets)]);
  });

  it('keeps packets of different congestion marks apart', () => {
    const { device, socket, outbound, underlay } = path();
    for (const trafficClass of [0, 2, 2, 3]) {
      const packet = packetOf(100, false);
      packet[1] = trafficClass;
      device.waiting.push(packet);
    }
    outbound.run(underlay, 64, 1);
    expect(socket.messages.map(({ trafficClass }) => trafficClass)).toEqual([0, 2, 3]);
  });

  it('sends the datagrams of a run one by one when the kernel does not take it, and no longer makes such runs', () => {
    const { device, socket, outbound, underlay, counters } = path({ offloads: VIRTIO });
    // The path takes datagrams of 1,000 octets whole; larger ones leave as fragments, which runs do not.
    socket.judge = (segmentOctets) => (segmentOctets > 1000 ? ERRNO.EINVAL : 0);
    device.waiting.push(superPacket(10_000, 1380));
    outbound.run(underlay, 64, 1);
    device.waiting.push(superPacket(10_000, 1380), superPacket(10_000, 500));
    outbound.run(underlay, 64, 1);
    expect(sequences(socket.sent)).toEqual(countUp(8 + 8 + 20));
    expect(socket.messages.map(({ segmentOctets }) => segmentOctets > 0)).toEqual([...new Array(16).fill(false), true]);
    expect(counters.drops()).toEqual([]);
  });

  it('takes up a run that it sends one by one where the underlay stopped', () => {
    const { device, socket, outbound, underlay } = path({ offloads: VIRTIO });
    socket.judge = (segmentOctets) => (segmentOctets > 0 ? ERRNO.EIO : 0);
    socket.room = 3;
    device.waiting.push(superPacket(10_000, 1000));
    outbound.run(underlay, 64, 1);
    expect([socket.sent.length, outbound.blocked]).toEqual([3, true]);
    socket.room = 100;
    expect(outbound.resume(underlay, 1)).toBe(true);
    expect(sequences(socket.sent)).toEqual(countUp(10));
  });

  it('counts what it cannot send, datagram by datagram, and what the device says that is not so', () => {
    const { device, socket, outbound, underlay, counters } = path({ offloads: VIRTIO });
    socket.judge = () => ERRNO.ENETUNREACH;
    const broken = superPacket(5000, 1000);
    broken[6] = 21;
    device.waiting.push(superPacket(5000, 1000), broken);
    outbound.run(underlay, 64, 1);
    outbound.run({ socket: undefined, remotes: underlay.remotes }, 64, 1);
    device.waiting.push(superPacket(3000, 1000));
    outbound.run({ socket: undefined, remotes: underlay.remotes }, 64, 1);
    device.waiting.push(superPacket(2000, 1000));
    outbound.run({ socket: underlay.socket, remotes: new Map() }, 64, 1);
    expect(counters.drops()).toEqual([
      { reason: 'no_underlay_socket', packets: 3n },
      { reason: 'unknown_peer', packets: 2n },
      { reason: 'underlay_unreachable', packets: 5n },
      { reason: 'device_offload_malformed', packets: 1n },
    ]);
  });
});
