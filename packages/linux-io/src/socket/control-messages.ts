import { LINUX } from '../ffi/constants.js';
import { CMSGHDR, IN6_PKTINFO, SOCK_EXTENDED_ERR } from '../ffi/layouts.js';

/** Octets that one control message with an integer takes, padded as CMSG_SPACE does (cmsg(3)). */
export const CONTROL_INTEGER_OCTETS = CMSGHDR.size + 8;

/** Writes a control message with an integer at `offset`. @returns the octets it takes. */
export function writeControlInteger(
  view: DataView,
  offset: number,
  level: number,
  type: number,
  value: number,
): number {
  view.setUint32(offset + CMSGHDR.cmsg_len, CMSGHDR.size + 4, true);
  view.setUint32(offset + CMSGHDR.cmsg_len + 4, 0, true);
  view.setInt32(offset + CMSGHDR.cmsg_level, level, true);
  view.setInt32(offset + CMSGHDR.cmsg_type, type, true);
  view.setInt32(offset + CMSGHDR.size, value, true);
  return CONTROL_INTEGER_OCTETS;
}

/** What the kernel says about a received datagram, beside its octets. Reused: `read` overwrites it. */
export class ReceivedControl {
  /** Octets of each datagram of a run that was put together (UDP_GRO); 0: it is one datagram. */
  segmentOctets = 0;
  /** Type of service (IPv4) or traffic class (IPv6) of the outer header. */
  trafficClass = 0;
  /** Of the outer IPv6 header, on a raw socket. */
  hopLimit = 0;
  /** Where in the control octets the address stands that an IPv6 packet was sent to (IPV6_PKTINFO); -1: nowhere. */
  destination = -1;
  /** IPv6 extension headers stood in front of what was received, on a raw socket: they are not part of it. */
  extensionHeaders = false;
  /** Where in the control octets `struct sock_extended_err` stands, on a message of the error queue; -1: nowhere. */
  error = -1;

  /** Reads the control messages in `length` octets from `offset`. */
  read(view: DataView, offset: number, length: number): void {
    this.segmentOctets = 0;
    this.trafficClass = 0;
    this.hopLimit = 0;
    this.destination = -1;
    this.extensionHeaders = false;
    this.error = -1;
    let at = offset;
    const end = offset + length;
    while (at + CMSGHDR.size <= end) {
      const size = view.getUint32(at + CMSGHDR.cmsg_len, true);
      if (size < CMSGHDR.size || at + size > end) return;
      this.#take(view, at, size - CMSGHDR.size);
      at += Math.ceil(size / 8) * 8;
    }
  }

  #take(view: DataView, at: number, length: number): void {
    const level = view.getInt32(at + CMSGHDR.cmsg_level, true);
    const type = view.getInt32(at + CMSGHDR.cmsg_type, true);
    const data = at + CMSGHDR.size;
    if (level === LINUX.IPPROTO_UDP && type === LINUX.UDP_GRO && length >= 2) {
      this.segmentOctets = view.getUint16(data, true);
    } else if (level === LINUX.IPPROTO_IP && type === LINUX.IP_TOS && length >= 1) {
      this.trafficClass = view.getUint8(data);
    } else if (level === LINUX.IPPROTO_IPV6) {
      this.#takeIpv6(view, type, data, length);
    } else if (level === LINUX.IPPROTO_IP && type === LINUX.IP_RECVERR && length >= SOCK_EXTENDED_ERR.size) {
      this.error = data;
    }
  }

  #takeIpv6(view: DataView, type: number, data: number, length: number): void {
    switch (type) {
      case LINUX.IPV6_TCLASS:
        if (length >= 4) this.trafficClass = view.getInt32(data, true) & 0xff;
        return;
      case LINUX.IPV6_HOPLIMIT:
        if (length >= 4) this.hopLimit = view.getInt32(data, true) & 0xff;
        return;
      case LINUX.IPV6_PKTINFO:
        if (length >= IN6_PKTINFO.size) this.destination = data + IN6_PKTINFO.ipi6_addr;
        return;
      case LINUX.IPV6_HOPOPTS:
      case LINUX.IPV6_RTHDR:
      case LINUX.IPV6_DSTOPTS:
        this.extensionHeaders = true;
        return;
      case LINUX.IPV6_RECVERR:
        if (length >= SOCK_EXTENDED_ERR.size) this.error = data;
    }
  }
}
