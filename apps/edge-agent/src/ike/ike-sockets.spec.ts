import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { DatagramBatch, openUdpSocket, POLLIN, PollSet } from '@weft/linux-io';
import { afterEach, describe, expect, it } from 'vitest';
import { IkeSockets } from './ike-sockets.js';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const close: (() => void)[] = [];
afterEach(() => {
  for (const run of close.splice(0)) run();
});

/** A socket of somebody else, bound. */
async function stranger() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  close.push(() => socket.close());
  await once(socket, 'listening');
  return { socket, endpoint: { address: LOOPBACK, port: socket.address().port } };
}

/** Some port that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

describe('IKE sockets', () => {
  it('speak on the plain port without a marker, and say where a datagram came from', async () => {
    const sockets = new IkeSockets();
    close.push(() => sockets.close());
    const port = await freePort();
    await sockets.openPlain(LOOPBACK, port);
    const peer = await stranger();
    const received = new Promise((resolve) => sockets.onDatagram((...datagram) => resolve(datagram)));
    peer.socket.send(Buffer.from('to us'), port, '127.0.0.1');
    const local = { address: LOOPBACK, port };
    expect(await received).toEqual([local, peer.endpoint, new TextEncoder().encode('to us')]);
    const answer = once(peer.socket, 'message');
    expect(sockets.send(local, peer.endpoint, Buffer.from('to them'), false)).toBe(true);
    expect(String((await answer)[0])).toBe('to them');
  });

  it('send through the socket of the packet path with a marker, and take what it received', async () => {
    const sockets = new IkeSockets();
    const [shared, far] = [0, 1].map(() => openUdpSocket({ address: LOOPBACK, port: 0 }, { bufferOctets: 65_536 }));
    close.push(
      () => shared!.close(),
      () => far!.close(),
    );
    const [local, remote] = [shared!.localEndpoint(), far!.localEndpoint()];
    sockets.useEncapsulated(local, shared!);
    expect(sockets.send(local, remote, Uint8Array.of(7, 8), true)).toBe(true);
    const [poll, batch] = [new PollSet(1), new DatagramBatch(1, 64)];
    poll.watch(0, far!.fd, POLLIN);
    poll.wait(-1);
    expect(far!.receive(batch)).toBe(1);
    expect([...batch.bytes.subarray(0, batch.length(0))]).toEqual([0, 0, 0, 0, 7, 8]);
    const received: unknown[] = [];
    sockets.onDatagram((...datagram) => received.push(datagram));
    sockets.receiveEncapsulated(local, Uint8Array.of(9), remote);
    expect(received).toEqual([[local, remote, Uint8Array.of(9)]]);
  });

  it('send nothing from an address that is not open, or that was closed, or that is too long', async () => {
    const sockets = new IkeSockets();
    const port = await freePort();
    const [local, peer] = [{ address: LOOPBACK, port }, await stranger()];
    expect(sockets.send(local, peer.endpoint, Uint8Array.of(1), false)).toBe(false);
    await sockets.openPlain(LOOPBACK, port);
    expect(sockets.send(local, peer.endpoint, new Uint8Array(65_504), false)).toBe(false);
    sockets.closeAddress(LOOPBACK);
    expect(sockets.send(local, peer.endpoint, Uint8Array.of(1), false)).toBe(false);
  });

  it('say what is wrong with a port that is taken', async () => {
    const sockets = new IkeSockets();
    close.push(() => sockets.close());
    const { endpoint } = await stranger();
    await expect(sockets.openPlain(LOOPBACK, endpoint.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
