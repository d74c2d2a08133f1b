import { writeUint32 } from '../bytes/octets.js';
import type { EspTransform } from '../crypto/esp-transform.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ESP, ESP_DUMMY, espPacketLength, writeEspTrailer } from '../wire/esp.js';

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
  if (outOffset + length > out.length) return 'buffer_too_small';
  if (association.isOver(now)) return 'association_expired';
  if (!association.sequence.advance()) {
    association.exhausted = true;
    return 'sequence_exhausted';
  }
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
