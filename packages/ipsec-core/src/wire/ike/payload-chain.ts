import { readUint16, writeUint16 } from '../../bytes/octets.js';
import { PAYLOAD } from './iana.js';
import { encodePayload, type Payload, parsePayload, payloadType } from './payloads/registry.js';
import { Reader } from './reader.js';
import { IkeWireError } from './wire-error.js';
import { Writer } from './writer.js';

/**
 * The generic payload header, RFC 7296 section 3.2, and the chain it makes.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Next Payload  |C|  RESERVED   |         Payload Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * The critical bit "MUST be ignored by the recipient if the recipient understands the payload type code"; on an unknown
 * type it rejects the whole message with UNSUPPORTED_CRITICAL_PAYLOAD.
 */
export function parseChain(octets: Uint8Array, offset: number, first: number): readonly Payload[] {
  const payloads: Payload[] = [];
  let type = first;
  let at = offset;
  while (type !== PAYLOAD.NONE) {
    if (payloads.length === MAXIMUM_PAYLOADS) {
      throw new IkeWireError({ code: 'too_many', what: 'payloads', limit: MAXIMUM_PAYLOADS });
    }
    const have = octets.length - at;
    if (have < PAYLOAD_HEADER) {
      throw new IkeWireError({ code: 'truncated', what: 'a payload header', need: PAYLOAD_HEADER, have });
    }
    const next = octets[at] ?? 0;
    const length = readUint16(octets, at + 2);
    if (length < PAYLOAD_HEADER) throw new IkeWireError({ code: 'bad_length', what: 'a payload', length });
    if (length > have) throw new IkeWireError({ code: 'truncated', what: 'a payload', need: length, have });
    const payload = parsePayload(type, next, new Reader(octets, 'a payload', at + PAYLOAD_HEADER, at + length));
    if (payload.kind === 'unknown' && ((octets[at + 1] ?? 0) & CRITICAL) !== 0) {
      throw new IkeWireError({ code: 'unsupported_critical', payloadType: type });
    }
    payloads.push(payload);
    at += length;
    type = payload.kind === 'SK' || payload.kind === 'SKF' ? PAYLOAD.NONE : next;
  }
  if (at < octets.length) {
    throw new IkeWireError({ code: 'trailing_octets', what: 'the payload chain', count: octets.length - at });
  }
  return payloads;
}

/** The chain's octets, and the type of its first payload for whoever precedes it. */
export function encodeChain(payloads: readonly Payload[]): { readonly first: number; readonly octets: Uint8Array } {
  const writer = new Writer();
  payloads.forEach((payload, index) => {
    const start = writer.length;
    const following = payloads[index + 1];
    const chained = following === undefined ? PAYLOAD.NONE : payloadType(following);
    const next = payload.kind === 'SK' || payload.kind === 'SKF' ? payload.firstInner : chained;
    writer.uint8(next).uint8(0).uint16(0);
    encodePayload(payload, writer);
    writer.lengthAt(start + 2, start);
  });
  const head = payloads[0];
  return { first: head === undefined ? PAYLOAD.NONE : payloadType(head), octets: writer.finish() };
}

/** A generic header alone: what precedes the IV of an Encrypted payload, which its ICV covers. */
export function payloadHeader(next: number, bodyLength: number): Uint8Array {
  const octets = new Uint8Array(PAYLOAD_HEADER);
  octets[0] = next;
  writeUint16(octets, 2, PAYLOAD_HEADER + bodyLength);
  return octets;
}

export const PAYLOAD_HEADER = 4;
/** Far above any honest message (a chain of certificates with dozens of notifies), far below what hurts. */
export const MAXIMUM_PAYLOADS = 128;
const CRITICAL = 0x80;
