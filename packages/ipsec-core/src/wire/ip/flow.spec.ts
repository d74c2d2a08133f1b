import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../../test/support/packets.js';
import { Flow, parseFlow } from './flow.js';
import { OPAQUE_PORT, OPAQUE_PROTOCOL } from './protocol.js';

function read(packet: Uint8Array): Flow | undefined {
  const flow = new Flow();
  return parseFlow(flow, packet, 0, packet.length) ? flow : undefined;
}

function v6(protocol: number, ...payload: readonly number[]): Uint8Array {
  return ipPacket({ source: '2001:db8::1', destination: '2001:db8::2', protocol, payload: Uint8Array.from(payload) });
}

const DATAGRAM = [...udp(1000, 2000, 12)];
const OPTIONS = (next: number) => [next, 0, 1, 4, 0, 0, 0, 0];

describe('selector fields of a packet (RFC 4301 section 4.4.1.1)', () => {
  it('are found behind hop-by-hop, routing, fragment and destination options headers, in any order', () => {
    const extensions = [0, 43, 44, 60];
    for (const first of extensions) {
      for (const second of extensions) {
        const header = (type: number, next: number) => (type === 44 ? [next, 0, 0, 0, 0, 0, 0, 1] : OPTIONS(next));
        const flow = read(v6(first, ...header(first, second), ...header(second, 17), ...DATAGRAM));
        expect(flow).toMatchObject({ protocol: 17, sourcePort: 1000, destinationPort: 2000, fragment: 'whole' });
        expect(flow?.nextLayerOffset).toBe(56);
      }
    }
  });

  it('end at AH, ESP and every header that is not skipped', () => {
    for (const protocol of [50, 51, 59, 139, 253]) {
      expect(read(v6(60, ...OPTIONS(protocol), ...DATAGRAM))).toMatchObject({ protocol, sourcePort: OPAQUE_PORT });
    }
  });

  it('that a later fragment does not show are OPAQUE, the protocol too when a header stands before it', () => {
    expect(read(v6(44, 17, 0, 0, 8, 0, 0, 0, 1, ...DATAGRAM))).toMatchObject({
      protocol: 17,
      sourcePort: OPAQUE_PORT,
      fragment: 'later',
    });
    expect(read(v6(44, 60, 0, 0, 8, 0, 0, 0, 1, ...DATAGRAM))?.protocol).toBe(OPAQUE_PROTOCOL);
    const v4 = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, 16), fragment: 5 });
    expect(read(v4)).toMatchObject({ protocol: 17, destinationPort: OPAQUE_PORT, fragment: 'later' });
  });

  it('are ICMP type and code, or the Mobility Header type, where there are no ports', () => {
    expect(read(v6(58, 128, 3, 0, 0))).toMatchObject({ sourcePort: 128 * 256 + 3, destinationPort: 128 * 256 + 3 });
    expect(read(v6(135, 59, 0, 5, 0, 0, 0, 0, 0))).toMatchObject({ sourcePort: 5 * 256 });
  });

  it('make a packet malformed that is too short to show them', () => {
    expect(read(v6(17, 1, 2, 3))).toBeUndefined();
    expect(read(v6(60, 17, 9, 0, 0, 0, 0, 0, 0, ...DATAGRAM))).toBeUndefined();
    expect(read(v6(0))).toBeUndefined();
  });
});
