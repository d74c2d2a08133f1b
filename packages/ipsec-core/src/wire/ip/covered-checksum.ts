import { PROTOCOL } from './protocol.js';

/**
 * Where, from its first octet, a protocol keeps a checksum that also covers the addresses of the IP header (its pseudo-header, RFC 8200
 * section 8.1); -1 when it has none. TCP: RFC 9293 section 3.1; UDP: RFC 768; UDP-Lite: RFC 3828 section 3.1; DCCP: RFC 4340 section
 * 5.1; ICMPv6: RFC 4443 section 2.3; Mobility Header: RFC 6275 section 6.1.1. SCTP's does not cover them, nor does that of ICMP.
 */
export function coveredChecksumOffset(family: 4 | 6, protocol: number): number {
  switch (protocol) {
    case PROTOCOL.tcp:
      return 16;
    case PROTOCOL.udp:
    case PROTOCOL.udpLite:
    case PROTOCOL.dccp:
      return 6;
    case PROTOCOL.icmpv6:
      return family === 6 ? 2 : -1;
    case PROTOCOL.mobility:
      return family === 6 ? 4 : -1;
    default:
      return -1;
  }
}
