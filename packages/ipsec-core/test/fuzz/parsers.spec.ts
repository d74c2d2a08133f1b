import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AH, findProtection, InsertionPoint, maskMutableFields, readAhLength } from '../../src/wire/ah.js';
import { espPayloadLength } from '../../src/wire/esp.js';
import { Flow, parseFlow } from '../../src/wire/ip/flow.js';
import { FragmentFields, parseFragment } from '../../src/wire/ip/fragment.js';
import { doesNotFragment, readTrafficClass } from '../../src/wire/ip/header.js';
import { isIcmpError, Quote } from '../../src/wire/ip/quote.js';
import { classifyEncapsulated } from '../../src/wire/udp-encap.js';
import { mutate, mutation } from './mutations.js';
import { CLEAR_KINDS, clearPacket, tooBigMessage } from './packets.js';

/** An array that does not answer outside one packet: every read of an octet beyond its ends throws. */
function tripwire(octets: Uint8Array, offset: number): Uint8Array {
  const whole = new Uint8Array(octets.length + 2 * offset).fill(0x3c);
  whole.set(octets, offset);
  return new Proxy(whole, {
    get(target, property) {
      if (typeof property === 'string' && /^\d+$/.test(property)) {
        const at = Number(property);
        if (at < offset || at >= offset + octets.length) throw new RangeError(`read at ${at - offset}`);
        return target[at];
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const OFFSET = 13;

/** Every parser of the data plane that reads octets one by one, on one packet. */
function parseAll(octets: Uint8Array): void {
  const packet = tripwire(octets, OFFSET);
  const { length } = octets;
  classifyEncapsulated(packet, OFFSET, length);
  readAhLength(packet, OFFSET, length);
  if (length >= 2) espPayloadLength(packet, OFFSET, length);
  const flow = new Flow();
  if (!parseFlow(flow, packet, OFFSET, length)) return;
  expect(flow.totalLength).toBeLessThanOrEqual(length);
  expect(flow.nextLayerOffset).toBeLessThanOrEqual(flow.totalLength);
  if (flow.fragment !== 'whole') parseFragment(new FragmentFields(), packet, OFFSET, flow.totalLength);
  if (isIcmpError(flow)) new Quote().read(new Flow(), packet, OFFSET, flow);
  readTrafficClass(packet, OFFSET);
  doesNotFragment(packet, OFFSET);
  const point = new InsertionPoint();
  if (!findProtection(point, packet, OFFSET, flow.totalLength)) return;
  expect(point.offset).toBeLessThanOrEqual(flow.totalLength);
  const ahLength = readAhLength(packet, OFFSET + point.offset, flow.totalLength - point.offset);
  if (ahLength < AH.icv) return;
  maskMutableFields(packet, OFFSET, point.offset, 0, ahLength - AH.icv);
}

describe('parsers of the data plane', () => {
  it('read no octet outside the packet', () => {
    const shape = fc.record({
      kind: fc.constantFrom(...CLEAR_KINDS),
      destination: fc.constant(1),
      size: fc.nat({ max: 40 }),
      trafficClass: fc.constant(0),
    });
    const mutated = fc
      .tuple(shape, fc.array(mutation, { maxLength: 5 }))
      .map(([clear, mutations]) => mutate(clearPacket(clear, 7), mutations, false));
    const quoting = fc
      .tuple(mutated, fc.array(mutation, { maxLength: 3 }))
      .map(([quoted, mutations]) => mutate(tooBigMessage(quoted, 576), mutations, false));
    fc.assert(fc.property(fc.oneof(mutated, mutated, quoting, fc.uint8Array({ maxLength: 100 })), parseAll), {
      numRuns: 20_000,
      seed: 4303,
    });
  });

  it('are watched by a wire that trips', () => {
    const packet = tripwire(Uint8Array.of(1, 2), OFFSET);
    expect(packet[OFFSET + 1]).toBe(2);
    expect(() => packet[OFFSET + 2]).toThrow(/read at 2/);
    expect(() => packet[OFFSET - 1]).toThrow(/read at -1/);
  });
});
