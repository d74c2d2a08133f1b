import { ahIcvFieldLength } from '../crypto/ah-transform.js';
import { espLengths } from '../crypto/esp-transform.js';
import { AssociationMemory } from '../policy/association-memory.js';
import { PathMtu, type PathMtuSource } from '../policy/path-mtu.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import { ahHeaderLength } from '../wire/ah.js';
import { espPacketLength, maximumEspPayload, underlayHeaderLength } from '../wire/esp.js';
import type { Family } from '../wire/ip/address.js';
import { maximumSegmentSize } from './mss-clamp.js';

/**
 * What the path of an association carries, and what is left of it: `outerIpHeader` + `udpHeader` + `espOverhead` +
 * `largestPacket` are the path MTU, but for `unused` octets, less than one alignment of ESP.
 */
export interface AssociationPath {
  readonly pathMtu: number;
  readonly source: PathMtuSource;
  /** When it goes back up by age; undefined: it does not, or a search decides. */
  readonly raiseAt: number | undefined;
  readonly outerIpHeader: number;
  readonly udpHeader: number;
  /** Of ESP: SPI, sequence number, IV, padding, trailer and ICV of the largest packet. Of AH: its header. */
  readonly espOverhead: number;
  readonly largestPacket: number;
  readonly unused: number;
  /** What SYN segments of each family are clamped to; undefined: they are not. */
  readonly maximumSegmentSize4: number | undefined;
  readonly maximumSegmentSize6: number | undefined;
}

/**
 * For whoever has an association's parameters and the memory that an engine works with it in. In transport mode a packet keeps its own
 * header, here one without options, and nothing is around it. Undefined where no path MTU is known, in transport mode without the
 * hosts' addresses, and in bundles, whose arithmetic depends on the packet.
 */
export function associationPath(parameters: SecurityAssociationParameters, now: number): AssociationPath | undefined {
  const { pathMtu: configured, bundledWith } = parameters;
  const headers = headersOf(parameters);
  if (configured === undefined || bundledWith !== undefined || headers === undefined) return undefined;
  const { family, outerIpHeader, udpHeader, kept } = headers;
  const path = new PathMtu(configured, family, new AssociationMemory(parameters.memory));
  const pathMtu = path.current(now);
  const room = pathMtu - outerIpHeader - udpHeader - kept;
  const { payload, overhead } = protectedIn(room, parameters, family);
  const largestPacket = kept + payload;
  const clamped = (of: 4 | 6) => (path.clampsMaximumSegmentSize ? maximumSegmentSize(of, largestPacket) : undefined);
  return {
    pathMtu,
    source: path.source(now),
    raiseAt: path.raiseAt(now),
    outerIpHeader,
    udpHeader,
    espOverhead: overhead,
    largestPacket,
    unused: room - payload - overhead,
    maximumSegmentSize4: clamped(4),
    maximumSegmentSize6: clamped(6),
  };
}

interface Headers {
  readonly family: Family;
  readonly outerIpHeader: number;
  readonly udpHeader: number;
  /** Of the clear packet, which stands in front of what is protected. */
  readonly kept: number;
}

function headersOf({ mode, outer, between, pathMtu }: SecurityAssociationParameters): Headers | undefined {
  const ends = mode === 'tunnel' ? outer : between;
  const family = pathMtu?.underlay?.family ?? (ends && (ends.local.length === 4 ? 4 : 6));
  if (family === undefined) return undefined;
  const ipHeader = underlayHeaderLength({ family, udp: false });
  if (mode === 'transport') return { family, outerIpHeader: 0, udpHeader: 0, kept: ipHeader };
  const around = underlayHeaderLength(pathMtu?.underlay ?? { family, udp: false });
  return { family, outerIpHeader: ipHeader, udpHeader: around - ipHeader, kept: 0 };
}

/** The most that is protected in so many octets, and what is put around that. */
function protectedIn(
  room: number,
  parameters: SecurityAssociationParameters,
  family: Family,
): { readonly payload: number; readonly overhead: number } {
  if (parameters.protocol === 'ah') {
    const overhead = ahHeaderLength(family, ahIcvFieldLength(parameters.integrity));
    return { payload: room - overhead, overhead };
  }
  const { suite, keyBits, integrity } = parameters;
  const lengths = espLengths({ encryption: suite, keyBits, integrity });
  const payload = maximumEspPayload(room, lengths);
  return { payload, overhead: espPacketLength(payload, lengths) - payload };
}
