import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { AhAssociationParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';

const everything = [protect('e', selector([], []))];
const outerOf = (six: boolean) =>
  six
    ? { local: parseAddress('2001:db8::a'), remote: parseAddress('2001:db8::b') }
    : { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
const ah = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;

/** What one edge sends for a packet of 200 octets, and the edge that would open it. */
function sealed(protocol: 'esp' | 'ah', six: boolean) {
  const a = plane(everything);
  const b = plane(everything);
  for (const [of, direction] of [
    [a, 'outbound'],
    [b, 'inbound'],
  ] as const) {
    const common = association(direction, { outer: outerOf(six) });
    of.install(protocol === 'esp' ? common : ({ ...common, ...ah } as AhAssociationParameters), 0);
  }
  const packet = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 180) });
  const wire = new Uint8Array(400);
  const { length } = a.protect(packet, 0, packet.length, wire, 0, 1);
  return { b, wire: wire.slice(0, length) };
}

const protocols = ['esp', 'ah'] as const;

describe('fragments of protected packets (RFC 4302 and 4303 section 3.4.1)', () => {
  it.each(protocols.flatMap((protocol) => [false, true].map((six) => [protocol, six ? 6 : 4] as const)))(
    'are refused, %s over IPv%d, and the packet they were cut from is not',
    (protocol, family) => {
      const { b, wire } = sealed(protocol, family === 6);
      const out = new Uint8Array(400);
      const pieces = fragmentsOf(wire, 77, 64, 64);
      expect(pieces.length).toBeGreaterThan(2);
      for (const piece of pieces) {
        const { verdict, reason, length } = b.openIp(piece, 0, piece.length, out, 0, 1);
        expect({ verdict, reason, length }).toEqual({ verdict: 'discard', reason: 'underlay_fragment', length: 0 });
      }
      expect(drops(b)).toEqual({ underlay_fragment: pieces.length });
      expect(b.openIp(wire, 0, wire.length, out, 0, 1).verdict).toBe('deliver');
    },
  );

  it.each(protocols)('are not what a fragment header shows that says that its %s packet is whole', (protocol) => {
    // RFC 6946; RFC 4302 appendix A2: "AH MUST 'remove' (or skip over) this header".
    const { b, wire } = sealed(protocol, true);
    const [atomic = wire] = fragmentsOf(wire, 77, wire.length);
    const [twice = wire] = fragmentsOf(atomic, 78, atomic.length);
    expect([atomic.length, twice.length]).toEqual([wire.length + 8, wire.length + 16]);
    const open = (packet: Uint8Array) => b.openIp(packet, 0, packet.length, new Uint8Array(400), 0, 1).reason;
    // Two of them no sender makes, and what follows the header must be there.
    expect(open(twice)).toBe('underlay_fragment');
    const forged = atomic.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(open(forged)).toBe('integrity_failed');
    expect(open(atomic)).toBeUndefined();
    expect(open(wire)).toBe('replayed');
  });

  it('are told from fragments of other traffic', () => {
    const { b } = sealed('esp', false);
    for (const source of ['192.0.2.1', '2001:db8::1']) {
      const packet = ipPacket({ source, destination: source, payload: udp(1, 2, 100) });
      for (const piece of [...fragmentsOf(packet, 1, 64), ...fragmentsOf(packet, 1, packet.length)]) {
        const before = piece.slice();
        expect(b.openIp(piece, 0, piece.length, new Uint8Array(400), 0, 1).reason).toBe('not_ipsec');
        // It goes on to those whom it concerns as it came.
        expect(piece).toEqual(before);
      }
    }
  });
});
