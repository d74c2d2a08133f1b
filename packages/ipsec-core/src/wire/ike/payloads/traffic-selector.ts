import { TS_TYPE } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Traffic Selector payload, RFC 7296 section 3.13: a count, three reserved octets, then selectors:
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   TS Type     |IP Protocol ID*|       Selector Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Start Port*         |           End Port*           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                         Starting Address*                     ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                         Ending Address*                       ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * Start 65535 and end 0 mean OPAQUE, so that the start of a port range may exceed its end in this one case. For ICMP
 * the ports carry type (high octet) and code (low octet).
 */
export interface TrafficSelectorPayload {
  readonly kind: 'TSi' | 'TSr';
  readonly selectors: readonly WireSelector[];
}

export type WireSelector =
  | {
      readonly type: 'range';
      /** 0 is any. */
      readonly protocol: number;
      readonly startPort: number;
      readonly endPort: number;
      /** 4 or 16 octets each, first not above last. */
      readonly first: Uint8Array;
      readonly last: Uint8Array;
    }
  /** A type we do not know: never matches anything, and must not disturb the others. */
  | { readonly type: 'unknown'; readonly number: number; readonly protocol: number; readonly body: Uint8Array };

export function parseTrafficSelectors(kind: 'TSi' | 'TSr', reader: Reader): TrafficSelectorPayload {
  const count = reader.uint8();
  reader.skip(3);
  if (count === 0) throw new IkeWireError({ code: 'bad_value', what: `the number of selectors of ${kind}`, value: 0 });
  const selectors: WireSelector[] = [];
  for (let index = 0; index < count; index++) selectors.push(parseSelector(reader));
  reader.finish();
  return { kind, selectors };
}

export function encodeTrafficSelectors(payload: TrafficSelectorPayload, writer: Writer): void {
  writer.uint8(payload.selectors.length).zeros(3);
  for (const selector of payload.selectors) {
    const start = writer.length;
    if (selector.type === 'unknown') {
      writer.uint8(selector.number).uint8(selector.protocol).uint16(0).bytes(selector.body);
    } else {
      writer.uint8(selector.first.length === 4 ? TS_TYPE.IPV4_ADDR_RANGE : TS_TYPE.IPV6_ADDR_RANGE);
      writer.uint8(selector.protocol).uint16(0).uint16(selector.startPort).uint16(selector.endPort);
      writer.bytes(selector.first).bytes(selector.last);
    }
    writer.lengthAt(start + 2, start);
  }
}

function parseSelector(reader: Reader): WireSelector {
  const number = reader.uint8();
  const protocol = reader.uint8();
  const length = reader.uint16();
  if (length < SELECTOR_HEADER) throw new IkeWireError({ code: 'bad_length', what: 'a traffic selector', length });
  const inner = reader.within(length - SELECTOR_HEADER, 'a traffic selector');
  const size = ADDRESS_LENGTHS.get(number);
  if (size === undefined) return { type: 'unknown', number, protocol, body: inner.copyOfRest() };
  const startPort = inner.uint16();
  const endPort = inner.uint16();
  const first = inner.copy(size);
  const last = inner.copy(size);
  inner.finish();
  if (compare(first, last) > 0) {
    throw new IkeWireError({
      code: 'bad_value',
      what: 'a traffic selector whose first address exceeds its last',
      value: number,
    });
  }
  if (startPort > endPort && !(startPort === OPAQUE_START && endPort === 0)) {
    throw new IkeWireError({
      code: 'bad_value',
      what: 'a traffic selector whose start port exceeds its end',
      value: startPort,
    });
  }
  return { type: 'range', protocol, startPort, endPort, first, last };
}

function compare(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < left.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const ADDRESS_LENGTHS: ReadonlyMap<number, number> = new Map([
  [TS_TYPE.IPV4_ADDR_RANGE, 4],
  [TS_TYPE.IPV6_ADDR_RANGE, 16],
]);
const SELECTOR_HEADER = 4;
const OPAQUE_START = 0xffff;
