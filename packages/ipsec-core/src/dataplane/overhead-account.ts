import type { OutboundAssociation } from '../policy/security-association.js';
import { ahHeaderLength } from '../wire/ah.js';
import { ESP, espPadLength } from '../wire/esp.js';
import { outerHeaderLength } from '../wire/ip/header.js';
import { paddedLength } from './packet-size.js';

/** Where every octet of a protected packet comes from; the numbers add up to `total`. */
export interface OverheadAccount {
  /** The clear packet, or in transport mode what follows its headers. */
  readonly payload: number;
  /** Headers that the packet keeps (transport mode), or the tunnel header that the engine writes. */
  readonly ipHeader: number;
  /** SPI and sequence number, or the AH header without its ICV field. */
  readonly header: number;
  readonly iv: number;
  readonly confidentialityPadding: number;
  readonly padding: number;
  /** Pad length and next header. */
  readonly trailer: number;
  readonly icv: number;
  readonly total: number;
}

/**
 * For a clear packet of `length` octets of which `kept` stay in front (transport mode), whose result may have `room`
 * octets.
 */
export function accountOverhead(
  association: OutboundAssociation,
  kept: number,
  family: 4 | 6,
  length: number,
  room: number,
): OverheadAccount {
  const { esp, ah, outer } = association;
  const payload = length - kept;
  const ipHeader = outer === undefined ? kept : outerHeaderLength(outer.family);
  const none = { iv: 0, confidentialityPadding: 0, padding: 0, trailer: 0, icv: 0 };
  let parts = { payload, ipHeader, header: 0, ...none };
  if (esp !== undefined) {
    const padded = paddedLength(association, payload, room);
    parts = {
      ...parts,
      header: ESP.headerLength,
      iv: esp.ivLength,
      confidentialityPadding: padded - payload,
      padding: espPadLength(padded, esp.alignment),
      trailer: ESP.trailerLength,
      icv: esp.icvLength,
    };
  } else if (ah !== undefined) {
    const whole = ahHeaderLength(outer?.family ?? family, ah.icvFieldLength);
    parts = { ...parts, header: whole - ah.icvFieldLength, icv: ah.icvFieldLength };
  }
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
