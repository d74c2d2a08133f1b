import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { formatAddress, parseAddress } from '@weft/ipsec-core';
import type { Endpoint } from '@weft/ipsec-core/ike';
import { DatagramBatch, encodeSocketAddress, type UdpSocket } from '@weft/linux-io';
import type { DatagramListener, IkeTransport } from './ike-transport.js';

/**
 * The two ports of IKE (RFC 7296 section 2): 500, which is ours alone, and 4500, which IKE shares with ESP in UDP. The
 * packet path receives on the latter and hands IKE messages over by `receiveEncapsulated`; sending needs no such detour.
 */
export class IkeSockets implements IkeTransport {
  readonly #plain = new Map<string, Socket>();
  readonly #encapsulated = new Map<string, UdpSocket>();
  readonly #outgoing = new DatagramBatch(1, MARKER_OCTETS + MAXIMUM_MESSAGE);
  #listener: DatagramListener = () => undefined;

  onDatagram(listener: DatagramListener): void {
    this.#listener = listener;
  }

  /** Binds port 500 of an address. Rejects with what bind says: EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  async openPlain(address: Uint8Array, port = IKE_PORT): Promise<void> {
    const local: Endpoint = { address, port };
    const family = address.length === 4 ? 4 : 6;
    // Addresses here are never names, and the resolver takes its time to find that out for each message.
    const lookup: NonNullable<SocketOptions['lookup']> = (text, _options, found) => found(null, text, family);
    const socket = createSocket(family === 4 ? { type: 'udp4', lookup } : { type: 'udp6', ipv6Only: true, lookup });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, formatAddress(address), () => {
        socket.off('error', reject);
        resolve();
      });
    });
    // An ICMP error concerns one peer; its IKE SA finds out by silence.
    socket.on('error', () => undefined);
    socket.on('message', (octets, { address: source, port: sourcePort }) => {
      const remote = { address: parseAddress(source.split('%')[0] ?? source), port: sourcePort };
      // `slice` of a Buffer does not copy, and would keep the datagram for as long as the IKE SA lives.
      this.#listener(local, remote, new Uint8Array(octets.buffer, octets.byteOffset, octets.length));
    });
    this.#plain.set(keyOf(local), socket);
  }

  /** From now on messages from this endpoint leave through the socket of the packet path. */
  useEncapsulated(local: Endpoint, socket: UdpSocket): void {
    this.#encapsulated.set(keyOf(local), socket);
  }

  /** An IKE message that the packet path received; the marker is off. */
  receiveEncapsulated(local: Endpoint, octets: Uint8Array, source: Endpoint): void {
    this.#listener(local, source, octets);
  }

  send(local: Endpoint, remote: Endpoint, octets: Uint8Array, marker: boolean): boolean {
    if (octets.length > MAXIMUM_MESSAGE) return false;
    const key = keyOf(local);
    const shared = this.#encapsulated.get(key);
    if (shared !== undefined) return this.#sendShared(shared, remote, octets, marker);
    const socket = this.#plain.get(key);
    // The address may have gone while the message waited.
    if (socket === undefined) return false;
    socket.send(octets, remote.port, formatAddress(remote.address), () => undefined);
    return true;
  }

  /** Stops using an address that is gone. The packet path's socket is the packet path's to close. */
  closeAddress(address: Uint8Array): void {
    const suffix = ` ${formatAddress(address)}`;
    for (const [key, socket] of this.#plain) {
      if (!key.endsWith(suffix)) continue;
      this.#plain.delete(key);
      socket.close();
    }
    for (const key of [...this.#encapsulated.keys()]) if (key.endsWith(suffix)) this.#encapsulated.delete(key);
  }

  close(): void {
    for (const socket of this.#plain.values()) socket.close();
    this.#plain.clear();
    this.#encapsulated.clear();
  }

  #sendShared(socket: UdpSocket, remote: Endpoint, octets: Uint8Array, marker: boolean): boolean {
    const batch = this.#outgoing;
    const start = marker ? MARKER_OCTETS : 0;
    batch.bytes.fill(0, 0, start);
    batch.bytes.set(octets, start);
    batch.prepare(0, start + octets.length, encodeSocketAddress(remote));
    if (socket.send(batch, 0, 1) === 1) return true;
    // The socket tells of ICMP errors about earlier packets in this way; then the next call is about this one.
    return socket.send(batch, 0, 1) === 1;
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${port} ${formatAddress(address)}`;
}

const IKE_PORT = 500;
const MARKER_OCTETS = 4;
/** What one UDP datagram can carry, the marker not counted. */
const MAXIMUM_MESSAGE = 65_503;
