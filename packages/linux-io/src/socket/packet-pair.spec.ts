import { describe, expect, it } from 'vitest';
import { ERRNO } from '../ffi/errno.js';
import { allocate } from '../ffi/memory.js';
import { tunFromDescriptor } from '../tun/tun.js';
import { NO_OFFLOADS } from '../tun/tun-offloads.js';
import { openPacketPair } from './packet-pair.js';
import { ReceiveBatch } from './receive-batch.js';
import { SendBatch } from './send-batch.js';
import { encodeSocketAddress } from './socket-address.js';
import { udpSocketFromDescriptor } from './udp-socket.js';

describe('a pair of packet sockets', () => {
  it('hands over packet by packet in both directions as a device does, and never blocks', () => {
    const pair = openPacketPair();
    const device = tunFromDescriptor(pair.one, 'pair', NO_OFFLOADS);
    const kernel = tunFromDescriptor(pair.other, 'pair', NO_OFFLOADS);
    const memory = allocate(128);
    memory.bytes.set([1, 2, 3, 4, 5]);
    expect([kernel.write(memory, 0, 3), kernel.write(memory, 3, 2)]).toEqual([3, 2]);
    expect([device.read(memory, 64, 64), device.read(memory, 67, 61)]).toEqual([3, 2]);
    expect([...memory.bytes.subarray(64, 69)]).toEqual([1, 2, 3, 4, 5]);
    expect(device.read(memory, 0, 64)).toBe(-ERRNO.EAGAIN);
    expect(device.write(memory, 0, 4)).toBe(4);
    expect(kernel.read(memory, 0, 64)).toBe(4);
    pair.close();
  });

  it('takes messages as an underlay socket does, whoever they are for', () => {
    const pair = openPacketPair();
    const [from, to] = [udpSocketFromDescriptor(pair.one), udpSocketFromDescriptor(pair.other)];
    const memory = allocate(64);
    memory.bytes.set([7, 8, 9]);
    const send = new SendBatch(memory, 1);
    send.add(0, 3, 0, encodeSocketAddress({ address: Uint8Array.of(192, 0, 2, 1), port: 4500 }), 0);
    const receive = new ReceiveBatch(allocate(2 * 64), 2, 64);
    expect(from.send(send, 0, 1)).toBe(1);
    expect(to.receive(receive)).toBe(1);
    expect([...receive.memory.bytes.subarray(0, receive.length(0))]).toEqual([7, 8, 9]);
    expect(receive.control(0).segmentOctets).toBe(0);
    expect(to.receive(receive)).toBe(-ERRNO.EAGAIN);
    pair.close();
  });
});
