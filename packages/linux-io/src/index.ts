/**
 * Linux devices and sockets for the packet path, through FFI: no native code of our own.
 *
 * Cold functions (open, bind, close) throw SystemCallError. Hot ones (read, write, receive, send) allocate nothing
 * and answer a count, or an error number negated.
 */
export { ERRNO, type ErrnoName, errnoName, type SystemCall, SystemCallError } from './ffi/errno.js';
export { allocate, type Memory } from './ffi/memory.js';
export { findOpenSslProvider, type OpenSslLookup } from './openssl/openssl-provider.js';
export { openPacketRing, type PacketRing } from './packet/packet-ring.js';
export { type EventFd, eventFdFromDescriptor, openEventFd } from './poll/event-fd.js';
export { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, PollSet } from './poll/poll-set.js';
export { DatagramBatch } from './socket/datagram-batch.js';
export { decodeSocketAddress, type Endpoint, EndpointError, encodeSocketAddress } from './socket/socket-address.js';
export { openUdpSocket, type UdpSocket, type UdpSocketOptions, udpSocketFromDescriptor } from './socket/udp-socket.js';
export { InterfaceNameError, isInterfaceName } from './tun/interface-request.js';
export { openTun, type Tun, tunFromDescriptor } from './tun/tun.js';
