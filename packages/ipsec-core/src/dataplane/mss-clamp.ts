import { readUint16, writeUint16 } from '../bytes/octets.js';
import { checksumUpdate } from '../wire/ip/checksum.js';
import type { Flow } from '../wire/ip/flow.js';
import { IPV4 } from '../wire/ip/ipv4.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { findMaximumSegmentSize, TCP, tcpHeaderLength } from '../wire/ip/tcp.js';

/**
 * Largest segment of a packet of `length` octets. RFC 6691 section 2: "the MSS value to be sent in an MSS option should
 * be equal to the effective MTU minus the fixed IP and TCP headers"; options are the sender's to subtract.
 */
export function maximumSegmentSize(family: 4 | 6, length: number): number {
  return length - (family === 4 ? IPV4.headerLength : IPV6.headerLength) - TCP.options;
}

/**
 * Lowers the maximum segment size that a SYN or SYN-ACK announces to what fits packets of `length` octets, so that the
 * peers of a connection send none that the tunnel could not carry, path MTU discovery or not. It is never raised. All
 * MSS options are treated, as which of several counts is not specified; what comes after a malformed option is left
 * alone. The checksum is updated, not computed anew (RFC 1624): a wrong one stays wrong. A SYN without the option allows
 * 536 or 1220 octets (RFC 9293 section 3.7.1), and none is added. `flow` is what parseFlow says of the packet. Returns
 * whether something was changed.
 */
export function clampMaximumSegmentSize(packet: Uint8Array, offset: number, flow: Flow, length: number): boolean {
  if (!isSyn(packet, offset, flow)) return false;
  const limit = maximumSegmentSize(flow.family, length);
  const start = offset + flow.nextLayerOffset;
  const header = tcpHeaderLength(packet, start, flow.totalLength - flow.nextLayerOffset);
  if (header < 0 || limit <= 0) return false;
  let changed = false;
  let at = start + TCP.options;
  for (;;) {
    const value = findMaximumSegmentSize(packet, at, start + header);
    if (value < 0) return changed;
    at = value + 2;
    const announced = readUint16(packet, value);
    if (announced <= limit) continue;
    writeUint16(packet, value, limit);
    const odd = ((value - start) & 1) !== 0;
    const checksum = readUint16(packet, start + TCP.checksum);
    const updated = odd
      ? checksumUpdate(checksum, swap(announced), swap(limit))
      : checksumUpdate(checksum, announced, limit);
    writeUint16(packet, start + TCP.checksum, updated);
    changed = true;
  }
}

/** Whether a packet opens a TCP connection. A later fragment does not show it. */
export function isSyn(packet: Uint8Array, offset: number, flow: Flow): boolean {
  if (flow.protocol !== PROTOCOL.tcp || flow.fragment === 'later') return false;
  const flags = flow.nextLayerOffset + TCP.flags;
  return flags < flow.totalLength && ((packet[offset + flags] ?? 0) & TCP.syn) !== 0;
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
