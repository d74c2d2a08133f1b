import { afterEach, describe, expect, it } from 'vitest';
import { POLLIN, PollSet } from '../poll/poll-set.js';
import { DatagramBatch } from './datagram-batch.js';
import { encodeSocketAddress } from './socket-address.js';
import { socketOfSpi } from './spi-steering.js';
import { openUdpSocket, type UdpSocket } from './udp-socket.js';
import { openUdpSocketGroup } from './udp-socket-group.js';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const open: UdpSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** A free port, and as many sockets on it. */
function group(count: number): readonly UdpSocket[] {
  const probe = openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 1 << 16 });
  const endpoint = probe.localEndpoint();
  probe.close();
  const sockets = openUdpSocketGroup(endpoint, { bufferOctets: 1 << 16 }, count);
  open.push(...sockets);
  return sockets;
}

/** Sends a datagram and tells which socket received it. */
function receiverOf(sockets: readonly UdpSocket[], payload: Uint8Array): number {
  const sender = openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 1 << 16 });
  open.push(sender);
  const batch = new DatagramBatch(1, 64);
  batch.bytes.set(payload);
  batch.prepare(0, payload.length, encodeSocketAddress(sockets[0]!.localEndpoint()));
  expect(sender.send(batch, 0, 1)).toBe(1);
  const set = new PollSet(sockets.length);
  for (const [slot, socket] of sockets.entries()) set.watch(slot, socket.fd, POLLIN);
  expect(set.wait(5_000)).toBe(1);
  const index = sockets.findIndex((_, slot) => set.ready(slot) !== 0);
  expect(sockets[index]?.receive(new DatagramBatch(1, 64))).toBe(1);
  return index;
}

describe('UDP sockets that share a port', () => {
  it.each([2, 3, 5])('of %i each receives the SPIs that are its own, from whatever source', (count) => {
    const sockets = group(count);
    for (const spi of [0x100, 0x101, 0x102, 0x103, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]) {
      const esp = new Uint8Array(40);
      new DataView(esp.buffer).setUint32(0, spi);
      for (let source = 0; source < 3; source++) {
        expect([spi, receiverOf(sockets, esp)]).toEqual([spi, socketOfSpi(spi, count)]);
      }
    }
  });

  it('lets IKE messages and NAT keepalives go to the first', () => {
    const sockets = group(3);
    expect(receiverOf(sockets, new Uint8Array(32))).toBe(0);
    expect(receiverOf(sockets, Uint8Array.of(0xff))).toBe(0);
  });

  it('of one is a socket like any other, whose port nobody else gets', () => {
    const [only] = group(1);
    expect(receiverOf([only as UdpSocket], new Uint8Array(32).fill(1))).toBe(0);
    expect(() => openUdpSocketGroup((only as UdpSocket).localEndpoint(), { bufferOctets: 1 << 16 }, 2)).toThrow(
      /EADDRINUSE/,
    );
  });
});
