import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  additionalAddresses,
  cameUntranslated,
  isCookie2,
  MAXIMUM_ADDITIONAL,
  noNatsAllowed,
  readAdditionalAddresses,
} from './mobike-notifies.js';
import { NOTIFY } from './notify-registry.js';
import { notify } from './payloads/notify.js';

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const address = fc.oneof(octets(4), octets(16));
const port = fc.integer({ min: 0, max: 0xffff });

describe('Additional addresses (RFC 4555 sections 4.2.2 to 4.2.4)', () => {
  it('are read as they were written, in their order, and none is a list, too', () => {
    fc.assert(
      fc.property(fc.array(address, { maxLength: MAXIMUM_ADDITIONAL }), (addresses) => {
        expect(readAdditionalAddresses(additionalAddresses(addresses))).toEqual(addresses);
      }),
    );
    expect(additionalAddresses([]).map(({ type }) => type)).toEqual([NOTIFY.NO_ADDITIONAL_ADDRESSES]);
  });

  it('are not there when the message says nothing of them', () => {
    expect(readAdditionalAddresses([notify('UPDATE_SA_ADDRESSES')])).toBeUndefined();
  });

  it('are left out when they are none of their family, and beyond eight', () => {
    const wrong = [
      notify('ADDITIONAL_IP4_ADDRESS', new Uint8Array(16)),
      notify('ADDITIONAL_IP6_ADDRESS', new Uint8Array(4)),
    ];
    expect(readAdditionalAddresses(wrong)).toEqual([]);
    const many = Array.from({ length: 100 }, (_, index) => Uint8Array.of(192, 0, 2, index));
    expect(readAdditionalAddresses(additionalAddresses(many))).toEqual(many.slice(0, MAXIMUM_ADDITIONAL));
  });
});

describe('NO_NATS_ALLOWED (RFC 4555 section 4.2.6)', () => {
  it('is addresses, then ports, source first', () => {
    const { data } = noNatsAllowed(
      { address: Uint8Array.of(192, 0, 2, 1), port: 500 },
      { address: Uint8Array.of(198, 51, 100, 2), port: 4500 },
    );
    expect([...data]).toEqual([192, 0, 2, 1, 198, 51, 100, 2, 0x01, 0xf4, 0x11, 0x94]);
  });

  it('tells every change of an address or port, and of the family', () => {
    const endpoints = (length: number) => fc.record({ address: octets(length), port });
    const pair = fc.oneof(fc.tuple(endpoints(4), endpoints(4)), fc.tuple(endpoints(16), endpoints(16)));
    fc.assert(
      fc.property(pair, pair, ([source, destination], [otherSource, otherDestination]) => {
        const sent = [noNatsAllowed(source, destination)];
        expect(cameUntranslated(sent, source, destination)).toBe(true);
        const text = (...ends: (typeof source)[]) => ends.map((end) => `${end.address.join()}/${end.port}`).join();
        expect(cameUntranslated(sent, otherSource, otherDestination)).toBe(
          text(source, destination) === text(otherSource, otherDestination),
        );
        expect(cameUntranslated(sent, source, { ...destination, port: destination.port ^ 1 })).toBe(false);
      }),
    );
    expect(cameUntranslated([], { address: new Uint8Array(4), port: 1 }, { address: new Uint8Array(4), port: 2 })).toBe(
      true,
    );
  });
});

describe('COOKIE2 (RFC 4555 section 4.2.5)', () => {
  it.each([
    [7, false],
    [8, true],
    [64, true],
    [65, false],
  ])('%d octets: %s', (length, valid) => {
    expect(isCookie2(new Uint8Array(length))).toBe(valid);
  });
});
