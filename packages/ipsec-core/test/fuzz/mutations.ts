import fc from 'fast-check';
import { fixChecksum, withOptions } from './packets.js';
import { LINES } from './world.js';

/**
 * One thing done to a packet, as plain data: what fast-check shrinks and the corpus could name. Mutations know the
 * structure of a packet only as far as they need to lie about it; one that does not apply changes nothing.
 */
export type Mutation =
  | { readonly op: 'flip'; readonly at: number; readonly bit: number }
  | { readonly op: 'set'; readonly at: number; readonly value: number }
  | { readonly op: 'truncate'; readonly at: number }
  | { readonly op: 'extend'; readonly octets: Uint8Array }
  | { readonly op: 'cut'; readonly at: number; readonly count: number }
  | { readonly op: 'spi'; readonly line: number }
  | { readonly op: 'reservedSpi'; readonly value: number }
  | { readonly op: 'sequence'; readonly delta: number }
  | { readonly op: 'lengthField'; readonly delta: number }
  | { readonly op: 'headerLength'; readonly value: number }
  | { readonly op: 'version'; readonly value: number }
  | { readonly op: 'protocol'; readonly value: number }
  | { readonly op: 'fragment'; readonly value: number }
  | { readonly op: 'trafficClass'; readonly value: number }
  | { readonly op: 'ahLength'; readonly value: number }
  | { readonly op: 'options'; readonly octets: readonly number[] }
  | { readonly op: 'extensions'; readonly chain: readonly Extension[] };

/** An IPv6 extension header: `claim` is what its length field says, in octets beyond the first eight, divided by eight. */
export interface Extension {
  readonly type: number;
  readonly claim: number;
  readonly octets: Uint8Array;
}

export function mutate(packet: Uint8Array, mutations: readonly Mutation[], encapsulated: boolean): Uint8Array {
  let result: Uint8Array = packet.slice();
  for (const mutation of mutations) result = apply(result, mutation, encapsulated);
  return result;
}

/** `encapsulated`: the packet starts with an SPI, not with an IP header. */
function apply(packet: Uint8Array, mutation: Mutation, encapsulated: boolean): Uint8Array {
  const { length } = packet;
  switch (mutation.op) {
    case 'truncate':
      return packet.slice(0, mutation.at % (length + 1));
    case 'extend':
      return Uint8Array.from([...packet, ...mutation.octets]);
    case 'cut': {
      const at = mutation.at % (length + 1);
      return Uint8Array.from([...packet.subarray(0, at), ...packet.subarray(at + mutation.count)]);
    }
    case 'options':
      return !encapsulated && packet[0] === 0x45 && length >= 20 ? withOptions(packet, mutation.octets) : packet;
    case 'extensions':
      return !encapsulated && (packet[0] ?? 0) >>> 4 === 6 && length >= 40
        ? withExtensions(packet, mutation.chain)
        : packet;
    default:
      return length === 0 ? packet : overwrite(packet, mutation, encapsulated);
  }
}

type Overwrite = Exclude<Mutation, { op: 'truncate' | 'extend' | 'cut' | 'options' | 'extensions' }>;

/** Changes octets where they stand, inside a copy that the caller owns. */
function overwrite(packet: Uint8Array, mutation: Overwrite, encapsulated: boolean): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const six = (packet[0] ?? 0) >>> 4 === 6;
  const protection = encapsulated ? 0 : six ? 40 : ((packet[0] ?? 0) & 15) * 4;
  const ah = !encapsulated && packet[six ? 6 : 9] === 51;
  const spiAt = protection + (ah ? 4 : 0);
  const fits = (at: number, count: number) => at + count <= packet.length;
  switch (mutation.op) {
    case 'flip': {
      const at = mutation.at % packet.length;
      packet[at] = (packet[at] ?? 0) ^ (1 << mutation.bit);
      break;
    }
    case 'set':
      packet[mutation.at % packet.length] = mutation.value;
      break;
    case 'spi':
      if (fits(spiAt, 4)) view.setUint32(spiAt, LINES[mutation.line % LINES.length]?.spi ?? 0);
      break;
    case 'reservedSpi':
      if (fits(spiAt, 4)) view.setUint32(spiAt, mutation.value);
      break;
    case 'sequence':
      if (fits(spiAt + 4, 4)) view.setUint32(spiAt + 4, view.getUint32(spiAt + 4) + mutation.delta);
      break;
    case 'ahLength':
      if (ah && fits(protection, 2)) packet[protection + 1] = mutation.value;
      break;
    default:
      if (!encapsulated && fits(0, 20)) overwriteIp(packet, view, mutation, six);
  }
  return packet;
}

type OverwriteIp = Extract<
  Overwrite,
  { op: 'lengthField' | 'headerLength' | 'version' | 'protocol' | 'fragment' | 'trafficClass' }
>;

function overwriteIp(packet: Uint8Array, view: DataView, mutation: OverwriteIp, six: boolean): void {
  const first = packet[0] ?? 0;
  switch (mutation.op) {
    case 'lengthField':
      view.setUint16(six ? 4 : 2, view.getUint16(six ? 4 : 2) + mutation.delta);
      break;
    case 'headerLength':
      if (!six) packet[0] = 0x40 | mutation.value;
      break;
    case 'version':
      packet[0] = (mutation.value << 4) | (first & 15);
      break;
    case 'protocol':
      packet[six ? 6 : 9] = mutation.value;
      break;
    case 'fragment':
      if (!six) view.setUint16(6, mutation.value);
      break;
    case 'trafficClass':
      if (six) view.setUint16(0, 0x6000 | (mutation.value << 4));
      else packet[1] = mutation.value;
      break;
  }
  if (!six) fixChecksum(packet);
}

/** Puts a chain of extension headers behind the IPv6 header; the payload length counts what is really there. */
function withExtensions(packet: Uint8Array, chain: readonly Extension[]): Uint8Array {
  const last = packet[6] ?? 0;
  const headers = chain.map(({ claim, octets }, i) => [chain[i + 1]?.type ?? last, claim, ...octets]);
  const longer = Uint8Array.from([...packet.subarray(0, 40), ...headers.flat(), ...packet.subarray(40)]);
  longer[6] = chain[0]?.type ?? last;
  new DataView(longer.buffer).setUint16(4, longer.length - 40);
  return longer;
}

const octet = fc.nat({ max: 255 });
const position = fc.nat({ max: 400 });

const extension: fc.Arbitrary<Extension> = fc
  .record({
    type: fc.constantFrom(0, 43, 44, 51, 60, 60, 0, 43, 135, 59),
    claim: fc.constantFrom(0, 0, 0, 1, 2, 255),
    more: fc.constantFrom(0, 0, 0, 1, 2),
    octets: fc.uint8Array({ minLength: 22, maxLength: 22 }),
  })
  .map(({ type, claim, more, octets }) => ({ type, claim, octets: octets.slice(0, 6 + 8 * more) }));

/** Type, length, data; lengths lie now and then; padded to a multiple of four. */
const options: fc.Arbitrary<readonly number[]> = fc
  .array(
    fc.tuple(fc.constantFrom(0, 1, 7, 68, 130, 131, 137, 148, 149), fc.constantFrom(0, 1, 2, 3, 4, 6, 40), octet),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => {
    const bytes = list.flatMap(([type, length, fill]) => [
      type,
      length,
      ...new Array<number>(Math.min(length, 4)).fill(fill),
    ]);
    const room = Math.min(40, Math.ceil(bytes.length / 4) * 4);
    return Array.from({ length: room }, (_, i) => bytes[i] ?? 0);
  });

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('flip' as const), at: position, bit: fc.nat({ max: 7 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('set' as const), at: position, value: octet }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('truncate' as const), at: position }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('extend' as const), octets: fc.uint8Array({ maxLength: 24 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('cut' as const), at: position, count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('spi' as const), line: fc.nat({ max: 31 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('reservedSpi' as const), value: fc.constantFrom(0, 1, 255, 0xffffffff) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('sequence' as const), delta: fc.constantFrom(1, -1, 63, 64, -64, 2 ** 31) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('lengthField' as const), delta: fc.integer({ min: -60, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('headerLength' as const), value: fc.nat({ max: 15 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('version' as const), value: fc.constantFrom(0, 4, 5, 6, 15) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('protocol' as const),
      value: fc.constantFrom(0, 1, 4, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 132, 135, 253),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('fragment' as const),
      value: fc.constantFrom(0, 0x2000, 1, 0x2001, 0x1fff, 0x4000, 0x8000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('trafficClass' as const), value: octet }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('ahLength' as const), value: fc.constantFrom(0, 1, 2, 4, 5, 6, 7, 255) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('options' as const), octets: options }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('extensions' as const),
      chain: fc.array(extension, { minLength: 1, maxLength: 5 }),
    }),
  },
);
