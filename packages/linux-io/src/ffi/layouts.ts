/**
 * C structures as the kernel lays them out: `size` in octets and the offset of every field that we touch. Names are
 * those of the headers. layouts.spec.ts compares each with what the C compiler says.
 *
 * One table serves x86-64 and arm64: both are little-endian LP64 with natural alignment, and none of these structures
 * has a field of architecture-dependent size other than pointers and longs.
 */
export type Layout = { readonly size: number } & Readonly<Record<string, number>>;

/** poll.h */
export const POLLFD = { size: 8, fd: 0, events: 4, revents: 6 } as const satisfies Layout;

/** bits/types/struct_iovec.h */
export const IOVEC = { size: 16, iov_base: 0, iov_len: 8 } as const satisfies Layout;

/** bits/socket.h */
export const MSGHDR = {
  size: 56,
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
} as const satisfies Layout;

/** bits/socket.h; a msghdr and the octets that went or came. */
export const MMSGHDR = { size: 64, msg_hdr: 0, msg_len: 56 } as const satisfies Layout;

/** bits/socket.h; the data follows. */
export const CMSGHDR = { size: 16, cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } as const satisfies Layout;

/** netinet/in.h */
export const SOCKADDR_IN = { size: 16, sin_family: 0, sin_port: 2, sin_addr: 4 } as const satisfies Layout;

/** netinet/in.h */
export const SOCKADDR_IN6 = {
  size: 28,
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
} as const satisfies Layout;

/** netinet/in.h */
export const IN_PKTINFO = { size: 12, ipi_ifindex: 0, ipi_spec_dst: 4, ipi_addr: 8 } as const satisfies Layout;

/** netinet/in.h */
export const IN6_PKTINFO = { size: 20, ipi6_addr: 0, ipi6_ifindex: 16 } as const satisfies Layout;

/** linux/errqueue.h; the address of the node that reported follows. */
export const SOCK_EXTENDED_ERR = {
  size: 16,
  ee_errno: 0,
  ee_origin: 4,
  ee_type: 5,
  ee_code: 6,
  ee_info: 8,
  ee_data: 12,
} as const satisfies Layout;

/** linux/filter.h; one instruction of classic BPF. */
export const SOCK_FILTER = { size: 8, code: 0, jt: 2, jf: 3, k: 4 } as const satisfies Layout;

/** linux/filter.h */
export const SOCK_FPROG = { size: 16, len: 0, filter: 8 } as const satisfies Layout;

/** linux/if.h */
export const IFREQ = { size: 40, ifr_name: 0, ifr_flags: 16, ifr_mtu: 16 } as const satisfies Layout;

/** linux/virtio_net.h; what stands in front of each packet of a device with IFF_VNET_HDR. */
export const VIRTIO_NET_HDR = {
  size: 10,
  flags: 0,
  gso_type: 1,
  hdr_len: 2,
  gso_size: 4,
  csum_start: 6,
  csum_offset: 8,
} as const satisfies Layout;

/** linux/if_packet.h; one block of a ring, whose packets follow it. */
export const TPACKET_BLOCK_DESC = {
  size: 48,
  'hdr.bh1.block_status': 8,
  'hdr.bh1.num_pkts': 12,
  'hdr.bh1.offset_to_first_pkt': 16,
} as const satisfies Layout;

/** linux/if_packet.h; in front of each packet of a block, a sockaddr_ll behind it. */
export const TPACKET3_HDR = {
  size: 48,
  tp_next_offset: 0,
  tp_sec: 4,
  tp_nsec: 8,
  tp_snaplen: 12,
  tp_net: 26,
} as const satisfies Layout;

/** linux/if_packet.h */
export const SOCKADDR_LL = {
  size: 20,
  sll_family: 0,
  sll_protocol: 2,
  sll_ifindex: 4,
  sll_pkttype: 10,
} as const satisfies Layout;

/** linux/if_packet.h */
export const TPACKET_REQ3 = {
  size: 28,
  tp_block_size: 0,
  tp_block_nr: 4,
  tp_frame_size: 8,
  tp_frame_nr: 12,
  tp_retire_blk_tov: 16,
} as const satisfies Layout;

/** linux/if_packet.h */
export const TPACKET_STATS_V3 = { size: 12, tp_drops: 4 } as const satisfies Layout;

/** openssl/core.h; an argument by name. */
export const OSSL_PARAM = {
  size: 40,
  key: 0,
  data_type: 8,
  data: 16,
  data_size: 24,
  return_size: 32,
} as const satisfies Layout;

/** Every layout of the C library and the kernel by its C name. */
export const LAYOUTS: Readonly<Record<string, Layout>> = {
  'struct pollfd': POLLFD,
  'struct iovec': IOVEC,
  'struct msghdr': MSGHDR,
  'struct mmsghdr': MMSGHDR,
  'struct cmsghdr': CMSGHDR,
  'struct sockaddr_in': SOCKADDR_IN,
  'struct sockaddr_in6': SOCKADDR_IN6,
  'struct in_pktinfo': IN_PKTINFO,
  'struct in6_pktinfo': IN6_PKTINFO,
  'struct sock_extended_err': SOCK_EXTENDED_ERR,
  'struct sock_filter': SOCK_FILTER,
  'struct sock_fprog': SOCK_FPROG,
  'struct ifreq': IFREQ,
  'struct virtio_net_hdr': VIRTIO_NET_HDR,
  'struct tpacket_block_desc': TPACKET_BLOCK_DESC,
  'struct tpacket3_hdr': TPACKET3_HDR,
  'struct sockaddr_ll': SOCKADDR_LL,
  'struct tpacket_req3': TPACKET_REQ3,
  'struct tpacket_stats_v3': TPACKET_STATS_V3,
};
