import type { Endpoint } from './socket-address.js';
import { steerBySpi } from './spi-steering.js';
import { openUdpSocket, type UdpSocket, type UdpSocketOptions } from './udp-socket.js';

/**
 * Opens `count` sockets on one port, each for a thread of its own: what arrives for an SPI arrives at one of them, always the
 * same (`socketOfSpi`). With one it is a socket like any other. Throws EndpointError, SystemCallError.
 */
export function openUdpSocketGroup(endpoint: Endpoint, options: UdpSocketOptions, count: number): readonly UdpSocket[] {
  if (count === 1) return [openUdpSocket(endpoint, options)];
  const sockets: UdpSocket[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const socket = openUdpSocket(endpoint, { ...options, sharesPort: true });
      sockets.push(socket);
      // Before the second one is there, so that the kernel never chooses by itself.
      if (index === 0) steerBySpi(socket.fd, count);
    }
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
}
