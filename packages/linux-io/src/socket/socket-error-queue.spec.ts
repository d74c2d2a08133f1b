import { afterEach, describe, expect, it } from 'vitest';
import { ERRNO } from '../ffi/errno.js';
import { POLLERR, PollSet } from '../poll/poll-set.js';
import { DatagramBatch } from './datagram-batch.js';
import { lookUpPathMtu } from './path-mtu-lookup.js';
import { type Endpoint, encodeSocketAddress } from './socket-address.js';
import { SocketErrorQueue } from './socket-error-queue.js';
import type { PathMtuDiscovery } from './socket-options.js';
import { openUdpSocket, type UdpSocket } from './udp-socket.js';

const IPV4 = Uint8Array.of(127, 0, 0, 1);
const IPV6 = Uint8Array.from([...new Array<number>(15).fill(0), 1]);
const open: UdpSocket[] = [];
function socket(address: Uint8Array, pathMtuDiscovery: PathMtuDiscovery = 'want'): UdpSocket {
  const made = openUdpSocket({ address, port: 0 }, { bufferOctets: 1 << 20, reportErrors: true, pathMtuDiscovery });
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

/** Where nobody listens. */
function closedPort(address: Uint8Array): Endpoint {
  const made = openUdpSocket({ address, port: 0 }, { bufferOctets: 4096 });
  const endpoint = made.localEndpoint();
  made.close();
  return endpoint;
}

function send(from: UdpSocket, to: Endpoint, octets: Uint8Array): number {
  const batch = new DatagramBatch(1, 66_000);
  batch.bytes.set(octets);
  batch.prepare(0, octets.length, encodeSocketAddress(to));
  return from.send(batch, 0, 1);
}

function waitForError(of: UdpSocket): void {
  const set = new PollSet(1);
  set.watch(0, of.fd, 0);
  expect(set.wait(-1)).toBe(1);
  expect(set.ready(0) & POLLERR).toBe(POLLERR);
}

/** Everything in the queue, as plain values. */
function drain(of: UdpSocket, limit = 100) {
  const told: unknown[] = [];
  const taken = new SocketErrorQueue().drain(of.fd, limit, (error) => {
    const excerpt = error && [...error.excerpt.bytes.subarray(error.offset, error.offset + error.length)];
    told.push(error && { ...plain(error), peer: error.peer(), reporter: error.reporter(), excerpt });
  });
  return { taken, told };
}

function plain({ origin, type, code, errno, mtu }: Record<'origin' | 'type' | 'code' | 'errno' | 'mtu', unknown>) {
  return { origin, type, code, errno, mtu };
}

describe('error queue of a socket', () => {
  it.each([
    ['IPv4', IPV4, { origin: 'icmp', type: 3, code: 3 }],
    ['IPv6', IPV6, { origin: 'icmpv6', type: 1, code: 4 }],
  ] as const)('tells about which packet an ICMP message is, over %s', (family, address, message) => {
    const sender = socket(address);
    const peer = closedPort(address);
    expect(send(sender, peer, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), family).toBe(1);
    waitForError(sender);
    expect(drain(sender)).toEqual({
      taken: 1,
      told: [
        {
          ...message,
          errno: ERRNO.ECONNREFUSED,
          mtu: 0,
          peer,
          reporter: address,
          excerpt: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        },
      ],
    });
    expect(drain(sender)).toEqual({ taken: -ERRNO.EAGAIN, told: [] });
  });

  it('takes no more than it is asked for', () => {
    const sender = socket(IPV4);
    const peer = closedPort(IPV4);
    // The call after an error answers with it and sends nothing.
    for (let sent = 0; sent < 20; ) sent += Math.max(0, send(sender, peer, Uint8Array.of(sent)));
    waitForError(sender);
    expect(drain(sender, 12).taken).toBe(12);
    const { taken, told } = drain(sender);
    expect([taken, told.length]).toEqual([8, 8]);
  });

  it('keeps the start of a long packet', () => {
    const sender = socket(IPV6);
    send(sender, closedPort(IPV6), new Uint8Array(1000).fill(7));
    waitForError(sender);
    expect(drain(sender).told).toEqual([expect.objectContaining({ excerpt: new Array(256).fill(7) })]);
  });

  it.each([
    ['IPv4', IPV4, 28],
    ['IPv6', IPV6, 48],
  ])('tells the MTU that a packet was refused for, where it may not be fragmented (%s)', (_, address, headers) => {
    const sender = socket(address, 'do');
    const peer = socket(address).localEndpoint();
    const mtu = lookUpPathMtu(encodeSocketAddress(peer), undefined) ?? 0;
    expect(mtu).toBeGreaterThan(1280);
    const longest = Math.min(mtu - headers, 65_507);
    expect(send(sender, peer, new Uint8Array(longest))).toBe(1);
    expect(send(sender, peer, new Uint8Array(longest + 1))).toBe(-ERRNO.EMSGSIZE);
    const local = { origin: 'local', type: 0, code: 0, errno: ERRNO.EMSGSIZE, mtu, reporter: undefined };
    // More than a datagram can have is refused without a word about the path.
    if (longest < 65_507) expect(drain(sender).told).toEqual([expect.objectContaining(local)]);
  });

  it('knows no path MTU where there is no way', () => {
    // 240.0.0.0/4 is reserved (RFC 1112 section 4): no socket connects to it.
    expect(lookUpPathMtu(encodeSocketAddress({ address: new Uint8Array(4).fill(255), port: 9 }), undefined)).toBe(
      undefined,
    );
  });
});
