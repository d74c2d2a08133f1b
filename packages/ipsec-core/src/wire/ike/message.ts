import { encodeHeader, HEADER_LENGTH, type IkeHeader, MAXIMUM_MESSAGE_LENGTH, parseHeader } from './header.js';
import { encodeChain, parseChain } from './payload-chain.js';
import type { Payload } from './payloads/registry.js';
import { attempt, IkeWireError, type Parsed } from './wire-error.js';

/** One IKE message in the clear part: an SK or SKF payload stays opaque until somebody with keys opens it. */
export interface IkeMessage {
  readonly header: IkeHeader;
  readonly payloads: readonly Payload[];
}

/** Header only: enough to find the SA, before anything is spent on the rest. */
export function parseMessageHeader(octets: Uint8Array): Parsed<IkeHeader> {
  return attempt(() => {
    bound(octets);
    return parseHeader(octets);
  });
}

/** A whole datagram without the non-ESP marker. Never throws on any octets. */
export function parseMessage(octets: Uint8Array): Parsed<IkeMessage> {
  return attempt(() => {
    bound(octets);
    const header = parseHeader(octets);
    return { header, payloads: parseChain(octets, HEADER_LENGTH, header.nextPayload) };
  });
}

/** The content of a decrypted SK payload (padding removed). Never throws on any octets. */
export function parsePayloads(octets: Uint8Array, first: number): Parsed<readonly Payload[]> {
  return attempt(() => {
    const payloads = parseChain(octets, 0, first);
    for (const payload of payloads) {
      if (payload.kind === 'SK' || payload.kind === 'SKF') {
        throw new IkeWireError({
          code: 'bad_value',
          what: 'an Encrypted payload inside an Encrypted payload',
          value: 0,
        });
      }
    }
    return payloads;
  });
}

/** The octets of a message; `nextPayload` of the header is computed. */
export function encodeMessage(header: Omit<IkeHeader, 'nextPayload'>, payloads: readonly Payload[]): Uint8Array {
  const chain = encodeChain(payloads);
  const length = HEADER_LENGTH + chain.octets.length;
  const octets = new Uint8Array(length);
  octets.set(encodeHeader(header, chain.first, length), 0);
  octets.set(chain.octets, HEADER_LENGTH);
  return octets;
}

function bound(octets: Uint8Array): void {
  if (octets.length > MAXIMUM_MESSAGE_LENGTH) {
    throw new IkeWireError({ code: 'too_large', what: 'the IKE message', limit: MAXIMUM_MESSAGE_LENGTH });
  }
}
