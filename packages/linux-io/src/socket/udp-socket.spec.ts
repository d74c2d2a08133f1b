import { afterEach, describe, expect, it } from 'vitest';
import { ERRNO } from '../ffi/errno.js';
import { allocate } from '../ffi/memory.js';
import { POLLIN, PollSet } from '../poll/poll-set.js';
import { DatagramBatch } from './datagram-batch.js';
import { ReceiveBatch } from './receive-batch.js';
import { encodeSocketAddress } from './socket-address.js';
import { openUdpSocket, type UdpSocket } from './udp-socket.js';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK_IPV6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const open: UdpSocket[] = [];
function socket(port = 0, address = LOOPBACK): UdpSocket {
  const made = openUdpSocket({ address, port }, { bufferOctets: 1 << 20 });
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

function hasIpv6(): boolean {
  try {
    openUdpSocket({ address: LOOPBACK_IPV6, port: 0 }, { bufferOctets: 1 << 16 }).close();
    return true;
  } catch {
    return false;
  }
}

function waitReadable(receiver: UdpSocket): void {
  const set = new PollSet(1);
  set.watch(0, receiver.fd, POLLIN);
  set.wait(-1);
}

describe('UDP socket on the loopback', () => {
  it('moves a batch of datagrams of different lengths and tells where they came from', () => {
    const [sender, receiver] = [socket(), socket()];
    const outgoing = new DatagramBatch(4, 2048);
    const destination = encodeSocketAddress(receiver.localEndpoint());
    for (let slot = 0; slot < 4; slot++) {
      outgoing.bytes.fill(slot + 1, outgoing.offset(slot), outgoing.offset(slot) + 100 + slot);
      outgoing.prepare(slot, 100 + slot, destination);
    }
    expect(sender.send(outgoing, 0, 4)).toBe(4);

    const incoming = new DatagramBatch(8, 2048);
    waitReadable(receiver);
    expect(receiver.receive(incoming)).toBe(4);
    for (let slot = 0; slot < 4; slot++) {
      expect(incoming.length(slot)).toBe(100 + slot);
      const start = incoming.offset(slot);
      expect(new Set(incoming.bytes.subarray(start, start + 100 + slot))).toEqual(new Set([slot + 1]));
      expect(incoming.source(slot)).toEqual(sender.localEndpoint());
      expect(incoming.truncated(slot)).toBe(false);
    }
    expect(receiver.receive(incoming)).toBe(-ERRNO.EAGAIN);
  });

  it.skipIf(!hasIpv6())(
    'tells the whole address that a datagram came from, whatever socket filled the batch before',
    () => {
      for (const incoming of [new DatagramBatch(2, 64), new ReceiveBatch(allocate(128), 2, 64)]) {
        for (const address of [LOOPBACK, LOOPBACK_IPV6, LOOPBACK]) {
          const [sender, receiver] = [socket(0, address), socket(0, address)];
          const outgoing = new DatagramBatch(2, 64);
          for (const slot of [0, 1]) outgoing.prepare(slot, 10, encodeSocketAddress(receiver.localEndpoint()));
          expect(sender.send(outgoing, 0, 2)).toBe(2);
          waitReadable(receiver);
          expect(receiver.receive(incoming)).toBe(2);
          for (const slot of [0, 1]) expect(incoming.source(slot)).toEqual(sender.localEndpoint());
        }
      }
    },
  );

  it('marks a datagram that did not fit, and takes the next whole', () => {
    const [sender, receiver] = [socket(), socket()];
    const outgoing = new DatagramBatch(2, 256);
    const destination = encodeSocketAddress(receiver.localEndpoint());
    const incoming = new DatagramBatch(1, 64);
    outgoing.prepare(0, 65, destination);
    outgoing.prepare(1, 64, destination);
    expect(sender.send(outgoing, 0, 2)).toBe(2);
    waitReadable(receiver);
    expect(receiver.receive(incoming)).toBe(1);
    expect([incoming.truncated(0), incoming.length(0)]).toEqual([true, 64]);
    expect(receiver.receive(incoming)).toBe(1);
    expect([incoming.truncated(0), incoming.length(0)]).toEqual([false, 64]);
  });

  it('answers the error number of the first slot that cannot go', () => {
    const sender = socket();
    const outgoing = new DatagramBatch(1, 70_000);
    outgoing.prepare(0, 70_000, encodeSocketAddress({ address: LOOPBACK, port: 9 }));
    expect(sender.send(outgoing, 0, 1)).toBe(-ERRNO.EMSGSIZE);
  });

  it('says what to do when the port is taken or the address is not ours', () => {
    const { port } = socket().localEndpoint();
    expect(() => socket(port)).toThrow(expect.objectContaining({ code: 'EADDRINUSE', call: 'bind' }));
    expect(() => openUdpSocket({ address: Uint8Array.of(192, 0, 2, 1), port: 0 }, { bufferOctets: 4096 })).toThrow(
      /EADDRNOTAVAIL.*does not have the address/,
    );
  });

  it('refuses to prepare or send more than there is', () => {
    const batch = new DatagramBatch(2, 16);
    expect(() => batch.prepare(0, 17, encodeSocketAddress({ address: LOOPBACK, port: 9 }))).toThrow(RangeError);
    expect(() => socket().send(batch, 1, 2)).toThrow(RangeError);
  });
});
