import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSocketAddress, encodeSocketAddress } from './socket-address.js';

describe('socket address', () => {
  it('writes sockaddr_in as netinet/in.h lays it out', () => {
    const octets = encodeSocketAddress({ address: Uint8Array.of(192, 0, 2, 7), port: 4500 });
    expect(Buffer.from(octets).toString('hex')).toBe('02001194c00002070000000000000000');
  });

  it('writes sockaddr_in6 as netinet/in.h lays it out', () => {
    const address = Uint8Array.from(Buffer.from('20010db8000000000000000000000001', 'hex'));
    const octets = encodeSocketAddress({ address, port: 4500 });
    expect(Buffer.from(octets).toString('hex')).toBe('0a0011940000000020010db800000000000000000000000100000000');
  });

  it('reads back every endpoint it writes', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 0xffff }), (octets, port) => {
        expect(decodeSocketAddress(encodeSocketAddress({ address: octets, port }))).toEqual({ address: octets, port });
      }),
    );
  });

  it.each([
    [{ address: new Uint8Array(5), port: 1 }, 'address_length'],
    [{ address: new Uint8Array(4), port: 65_536 }, 'port_range'],
    [{ address: new Uint8Array(4), port: -1 }, 'port_range'],
    [{ address: new Uint8Array(4), port: 1.5 }, 'port_range'],
  ])('refuses %j', (endpoint, code) => {
    expect(() => encodeSocketAddress(endpoint)).toThrow(expect.objectContaining({ code }));
  });

  it('answers undefined for another family', () => {
    expect(decodeSocketAddress(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    expect(decodeSocketAddress(new Uint8Array(0))).toBeUndefined();
  });
});
