import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ahHeaderLength } from '../wire/ah.js';
import { ESP, maximumEspPayload } from '../wire/esp.js';
import type { Family } from '../wire/ip/address.js';
import { outerHeaderLength } from '../wire/ip/header.js';

/**
 * The largest clear packet whose protected form has at most `room` octets; negative if none. In transport mode the
 * packet keeps `kept` octets of headers in front of what is protected.
 */
export function maximumPacketLength(
  association: OutboundAssociation,
  room: number,
  family: Family,
  kept: number,
): number {
  const { esp, ah, outer, mode } = association;
  const transport = mode === 'transport';
  const header = transport ? kept : outer === undefined ? 0 : outerHeaderLength(outer.family);
  const clear = transport ? kept : 0;
  if (esp !== undefined) return clear + maximumEspPayload(room - header, esp);
  return clear + room - header - ahHeaderLength(outer?.family ?? family, ah?.icvFieldLength ?? 0);
}

/** The most octets that an association adds to any packet. */
export function maximumOverhead(association: OutboundAssociation): number {
  const { esp, ah, outer } = association;
  const header = outer === undefined ? 0 : outerHeaderLength(outer.family);
  if (esp === undefined) return header + ahHeaderLength(6, ah?.icvFieldLength ?? 0);
  return header + ESP.headerLength + esp.ivLength + esp.alignment - 1 + ESP.trailerLength + esp.icvLength;
}

/**
 * Octets of payload with traffic flow confidentiality padding (RFC 4303 section 2.7): up to a multiple of padTo, but not
 * beyond what fits `room`, since padding that makes a packet too large for its path hides nothing from anybody.
 */
export function paddedLength(association: OutboundAssociation, length: number, room: number): number {
  const { padTo, esp, outer } = association;
  if (padTo === 1 || esp === undefined) return length;
  const padded = Math.ceil(length / padTo) * padTo;
  if (room === UNLIMITED_ROOM) return padded;
  const header = outer === undefined ? 0 : outerHeaderLength(outer.family);
  return Math.max(length, Math.min(padded, maximumEspPayload(room - header, esp)));
}

/**
 * Octets that the result of the first association may have so that the path of each in its bundle carries what becomes
 * of it; each that comes after is taken to add the most that it can. UNLIMITED_ROOM where no path MTU is known.
 */
export function pathRoom(associations: SecurityAssociationDatabase, first: OutboundAssociation, now: number): number {
  let room = first.pathMtu?.room(now) ?? UNLIMITED_ROOM;
  let overhead = 0;
  let { bundledWith } = first;
  for (let depth = 1; bundledWith !== undefined && depth < MAXIMUM_BUNDLE; depth++) {
    const next = associations.tunnel(bundledWith).outbound;
    if (next === undefined) break;
    overhead += maximumOverhead(next);
    if (next.pathMtu !== undefined) room = Math.min(room, next.pathMtu.room(now) - overhead);
    bundledWith = next.bundledWith;
  }
  return room;
}

/** More associations on one packet than any sane bundle has: a loop. */
export const MAXIMUM_BUNDLE = 4;
/**
 * Room where no path MTU is known: more than any packet takes. A small integer, because a packet that is compared with
 * an infinite number costs V8 an object for it.
 */
export const UNLIMITED_ROOM = 0x3fff_ffff;
