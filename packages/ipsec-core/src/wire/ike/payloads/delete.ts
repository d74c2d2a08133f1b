import { PROTOCOL } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Delete payload, RFC 7296 section 3.11.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Protocol ID   |   SPI Size    |          Num of SPIs          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~               Security Parameter Index(es) (SPI)              ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * For the IKE SA itself the SPI size is zero; for ESP and AH it is four. The SPIs are "the sending endpoint's inbound"
 * ones (section 1.4.1).
 */
export interface DeletePayload {
  readonly kind: 'D';
  readonly protocol: number;
  readonly spis: readonly Uint8Array[];
}

export function parseDelete(reader: Reader): DeletePayload {
  const protocol = reader.uint8();
  const spiSize = reader.uint8();
  const count = reader.uint16();
  const expected = protocol === PROTOCOL.IKE ? 0 : CHILD_SPI;
  if (spiSize !== expected)
    throw new IkeWireError({ code: 'bad_value', what: 'the SPI size of a Delete', value: spiSize });
  if (spiSize === 0 && count !== 0) {
    throw new IkeWireError({ code: 'bad_value', what: 'the number of SPIs of a Delete', value: count });
  }
  if (count * spiSize > reader.remaining) {
    throw new IkeWireError({ code: 'truncated', what: 'a Delete', need: count * spiSize, have: reader.remaining });
  }
  const spis: Uint8Array[] = [];
  for (let index = 0; index < count; index++) spis.push(reader.copy(spiSize));
  reader.finish();
  return { kind: 'D', protocol, spis };
}

export function encodeDelete(payload: DeletePayload, writer: Writer): void {
  writer
    .uint8(payload.protocol)
    .uint8(payload.protocol === PROTOCOL.IKE ? 0 : CHILD_SPI)
    .uint16(payload.spis.length);
  for (const spi of payload.spis) writer.bytes(spi);
}

const CHILD_SPI = 4;
