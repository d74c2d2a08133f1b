import type { PathMtuSource } from '../policy/path-mtu.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { maximumSegmentSize } from './mss-clamp.js';
import { accountOverhead, type OverheadAccount } from './overhead-account.js';
import { maximumPacketLength, pathRoom } from './packet-size.js';
import type { TooLargeAction } from './too-large.js';

/** The arithmetic from path MTU to the largest clear packet; lengths in octets. */
export interface PathAccount {
  readonly pathMtu: number;
  readonly source: PathMtuSource;
  /** When it goes back up by age; undefined while nothing has lowered it. */
  readonly raiseAt: number | undefined;
  /** Headers that a socket of the caller puts around the packet. */
  readonly outerIpHeader: number;
  readonly udpHeader: number;
  /** What associations that are bundled with this one may add. */
  readonly bundle: number;
  /**
   * The largest packet that is protected whole, octet by octet. Its total, the headers around it and what a bundle may
   * add never exceed the path MTU; what is missing to it is less than an alignment.
   */
  readonly largest: OverheadAccount;
  /** Octets of the largest clear packet like this one. */
  readonly maximumPacket: number;
  /** What SYN segments are clamped to; undefined when they are not. */
  readonly maximumSegmentSize: number | undefined;
  /** What happens to one octet more. */
  readonly whenTooLarge: TooLargeAction;
}

/**
 * For an association that knows a path MTU. `kept`: headers that a packet like this one keeps in transport mode;
 * `actionOf` says what happens to a packet of that length, of which at most the second number of octets would fit.
 */
export function accountPath(
  associations: SecurityAssociationDatabase,
  association: OutboundAssociation,
  family: 4 | 6,
  kept: number,
  now: number,
  actionOf: (length: number, limit: number) => TooLargeAction,
): PathAccount | undefined {
  const room = pathRoom(associations, association, now);
  const path = association.pathMtu;
  if (path === undefined) return undefined;
  const maximumPacket = maximumPacketLength(association, room, family, kept);
  const outerIpHeader = path.surroundings === 0 ? 0 : path.family === 6 ? 40 : 20;
  const clamped = maximumSegmentSize(family, maximumPacket);
  return {
    pathMtu: path.current(now),
    source: path.source(now),
    raiseAt: path.raiseAt(now),
    outerIpHeader,
    udpHeader: path.surroundings - outerIpHeader,
    bundle: path.room(now) - room,
    largest: accountOverhead(association, kept, family, maximumPacket, room),
    maximumPacket,
    maximumSegmentSize: path.clampsMaximumSegmentSize && clamped > 0 ? clamped : undefined,
    whenTooLarge: actionOf(maximumPacket + 1, maximumPacket),
  };
}
