import { afterEach, describe, expect, it } from 'vitest';
import { LINUX } from '../ffi/constants.js';
import { ERRNO } from '../ffi/errno.js';
import { allocate } from '../ffi/memory.js';
import { POLLIN, PollSet } from '../poll/poll-set.js';
import { ReceivedControl, writeControlInteger } from './control-messages.js';
import { ReceiveBatch } from './receive-batch.js';
import { MAXIMUM_SEGMENTS, SendBatch } from './send-batch.js';
import { encodeSocketAddress } from './socket-address.js';
import { openUdpSocket, type UdpSocket } from './udp-socket.js';

const LOOPBACKS = {
  IPv4: Uint8Array.of(127, 0, 0, 1),
  IPv6: Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0)),
};
const open: UdpSocket[] = [];
function socket(address: Uint8Array): UdpSocket {
  const made = openUdpSocket({ address, port: 0 }, { bufferOctets: 1 << 20 });
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

/** Receives until all datagrams are there; each as its octets, its traffic class and the run it came in. */
function receiveAll(receiver: UdpSocket, batch: ReceiveBatch, datagrams: number) {
  const set = new PollSet(1);
  set.watch(0, receiver.fd, POLLIN);
  const found: { octets: number[]; trafficClass: number; run: number }[] = [];
  for (let run = 0; found.length < datagrams; ) {
    set.wait(-1);
    const count = receiver.receive(batch);
    for (let slot = 0; slot < count; slot++, run++) {
      const { segmentOctets, trafficClass } = batch.control(slot);
      const length = batch.length(slot);
      const size = segmentOctets === 0 ? length : segmentOctets;
      for (let at = 0; at < length; at += size) {
        const start = batch.offset(slot) + at;
        const octets = [...batch.memory.bytes.subarray(start, start + Math.min(size, length - at))];
        found.push({ octets, trafficClass, run });
      }
    }
  }
  return found;
}

describe.each(Object.entries(LOOPBACKS))('runs of datagrams over %s', (_, address) => {
  it('leave as one message and arrive as one, with their marks', () => {
    const [sender, receiver] = [socket(address), socket(address)];
    expect([sender.enableOffloads(), receiver.enableOffloads()]).toEqual([
      { send: true, receive: true },
      { send: true, receive: true },
    ]);
    const memory = allocate(65_536);
    memory.bytes.forEach((_octet, index, all) => {
      all[index] = index * 31;
    });
    const destination = encodeSocketAddress(receiver.localEndpoint());
    const batch = new SendBatch(memory, 4);
    batch.add(100, 1000, 300, destination, 0);
    batch.add(5000, 700, 0, destination, 0xb9);
    batch.add(7000, 800, 400, destination, 3);
    expect([batch.count, batch.datagrams(0), batch.datagrams(1), batch.datagrams(2)]).toEqual([3, 4, 1, 2]);
    expect(sender.send(batch, 0, 3)).toBe(3);
    const found = receiveAll(receiver, new ReceiveBatch(allocate(4 * 65_536), 4, 65_536), 7);
    const octets = (from: number, to: number) => [...memory.bytes.subarray(from, to)];
    expect(found.map((datagram) => datagram.octets)).toEqual([
      octets(100, 400),
      octets(400, 700),
      octets(700, 1000),
      octets(1000, 1100),
      octets(5000, 5700),
      octets(7000, 7400),
      octets(7400, 7800),
    ]);
    expect(found.map(({ trafficClass }) => trafficClass)).toEqual([0, 0, 0, 0, 0xb9, 3, 3]);
    expect(found.map(({ run }) => run)).toEqual([0, 0, 0, 0, 1, 2, 2]);
  });

  it('arrive one by one where the receiver did not ask for runs', () => {
    const [sender, receiver] = [socket(address), socket(address)];
    const batch = new SendBatch(allocate(4096), 1);
    batch.add(0, 1000, 250, encodeSocketAddress(receiver.localEndpoint()), 0);
    expect(sender.send(batch, 0, 1)).toBe(1);
    const found = receiveAll(receiver, new ReceiveBatch(allocate(8 * 2048), 8, 2048), 4);
    expect(found.map(({ octets, run }) => [octets.length, run])).toEqual([
      [250, 0],
      [250, 1],
      [250, 2],
      [250, 3],
    ]);
  });

  it('reuses messages and slots, and mentions only what the last message had', () => {
    const [sender, receiver] = [socket(address), socket(address)];
    receiver.enableOffloads();
    const destination = encodeSocketAddress(receiver.localEndpoint());
    const sending = new SendBatch(allocate(4096), 1);
    const receiving = new ReceiveBatch(allocate(65_536), 1, 65_536);
    for (const [length, segment, mark] of [
      [900, 300, 1],
      [100, 0, 0],
      [600, 300, 2],
    ] as const) {
      sending.clear();
      sending.add(0, length, segment, destination, mark);
      expect(sender.send(sending, 0, 1)).toBe(1);
      const datagrams = segment === 0 ? 1 : length / segment;
      const found = receiveAll(receiver, receiving, datagrams);
      expect(found.map(({ trafficClass }) => trafficClass)).toEqual(new Array(datagrams).fill(mark));
      expect(receiving.source(0)).toEqual(sender.localEndpoint());
      expect(receiving.truncated(0)).toBe(false);
    }
  });
});

describe('runs of datagrams', () => {
  it('are refused by the kernel when they are too many', () => {
    const sender = socket(LOOPBACKS.IPv4);
    const batch = new SendBatch(allocate(4096), 1);
    batch.add(0, 4096, 4, encodeSocketAddress({ address: LOOPBACKS.IPv4, port: 9 }), 0);
    expect(MAXIMUM_SEGMENTS).toBe(64);
    expect(sender.send(batch, 0, 1)).toBe(-ERRNO.EINVAL);
  });

  it('are refused when they lie outside the memory or the batch is full', () => {
    const batch = new SendBatch(allocate(100), 1);
    expect(() => batch.add(90, 11, 0, new Uint8Array(16), 0)).toThrow(RangeError);
    batch.add(0, 100, 0, new Uint8Array(16), 0);
    expect(batch.isFull).toBe(true);
    expect(() => batch.add(0, 1, 0, new Uint8Array(16), 0)).toThrow(RangeError);
    expect(() => batch.target(1)).toThrow(RangeError);
  });
});

describe('control messages', () => {
  it('are read however long they claim to be, within what there is', () => {
    const view = new DataView(new ArrayBuffer(64));
    const control = new ReceivedControl();
    for (const length of [0, 15, 17, 64, 0xffff_ffff]) {
      writeControlInteger(view, 0, LINUX.IPPROTO_UDP, LINUX.UDP_GRO, 1400);
      view.setUint32(0, length, true);
      expect(() => control.read(view, 0, 64)).not.toThrow();
    }
    control.read(view, 0, 0);
    expect(control.segmentOctets).toBe(0);
  });
});
