import { PROTOCOL } from '../iana.js';
import { NOTIFY, type NotifyName } from '../notify-registry.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Notify payload, RFC 7296 section 3.10.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Protocol ID  |   SPI Size    |      Notify Message Type      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                Security Parameter Index (SPI)                 ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                       Notification Data                       ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * "Of the notifications defined in this document, the SPI is included only with INVALID_SELECTORS, REKEY_SA, and
 * CHILD_SA_NOT_FOUND. If the SPI field is empty, this field [Protocol ID] MUST be sent as zero and MUST be ignored."
 */
export interface NotifyPayload {
  readonly kind: 'N';
  readonly type: number;
  readonly protocol: number;
  readonly spi: Uint8Array;
  readonly data: Uint8Array;
}

export function notify(name: NotifyName, data: Uint8Array = EMPTY): NotifyPayload {
  return { kind: 'N', type: NOTIFY[name], protocol: PROTOCOL.NONE, spi: EMPTY, data };
}

/** A notify about a Child SA: REKEY_SA, CHILD_SA_NOT_FOUND, INVALID_SELECTORS. */
export function notifyAbout(name: NotifyName, protocol: number, spi: Uint8Array): NotifyPayload {
  return { kind: 'N', type: NOTIFY[name], protocol, spi, data: EMPTY };
}

export function parseNotify(reader: Reader): NotifyPayload {
  const protocol = reader.uint8();
  const spiSize = reader.uint8();
  const type = reader.uint16();
  if (spiSize > MAXIMUM_SPI) throw new IkeWireError({ code: 'bad_value', what: 'an SPI size', value: spiSize });
  const spi = reader.copy(spiSize);
  return { kind: 'N', type, protocol: spiSize === 0 ? PROTOCOL.NONE : protocol, spi, data: reader.copyOfRest() };
}

export function encodeNotify(payload: NotifyPayload, writer: Writer): void {
  writer.uint8(payload.protocol).uint8(payload.spi.length).uint16(payload.type);
  writer.bytes(payload.spi).bytes(payload.data);
}

const MAXIMUM_SPI = 8;
const EMPTY = new Uint8Array(0);
