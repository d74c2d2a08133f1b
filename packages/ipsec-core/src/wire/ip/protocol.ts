/** IANA protocol numbers that the engine knows by name. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  noNextHeader: 59,
  destinationOptions: 60,
  sctp: 132,
  mobility: 135,
  udpLite: 136,
} as const;

/** What a selector field reads as when the packet does not show it (RFC 4301 section 4.4.1.1, OPAQUE). */
export const OPAQUE_PROTOCOL = 256;
export const OPAQUE_PORT = 65536;

/** Whether the first four octets of the next layer are source and destination port. */
export function hasPorts(protocol: number): boolean {
  return (
    protocol === PROTOCOL.tcp ||
    protocol === PROTOCOL.udp ||
    protocol === PROTOCOL.sctp ||
    protocol === PROTOCOL.udpLite ||
    protocol === PROTOCOL.dccp
  );
}

/** Whether the next layer has one selector, a message type, where others have two ports. */
export function isMessageProtocol(protocol: number): boolean {
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6 || protocol === PROTOCOL.mobility;
}
