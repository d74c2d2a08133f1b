import {
  allocate,
  DatagramBatch,
  type Endpoint,
  ERRNO,
  encodeSocketAddress,
  openUdpSocket,
  POLLERR,
  PollSet,
  SendBatch,
  type UdpSocket,
} from '@weft/linux-io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendOrSettle } from './send-or-settle.js';
import { SharedCounters, sumOfNews } from './shared-counters.js';
import { reasonOf } from './underlay-error-reason.js';
import { type PathMtuListener, UnderlayErrors } from './underlay-errors.js';

let counters: SharedCounters;
beforeEach(() => {
  counters = new SharedCounters();
});

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const open: UdpSocket[] = [];
function socket(): UdpSocket {
  const made = openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 1 << 20, reportErrors: true });
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

/** An engine that only remembers what it was told. */
class Engine implements PathMtuListener {
  readonly told: { kind: 'udp' | 'packet' | 'message'; octets: number[]; mtu: number; now: number }[] = [];

  receiveSocketError(packet: Uint8Array, offset: number, length: number, mtu: number, now: number) {
    this.told.push({ kind: 'udp', octets: [...packet.subarray(offset, offset + length)], mtu, now });
    return 'path_mtu_lowered' as const;
  }

  receiveIcmpError(packet: Uint8Array, offset: number, length: number, now: number) {
    this.told.push({ kind: 'message', octets: [...packet.subarray(offset, offset + length)], mtu: 0, now });
    return 'path_mtu_lowered' as const;
  }

  receiveQuotedPacket(packet: Uint8Array, offset: number, length: number, mtu: number, now: number) {
    this.told.push({ kind: 'packet', octets: [...packet.subarray(offset, offset + length)], mtu, now });
    return 'path_mtu_lowered' as const;
  }
}

function closedPort(): Endpoint {
  const made = openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 4096 });
  const endpoint = made.localEndpoint();
  made.close();
  return endpoint;
}

function batchTo(destinations: readonly Endpoint[]): SendBatch {
  const batch = new SendBatch(allocate(64), destinations.length);
  for (const destination of destinations) batch.add(0, 16, 0, encodeSocketAddress(destination), 0);
  return batch;
}

function waitForError({ fd }: UdpSocket): void {
  const set = new PollSet(1);
  set.watch(0, fd, 0);
  set.wait(-1);
  expect(set.ready(0) & POLLERR).toBe(POLLERR);
}

describe('errors of the underlay', () => {
  it('about one peer cost no packet to another', () => {
    const [sender, receiver] = [socket(), socket()];
    const errors = new UnderlayErrors(new Engine(), undefined, counters.memory);
    const batch = batchTo([closedPort(), receiver.localEndpoint(), receiver.localEndpoint()]);
    expect(sender.send(batch, 0, 1)).toBe(1);
    waitForError(sender);
    // A plain send would answer with the first one's error here, and send nothing.
    expect(sendOrSettle(sender, 'udp', batch, 1, 2, errors)).toBe(2);
    expect(receiver.receive(new DatagramBatch(4, 64))).toBe(2);
    expect(sumOfNews([counters]).underlayErrors).toEqual([{ reason: 'port_unreachable', messages: 1n }]);
  });

  it('that are about the message itself stay its own', () => {
    const sender = socket();
    const errors = new UnderlayErrors(new Engine(), undefined, counters.memory);
    const nowhere = { address: Uint8Array.of(255, 255, 255, 255), port: 9 };
    expect(sendOrSettle(sender, 'udp', batchTo([nowhere]), 0, 1, errors)).toBe(-ERRNO.EACCES);
    expect(sumOfNews([counters])).toEqual({ underlayErrors: [], pathMtuMessages: [] });
  });

  it('are no news of the path when they are no "too big"', () => {
    const [sender, engine] = [socket(), new Engine()];
    const errors = new UnderlayErrors(engine, undefined, counters.memory);
    sender.send(batchTo([closedPort()]), 0, 1);
    waitForError(sender);
    expect(errors.drain(sender, 'udp')).toBe(1);
    expect([engine.told, errors.drain(sender, 'udp')]).toEqual([[], 0]);
  });

  it('ask the kernel for the MTU of a path that it has refused a packet for, but not for each', () => {
    const [engine, receiver] = [new Engine(), socket()];
    const errors = new UnderlayErrors(engine, undefined, counters.memory);
    const memory = allocate(64);
    memory.bytes.set(Array.from({ length: 64 }, (_, index) => index));
    errors.now = 1000;
    const destination = encodeSocketAddress(receiver.localEndpoint());
    for (let i = 0; i < 3; i++) errors.datagramTooLarge(memory, 4, 8, destination);
    errors.now = 2000;
    const header = [0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 50, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    memory.bytes.set(header);
    errors.packetTooLarge(memory, 0, 20);
    const { mtu = 0 } = engine.told[0] ?? {};
    expect(mtu).toBeGreaterThan(1280);
    expect(engine.told).toEqual([
      { kind: 'udp', octets: [4, 5, 6, 7, 8, 9, 10, 11], mtu, now: 1000 },
      { kind: 'packet', octets: header, mtu, now: 2000 },
    ]);
  });

  it.each([
    ['icmp', 3, 4, 1400, 'too_big'],
    ['icmp', 3, 0, 0, 'network_unreachable'],
    ['icmp', 3, 1, 0, 'host_unreachable'],
    ['icmp', 3, 2, 0, 'protocol_unreachable'],
    ['icmp', 3, 13, 0, 'prohibited'],
    ['icmp', 11, 0, 0, 'time_exceeded'],
    ['icmp', 12, 7, 0, 'parameter_problem'],
    ['icmp', 5, 0, 0, 'other'],
    ['icmpv6', 2, 77, 1400, 'too_big'],
    ['icmpv6', 1, 0, 0, 'network_unreachable'],
    ['icmpv6', 1, 1, 0, 'prohibited'],
    ['icmpv6', 1, 4, 0, 'port_unreachable'],
    ['icmpv6', 3, 1, 0, 'time_exceeded'],
    ['icmpv6', 4, 1, 0, 'protocol_unreachable'],
    ['icmpv6', 4, 0, 0, 'parameter_problem'],
    ['icmpv6', 200, 0, 0, 'other'],
    ['local', 0, 0, 1400, 'refused_too_big'],
    ['local', 0, 0, 0, 'refused'],
  ] as const)('have one reason: %s type %i code %i, MTU %i is %s', (origin, type, code, mtu, reason) => {
    expect(reasonOf({ origin, type, code, mtu })).toBe(reason);
  });
});
