import { writeUint32 } from '../bytes/octets.js';
import type { AhTransform } from '../crypto/ah-transform.js';
import type { EspTransform } from '../crypto/esp-transform.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ahHeaderLength, writeAhHeader } from '../wire/ah.js';
import { ESP, ESP_DUMMY, espPacketLength, writeEspTrailer } from '../wire/esp.js';
import { type OuterHeader, outerHeaderLength, writeOuterHeader } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';

/**
 * Writes an ESP packet of next header 59 (RFC 4303 section 2.6), which the receiver discards; `fill` has the
 * `payloadLength` octets of its payload. Returns its octets, or why there is none.
 */
export function writeDummy(
  association: OutboundAssociation,
  esp: EspTransform,
  payloadLength: number,
  out: Uint8Array,
  outOffset: number,
  now: number,
  fill: (payload: Uint8Array) => void,
): number | DropReason {
  const length = espPacketLength(payloadLength, esp);
  const refusal = refusalOf(association, out.length - outOffset - length, now);
  if (refusal !== undefined) return refusal;
  const { low, high } = association.sequence;
  const payload = outOffset + ESP.headerLength + esp.ivLength;
  fill(out.subarray(payload, payload + payloadLength));
  writeUint32(out, outOffset + ESP.spi, association.spi);
  writeUint32(out, outOffset + ESP.sequence, low);
  writeEspTrailer(out, payload + payloadLength, payloadLength, esp.alignment, ESP_DUMMY);
  esp.writeIv(out, outOffset, high);
  esp.seal(out, outOffset, length, high);
  association.count(payloadLength, now);
  return length;
}

/**
 * The same with AH, which covers the header that it travels behind: the whole packet, with DF. RFC 4302 has no dummy packets, but RFC
 * 8200 section 4.7 says that of next header 59 nothing follows, and a receiver that does not know it discards it as a protocol
 * that it has not got. Whoever sends it knows that the other end is such an engine.
 */
export function writeAhDummy(
  association: OutboundAssociation,
  ah: AhTransform,
  header: OuterHeader,
  payloadLength: number,
  out: Uint8Array,
  outOffset: number,
  now: number,
  fill: (payload: Uint8Array) => void,
): number | DropReason {
  const at = outerHeaderLength(header.family);
  const ahLength = ahHeaderLength(header.family, ah.icvFieldLength);
  const length = at + ahLength + payloadLength;
  const refusal = refusalOf(association, out.length - outOffset - length, now);
  if (refusal !== undefined) return refusal;
  const { low, high } = association.sequence;
  writeOuterHeader(out, outOffset, header, length, PROTOCOL.ah, 0, true, IDENTIFICATION, 0);
  writeAhHeader(out, outOffset + at, ahLength, ESP_DUMMY, association.spi, low);
  fill(out.subarray(outOffset + length - payloadLength, outOffset + length));
  if (!ah.protect(out, outOffset, length, at, high)) return 'unprotectable_header';
  association.count(payloadLength, now);
  return length;
}

/** Takes the next number, unless there is a reason not to. */
function refusalOf(association: OutboundAssociation, room: number, now: number): DropReason | undefined {
  if (room < 0) return 'buffer_too_small';
  if (association.isOver(now)) return 'association_expired';
  return association.takeNumber() ? undefined : 'sequence_exhausted';
}

/** Never 0, which an operating system takes as a request to fill it in, and AH covers it. */
const IDENTIFICATION = 1;
