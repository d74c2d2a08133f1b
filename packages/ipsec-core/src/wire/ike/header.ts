import { readUint32, writeUint32 } from '../../bytes/octets.js';
import { Slab } from '../../bytes/slab.js';
import { IkeWireError } from './wire-error.js';

/**
 * The IKE header, RFC 7296 section 3.1:
 *
 * ```
 *                      1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       IKE SA Initiator's SPI                  |
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       IKE SA Responder's SPI                  |
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                          Message ID                           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                            Length                             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * The minor version and the reserved flags are ignored on receipt; the X (version) flag is kept, because
 * INVALID_MAJOR_VERSION depends on knowing that the peer can do more.
 */
export interface IkeHeader {
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
  readonly nextPayload: number;
  readonly exchange: number;
  /** Sent by the original initiator of the IKE SA (flag I). */
  readonly fromInitiator: boolean;
  readonly response: boolean;
  readonly messageId: number;
}

export const HEADER_LENGTH = 28;
export const SPI_LENGTH = 8;
/** A UDP datagram over IPv4 cannot carry more (RFC 7296 section 2: at least 1280, SHOULD 3000; we take all). */
export const MAXIMUM_MESSAGE_LENGTH = 65_507;

/** Parses the header of a whole datagram; `length` must be exactly the datagram's. Throws IkeWireError. */
export function parseHeader(octets: Uint8Array): IkeHeader {
  if (octets.length < HEADER_LENGTH) {
    throw new IkeWireError({ code: 'truncated', what: 'the IKE header', need: HEADER_LENGTH, have: octets.length });
  }
  const version = (octets[VERSION] ?? 0) >>> 4;
  if (version !== MAJOR_VERSION) throw new IkeWireError({ code: 'major_version', version });
  const length = readUint32(octets, LENGTH);
  if (length < HEADER_LENGTH) throw new IkeWireError({ code: 'bad_length', what: 'the IKE message', length });
  if (length > octets.length) {
    throw new IkeWireError({ code: 'truncated', what: 'the IKE message', need: length, have: octets.length });
  }
  if (length < octets.length) {
    throw new IkeWireError({ code: 'trailing_octets', what: 'the IKE message', count: octets.length - length });
  }
  const flags = octets[FLAGS] ?? 0;
  const spis = SPIS.copy(octets.subarray(0, 2 * SPI_LENGTH));
  return {
    initiatorSpi: spis.subarray(0, SPI_LENGTH),
    responderSpi: spis.subarray(SPI_LENGTH),
    nextPayload: octets[NEXT_PAYLOAD] ?? 0,
    exchange: octets[EXCHANGE_TYPE] ?? 0,
    fromInitiator: (flags & FLAG_INITIATOR) !== 0,
    response: (flags & FLAG_RESPONSE) !== 0,
    messageId: readUint32(octets, MESSAGE_ID),
  };
}

/** The 28 octets for a message of `length` octets in all, whose first payload is of type `nextPayload`. */
export function encodeHeader(header: Omit<IkeHeader, 'nextPayload'>, nextPayload: number, length: number): Uint8Array {
  const octets = new Uint8Array(HEADER_LENGTH);
  octets.set(header.initiatorSpi, 0);
  octets.set(header.responderSpi, SPI_LENGTH);
  octets[NEXT_PAYLOAD] = nextPayload;
  octets[VERSION] = MAJOR_VERSION << 4;
  octets[EXCHANGE_TYPE] = header.exchange;
  octets[FLAGS] = (header.fromInitiator ? FLAG_INITIATOR : 0) | (header.response ? FLAG_RESPONSE : 0);
  writeUint32(octets, MESSAGE_ID, header.messageId);
  writeUint32(octets, LENGTH, length);
  return octets;
}

const SPIS = new Slab();
const NEXT_PAYLOAD = 16;
const VERSION = 17;
const EXCHANGE_TYPE = 18;
const FLAGS = 19;
const MESSAGE_ID = 20;
const LENGTH = 24;
const MAJOR_VERSION = 2;
const FLAG_INITIATOR = 0x08;
const FLAG_RESPONSE = 0x20;
