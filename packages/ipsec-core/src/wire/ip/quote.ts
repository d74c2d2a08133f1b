import { copyOctets, readUint16, writeUint16 } from '../../bytes/octets.js';
import { type Flow, parseFlow } from './flow.js';
import { isIcmpErrorType } from './icmp.js';
import { isIcmpv6ErrorType } from './icmpv6.js';
import { IPV4 } from './ipv4.js';
import { IPV6 } from './ipv6.js';
import { PROTOCOL } from './protocol.js';

/** Whether parseFlow has read an ICMP error, of either version, whose type shows. */
export function isIcmpError(flow: Flow): boolean {
  if (flow.fragment === 'later') return false;
  const type = flow.sourcePort >>> 8;
  if (flow.protocol === PROTOCOL.icmp) return flow.family === 4 && isIcmpErrorType(type);
  return flow.protocol === PROTOCOL.icmpv6 && flow.family === 6 && isIcmpv6ErrorType(type);
}

/**
 * The packet that an ICMP error is about: the start of it, as its sender sent it. Reused. A quote ends anywhere, so its
 * own length is not to be trusted; it is read as if the packet ended where the quote does.
 */
export class Quote {
  /** The quoted octets, as far as they matter, with their length set right. */
  readonly octets = new Uint8Array(MAXIMUM_LENGTH);
  length = 0;
  /** What the packet says of its length; it was at least this long when it was too large. */
  claimedLength = 0;

  /**
   * Reads the quote in an ICMP error that parseFlow has found well-formed, and fills `flow` with the packet's fields.
   * False when there is none, or too little of it to tell.
   */
  read(flow: Flow, packet: Uint8Array, offset: number, error: Flow): boolean {
    const at = offset + error.nextLayerOffset + ICMP_HEADER_LENGTH;
    if (!this.readPacket(flow, packet, at, offset + error.totalLength - at)) return false;
    return flow.family === error.family;
  }

  /** Reads `length` octets of the start of an IP packet as a quote of it. False when it is too little to tell. */
  readPacket(flow: Flow, packet: Uint8Array, offset: number, length: number): boolean {
    const available = Math.min(length, MAXIMUM_LENGTH);
    if (available < IPV4.headerLength) return false;
    const { octets } = this;
    copyOctets(packet, offset, available, octets, 0);
    this.length = available;
    if ((octets[0] ?? 0) >>> 4 === 4) {
      this.claimedLength = readUint16(octets, IPV4.totalLength);
      if (this.claimedLength < available) this.length = this.claimedLength;
      writeUint16(octets, IPV4.totalLength, this.length);
    } else {
      if ((octets[0] ?? 0) >>> 4 !== 6 || available < IPV6.headerLength) return false;
      this.claimedLength = IPV6.headerLength + readUint16(octets, IPV6.payloadLength);
      if (this.claimedLength < available) this.length = this.claimedLength;
      writeUint16(octets, IPV6.payloadLength, this.length - IPV6.headerLength);
    }
    return parseFlow(flow, octets, 0, this.length);
  }
}

const ICMP_HEADER_LENGTH = 8;
/** An IP header with options or extension headers, and more than the start of the next layer. */
const MAXIMUM_LENGTH = 256;
