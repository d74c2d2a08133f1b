import { copyOctets, readUint16, readUint32, writeUint16 } from '../bytes/octets.js';
import { ECN } from '../wire/ip/ecn.js';
import type { Flow } from '../wire/ip/flow.js';
import type { FragmentFields } from '../wire/ip/fragment.js';
import { readTrafficClass, writeTotalLength, writeTrafficClass } from '../wire/ip/header.js';
import { IPV4 } from '../wire/ip/ipv4.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { NONE } from './chunk-pool.js';

/** A packet of which fragments wait. */
export class PartialPacket {
  active = false;
  refused = false;
  six = false;
  since = 0;
  arrival = 0;
  identification = 0;
  /** IPv4 alone tells packets apart by it (RFC 791); the first fragment of IPv6 alone knows it. */
  protocol = 0;
  readonly addresses = new Uint8Array(32);
  /** Chains: octets of the last fragment to arrive, and the header of the one at position 0. */
  first = NONE;
  header = NONE;
  headerLength = 0;
  nextHeaderField = 0;
  next = 0;
  fragments = 0;
  received = 0;
  /** Octets of the fragmentable part. */
  end = UNKNOWN;
  /** Of all fragments: bit 1 << field. */
  ecn = 0;
  largest = 0;
  dontFragment = false;

  get isWhole(): boolean {
    return this.end === this.received && this.header !== NONE;
  }

  begin(packet: Uint8Array, offset: number, flow: Flow, fields: FragmentFields, now: number, arrival: number): void {
    this.active = true;
    this.refused = false;
    this.six = flow.family === 6;
    this.since = now;
    this.arrival = arrival;
    this.identification = fields.identification;
    this.protocol = this.six ? 0 : fields.next;
    copyOctets(packet, offset + (this.six ? IPV6.source : IPV4.source), this.six ? 32 : 8, this.addresses, 0);
    this.received = 0;
    this.end = UNKNOWN;
    this.ecn = 0;
    this.largest = 0;
    this.dontFragment = false;
  }

  isOf(packet: Uint8Array, offset: number, fields: FragmentFields): boolean {
    const six = (packet[offset] ?? 0) >>> 4 === 6;
    if (this.identification !== fields.identification || this.six !== six) return false;
    if (!six && this.protocol !== fields.next) return false;
    const at = offset + (six ? IPV6.source : IPV4.source);
    const words = six ? 8 : 2;
    for (let word = 0; word < words; word++) {
      if (readUint32(packet, at + 4 * word) !== readUint32(this.addresses, 4 * word)) return false;
    }
    return true;
  }
}

/** What the header of a whole packet is made of. */
export interface WholeHeader {
  readonly headerLength: number;
  /** Octets behind it. */
  readonly end: number;
  readonly nextHeaderField: number;
  readonly next: number;
  readonly ecn: number;
  readonly dontFragment: boolean;
}

/** Makes the header of a first fragment that of the whole packet at the start of `out`; returns the packet's octets. */
export function finishHeader(out: Uint8Array, header: WholeHeader): number {
  const { headerLength, end, nextHeaderField, next, ecn, dontFragment } = header;
  if ((out[0] ?? 0) >>> 4 === 6) out[nextHeaderField] = next;
  else {
    const reserved = readUint16(out, IPV4.fragment) & RESERVED_FLAG;
    writeUint16(out, IPV4.fragment, reserved | (dontFragment ? IPV4.dontFragment : 0));
  }
  writeTotalLength(out, 0, headerLength + end);
  if ((ecn & (1 << ECN.ce)) !== 0) writeTrafficClass(out, 0, readTrafficClass(out, 0) | ECN.ce);
  return headerLength + end;
}

export const UNKNOWN = -1;
const RESERVED_FLAG = 0x8000;
