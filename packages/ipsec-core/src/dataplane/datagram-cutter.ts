import { copyOctets, writeUint16 } from '../bytes/octets.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { type OuterHeader, outerHeaderLength, writeOuterHeader } from '../wire/ip/header.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { Fragmenter } from './fragmenter.js';

/**
 * Cuts ESP in UDP (RFC 3948) into IP fragments, for a caller whose operating system would not: it knows less of the path
 * than probes have found. One packet at a time, piece by piece, as the caller has room for them.
 */
export class DatagramCutter {
  readonly #fragmenter: Fragmenter;
  #identification = 0;

  /** `random` fills the array from a cryptographically secure source. */
  constructor(random: (out: Uint8Array) => void) {
    this.#fragmenter = new Fragmenter(random);
  }

  /** Whether pieces wait. */
  get pending(): boolean {
    return this.#fragmenter.pending;
  }

  /**
   * Starts on the ESP packet of `length` octets at `offset`, between these ports: no piece, with its headers, will have
   * more than `limit` octets. False when the limit has no room for them: nothing waits then.
   */
  begin(
    header: OuterHeader,
    sourcePort: number,
    destinationPort: number,
    trafficClass: number,
    packet: Uint8Array,
    offset: number,
    length: number,
    limit: number,
  ): boolean {
    const { memory } = this.#fragmenter;
    const udp = outerHeaderLength(header.family);
    const total = udp + UDP.headerLength + length;
    if (length + UDP.headerLength > LONGEST_DATAGRAM || total > memory.length) return false;
    // Never 0, which an operating system takes as a request to fill it in, for each piece by itself.
    this.#identification = (this.#identification % 0xffff) + 1;
    writeOuterHeader(memory, 0, header, total, PROTOCOL.udp, trafficClass, false, this.#identification, 0);
    writeUint16(memory, udp + UDP.sourcePort, sourcePort);
    writeUint16(memory, udp + UDP.destinationPort, destinationPort);
    writeUint16(memory, udp + UDP.length, UDP.headerLength + length);
    writeUint16(memory, udp + UDP.checksum, 0);
    copyOctets(packet, offset, length, memory, udp + UDP.headerLength);
    // RFC 3948 section 2.1: over IPv4 "the checksum SHOULD be transmitted as a zero value"; IPv6 wants one.
    if (header.family === 6) writeUint16(memory, udp + UDP.checksum, checksumOf(memory, udp, length));
    return this.#fragmenter.begin(total, limit);
  }

  /** Writes the next piece, a whole IP packet, and returns its octets; 0 when none waits, -1 when `out` has no room. */
  write(out: Uint8Array, outOffset: number): number {
    return this.#fragmenter.write(out, outOffset);
  }
}

/** With the pseudo-header of RFC 8200 section 8.1; 0 is sent as its other form, for it says that there is none. */
function checksumOf(memory: Uint8Array, udp: number, length: number): number {
  const octets = UDP.headerLength + length;
  const addresses = checksumAdd(memory, IPV6.source, 32);
  return checksumFinish(checksumAdd(memory, udp, octets, addresses + octets + PROTOCOL.udp)) || 0xffff;
}

/** RFC 768. */
const UDP = { sourcePort: 0, destinationPort: 2, length: 4, checksum: 6, headerLength: 8 } as const;
const LONGEST_DATAGRAM = 65_535 - 20;
