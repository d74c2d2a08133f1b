import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IkeHeader } from '../wire/ike/header.js';
import { EXCHANGE } from '../wire/ike/iana.js';
import { Reassembly } from './reassembly.js';

const header = (messageId: number, response = false): IkeHeader => ({
  initiatorSpi: new Uint8Array(8).fill(1),
  responderSpi: new Uint8Array(8).fill(2),
  nextPayload: 53,
  exchange: EXCHANGE.IKE_AUTH,
  fromInitiator: true,
  response,
  messageId,
});
const fragment = (number: number, total: number) =>
  ({ kind: 'SKF', firstInner: number === 1 ? 35 : 0, number, total, data: new Uint8Array(0) }) as const;

/** Its number in the clear part, which counts of the first fragment alone. */
const add = (
  reassembly: Reassembly,
  of: IkeHeader,
  part: ReturnType<typeof fragment>,
  plaintext: Uint8Array,
  now = 0,
) => reassembly.add(of, part, plaintext, Uint8Array.of(part.number), now);

describe('Reassembly (RFC 7383 section 2.6)', () => {
  it('gives the message when the last part is there, in whatever order parts come and come again', () => {
    const order = fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 5], { minLength: 11 });
    fc.assert(
      fc.property(order, fc.uint8Array({ minLength: 8, maxLength: 400 }), (numbers, message) => {
        const reassembly = new Reassembly();
        const size = Math.ceil(message.length / 8);
        const seen = new Set<number>();
        for (const number of numbers) {
          const part = message.subarray((number - 1) * size, number * size);
          const result = add(reassembly, header(1), fragment(number, 8), part);
          const complete = seen.add(number).size === 8;
          if (!complete) expect(result).toBeUndefined();
          else {
            expect(result).toEqual({ firstInner: 35, clear: Uint8Array.of(1), plaintext: message });
            return;
          }
        }
      }),
    );
  });

  it('keeps a request and a response apart that arrive in each other’s midst', () => {
    const reassembly = new Reassembly();
    const part = (value: number) => Uint8Array.of(value);
    expect(add(reassembly, header(1), fragment(1, 2), part(1))).toBeUndefined();
    expect(add(reassembly, header(1, true), fragment(2, 2), part(4))).toBeUndefined();
    expect(add(reassembly, header(1), fragment(2, 2), part(2))).toMatchObject({ plaintext: Uint8Array.of(1, 2) });
    expect(add(reassembly, header(1, true), fragment(1, 2), part(3))).toMatchObject({ plaintext: Uint8Array.of(3, 4) });
  });

  it('begins anew when the sender goes over to smaller parts, and drops what is left of the larger ones', () => {
    const reassembly = new Reassembly();
    const part = (value: number) => Uint8Array.of(value);
    expect(add(reassembly, header(1), fragment(1, 2), part(9))).toBeUndefined();
    expect(add(reassembly, header(1), fragment(1, 3), part(1))).toBeUndefined();
    expect(add(reassembly, header(1), fragment(2, 2), part(9))).toBeUndefined();
    expect(add(reassembly, header(1), fragment(3, 3), part(3))).toBeUndefined();
    expect(add(reassembly, header(1), fragment(2, 3), part(2))).toMatchObject({ plaintext: Uint8Array.of(1, 2, 3) });
  });

  it('refuses more parts, or more octets, than any honest message has', () => {
    const reassembly = new Reassembly();
    expect(add(reassembly, header(1), fragment(1, 129), new Uint8Array(1))).toMatchObject({ code: 'too_many' });
    const large = new Uint8Array(30_000);
    expect(add(reassembly, header(2), fragment(1, 4), large)).toBeUndefined();
    expect(add(reassembly, header(2), fragment(2, 4), large)).toBeUndefined();
    expect(add(reassembly, header(2), fragment(3, 4), large)).toMatchObject({ code: 'too_large' });
  });

  it('keeps parts of three messages at most: the oldest gives way', () => {
    const reassembly = new Reassembly();
    for (const id of [1, 2, 3, 4]) add(reassembly, header(id), fragment(1, 2), Uint8Array.of(id));
    expect(add(reassembly, header(1), fragment(2, 2), Uint8Array.of(9))).toBeUndefined();
    expect(add(reassembly, header(4), fragment(2, 2), Uint8Array.of(5))).toMatchObject({
      plaintext: Uint8Array.of(4, 5),
    });
  });

  it('waits for the other parts as long as for an answer, and no longer', () => {
    const part = (value: number) => Uint8Array.of(value);
    const reassembly = new Reassembly();
    add(reassembly, header(1), fragment(1, 2), part(1), 1000);
    expect(add(reassembly, header(1), fragment(2, 2), part(2), 127_999)).toMatchObject({
      plaintext: Uint8Array.of(1, 2),
    });
    add(reassembly, header(2), fragment(1, 2), part(1), 1000);
    expect(add(reassembly, header(2), fragment(2, 2), part(2), 128_000)).toBeUndefined();
    expect(add(reassembly, header(2), fragment(1, 2), part(3), 128_000)).toMatchObject({
      plaintext: Uint8Array.of(3, 2),
    });
  });
});
