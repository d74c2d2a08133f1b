/**
 * Linux devices and sockets for the packet path, through FFI: no native code of our own.
 *
 * Cold functions (open, bind, close) throw SystemCallError. Hot ones (read, write, receive, send) allocate nothing
 * and answer a count, or an error number negated.
 */
export { ERRNO, type ErrnoName, errnoName, type SystemCall, SystemCallError } from './ffi/errno.js';
export { allocate, type Memory } from './ffi/memory.js';
export { type Delivery, MAXIMUM_PIECES } from './offload/chain.js';
export { Coalescer, type CoalescingLimits } from './offload/coalescer.js';
export { allocatePacketMemory, type PacketMemory } from './offload/packet-memory.js';
export { completeChecksum, type SegmentationProblem, Segmenter } from './offload/segmenter.js';
export { VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, VirtioHeader } from './offload/virtio-header.js';
export { findOpenSslProvider, type OpenSslLookup } from './openssl/openssl-provider.js';
export { openPacketRing, type PacketRing } from './packet/packet-ring.js';
export { type EventFd, eventFdFromDescriptor, openEventFd } from './poll/event-fd.js';
export { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, PollSet } from './poll/poll-set.js';
export {
  CAPABILITY,
  type CapabilitySets,
  capabilitySet,
  parseCapabilities,
  readCapabilities,
  restartWithin,
} from './process/capabilities.js';
export { returnFreedMemory } from './process/heap.js';
export { type ProgramEnd, type ProgramOutcome, type ProgramRun, runToEnd } from './process/program.js';
export { ReceivedControl } from './socket/control-messages.js';
export { DatagramBatch } from './socket/datagram-batch.js';
export type { DatagramSocket } from './socket/datagram-calls.js';
export { type NotifySocket, openNotifySocket } from './socket/notify-socket.js';
export { openPacketPair, type PacketPair, packetPairFromDescriptors } from './socket/packet-pair.js';
export { lookUpPathMtu } from './socket/path-mtu-lookup.js';
export {
  IPV6_HEADER_OCTETS,
  type IpsecProtocol,
  openPacketTooBigSocket,
  openRawSocket,
  type RawProtocol,
  type RawSocket,
  type RawSocketOptions,
  rawSocketFromDescriptor,
  restoreIpv6Header,
} from './socket/raw-socket.js';
export { ReceiveBatch } from './socket/receive-batch.js';
export { MAXIMUM_MESSAGE_OCTETS, MAXIMUM_SEGMENTS, SendBatch } from './socket/send-batch.js';
export {
  decodeSocketAddress,
  type Endpoint,
  EndpointError,
  encodeSocketAddress,
  SOCKADDR_IN6_OCTETS,
} from './socket/socket-address.js';
export { SocketError, type SocketErrorOrigin } from './socket/socket-error.js';
export { SocketErrorQueue } from './socket/socket-error-queue.js';
export { type DatagramSocketOptions, type PathMtuDiscovery, sendWhole } from './socket/socket-options.js';
export { type SpiShare, socketOfSpi } from './socket/spi-steering.js';
export { openMarkedStreamSocket } from './socket/stream-socket.js';
export {
  openUdpSocket,
  type UdpOffloads,
  type UdpSocket,
  type UdpSocketOptions,
  udpSocketFromDescriptor,
} from './socket/udp-socket.js';
export { openUdpSocketGroup } from './socket/udp-socket-group.js';
export { GatherList } from './tun/gather-list.js';
export { InterfaceNameError, isInterfaceName } from './tun/interface-request.js';
export { openTun, type Tun, type TunOptions, tunFromDescriptor } from './tun/tun.js';
export { NO_OFFLOADS, type TunOffloads } from './tun/tun-offloads.js';
export { openTunQueues } from './tun/tun-queues.js';
