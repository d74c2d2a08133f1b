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
