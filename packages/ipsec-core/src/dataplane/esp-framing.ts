import { writeUint32 } from '../bytes/octets.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ESP, writeEspTrailer } from '../wire/esp.js';

/** Writes what stands around `payload` octets of a packet that has its number: SPI, sequence number, IV and trailer. */
export function writeEspFraming(
  association: OutboundAssociation,
  payload: number,
  out: Uint8Array,
  at: number,
  next: number,
): void {
  const { esp, sequence, spi } = association;
  if (esp === undefined) return;
  writeUint32(out, at + ESP.spi, spi);
  writeUint32(out, at + ESP.sequence, sequence.low);
  writeEspTrailer(out, at + ESP.headerLength + esp.ivLength + payload, payload, esp.alignment, next);
  esp.writeIv(out, at, sequence.high);
}
