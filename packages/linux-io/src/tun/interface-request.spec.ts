import { describe, expect, it } from 'vitest';
import {
  decodeInterfaceName,
  encodeInterfaceRequest,
  IFF_NO_PI,
  IFF_TUN,
  INTERFACE_REQUEST_OCTETS,
} from './interface-request.js';

describe('interface request', () => {
  it('puts name and flags where the kernel looks for them', () => {
    const request = new Uint8Array(INTERFACE_REQUEST_OCTETS).fill(0xff);
    encodeInterfaceRequest(request, 'weft0', IFF_TUN | IFF_NO_PI);
    expect(Buffer.from(request.subarray(0, 18)).toString('hex')).toBe(`7765667430${'00'.repeat(11)}0110`);
    expect([...request.subarray(18)].every((octet) => octet === 0)).toBe(true);
    expect(decodeInterfaceName(request)).toBe('weft0');
  });

  it('takes a name of 15 characters', () => {
    const request = new Uint8Array(INTERFACE_REQUEST_OCTETS);
    encodeInterfaceRequest(request, 'abcdefghijklmno', IFF_TUN);
    expect(decodeInterfaceName(request)).toBe('abcdefghijklmno');
  });

  it.each(['', 'abcdefghijklmnop', 'a b', 'a/b', 'tun%d', '-x', '.', '..', 'weft\0', 'größe'])('refuses %j', (name) => {
    const request = new Uint8Array(INTERFACE_REQUEST_OCTETS);
    expect(() => encodeInterfaceRequest(request, name, IFF_TUN)).toThrow(
      expect.objectContaining({ code: 'interface_name' }),
    );
    expect(request.every((octet) => octet === 0)).toBe(true);
  });
});
