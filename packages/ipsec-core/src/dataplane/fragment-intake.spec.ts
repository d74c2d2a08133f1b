import { describe, expect, it } from 'vitest';
import { ipPacket } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';

/** The last fragment of a packet, that begins at `position` octets of its payload. */
function lastFragment(six: boolean, position: number, octets: number): Uint8Array {
  const data = new Uint8Array(octets).fill(7);
  if (!six) return ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: data, fragment: position / 8 });
  const header = [17, 0, position >>> 8, position & 0xff, 0, 0, 0, 9];
  return ipPacket({
    source: '2001:db8:1::1',
    destination: '2001:db8:2::1',
    protocol: 44,
    payload: Uint8Array.from([...header, ...data]),
  });
}

describe('fragments that are carried as they are', () => {
  it.each([false, true])('end within the largest packet, lest the offsets of their pieces wrap (IPv6: %s)', (six) => {
    const a = plane([protect('e', selector([], []))]);
    a.install(association('outbound', { pathMtu: { mtu: 1400, underlay: { family: 4, udp: true } } }), 0);
    const send = (packet: Uint8Array) => a.protect(packet, 0, packet.length, new Uint8Array(2000), 0, 1);
    // RFC 791: a total length of 65,535 octets; IPv6 counts a payload of as many, without fragment headers.
    const room = six ? 65_535 : 65_535 - 20;
    const position = room - (room % 8) - 640;
    expect(send(lastFragment(six, position, room - position)).reason).toBeUndefined();
    expect(send(lastFragment(six, position, room - position + 1)).reason).toBe('fragment_oversize');
    expect(send(lastFragment(six, 65_528, 647)).reason).toBe('fragment_oversize');
    expect(drops(a)).toEqual({ fragment_oversize: 2 });
  });
});
