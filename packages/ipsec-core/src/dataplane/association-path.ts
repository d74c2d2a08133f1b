import { espLengths } from '../crypto/esp-transform.js';
import { AssociationMemory } from '../policy/association-memory.js';
import { PathMtu, type PathMtuSource } from '../policy/path-mtu.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import { espPacketLength, maximumEspPayload, underlayHeaderLength } from '../wire/esp.js';
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
  /** SPI, sequence number, IV, padding, trailer and ICV around the largest packet. */
  readonly espOverhead: number;
  readonly largestPacket: number;
  readonly unused: number;
  /** What SYN segments of each family are clamped to; undefined: they are not. */
  readonly maximumSegmentSize4: number | undefined;
  readonly maximumSegmentSize6: number | undefined;
}

/**
 * For whoever has an association's parameters and the memory that an engine works with it in. Undefined where no path MTU
 * is known, and for AH, transport mode and bundles, whose arithmetic depends on the packet.
 */
export function associationPath(parameters: SecurityAssociationParameters, now: number): AssociationPath | undefined {
  const { pathMtu: configured, mode, outer, bundledWith } = parameters;
  if (configured === undefined || mode !== 'tunnel' || parameters.protocol !== 'esp') return undefined;
  const family = configured.underlay?.family ?? (outer?.local.length === 4 ? 4 : 6);
  if (bundledWith !== undefined || (outer === undefined && configured.underlay === undefined)) return undefined;
  const { suite, keyBits, integrity } = parameters;
  const path = new PathMtu(configured, family, new AssociationMemory(parameters.memory));
  const lengths = espLengths({ encryption: suite, keyBits, integrity });
  const around = underlayHeaderLength(configured.underlay ?? { family, udp: false });
  const outerIpHeader = underlayHeaderLength({ family, udp: false });
  const pathMtu = path.current(now);
  const largestPacket = maximumEspPayload(pathMtu - around, lengths);
  const espOverhead = espPacketLength(largestPacket, lengths) - largestPacket;
  const clamped = (of: 4 | 6) => (path.clampsMaximumSegmentSize ? maximumSegmentSize(of, largestPacket) : undefined);
  return {
    pathMtu,
    source: path.source(now),
    raiseAt: path.raiseAt(now),
    outerIpHeader,
    udpHeader: around - outerIpHeader,
    espOverhead,
    largestPacket,
    unused: pathMtu - around - espOverhead - largestPacket,
    maximumSegmentSize4: clamped(4),
    maximumSegmentSize6: clamped(6),
  };
}
