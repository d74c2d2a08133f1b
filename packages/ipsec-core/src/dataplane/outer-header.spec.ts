import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { EspAssociationParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';
import { decapsulateEcn } from '../wire/ip/ecn.js';
import { readTrafficClass, writeTrafficClass } from '../wire/ip/header.js';

const everything = [protect('e', selector([], []))];
const packetOf = (six: boolean, trafficClass = 0, port = 2) => {
  const packet = ipPacket({
    source: six ? '2001:db8:1::1' : '10.1.0.1',
    destination: six ? '2001:db8:2::2' : '10.2.0.2',
    payload: udp(1, port, 40),
  });
  writeTrafficClass(packet, 0, trafficClass);
  return packet;
};
const outerOf = (family: 4 | 6) =>
  family === 4
    ? { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') }
    : { local: parseAddress('2001:db8::a'), remote: parseAddress('2001:db8::b') };

/** An edge that sends and one that receives. */
function pair(out: Partial<EspAssociationParameters> = {}, back: Partial<EspAssociationParameters> = {}) {
  const a = plane(everything);
  const b = plane(everything);
  a.install(association('outbound', out), 0);
  b.install(association('inbound', back), 0);
  return { a, b };
}

describe('traffic class', () => {
  const cases = fc.record({
    inner: fc.nat({ max: 255 }),
    outer: fc.nat({ max: 255 }),
    six: fc.boolean(),
    overwrite: fc.boolean(),
    whole: fc.constantFrom(4, 6, undefined),
  });

  it('leaves a tunnel as RFC 6040 and RFC 4301 section 5.1.2 say, whoever wrote the outer header', () => {
    fc.assert(
      fc.property(cases, ({ inner, outer, six, overwrite, whole }) => {
        const header = whole === undefined ? {} : { outer: outerOf(whole as 4 | 6) };
        const { a, b } = pair(header, { ...header, innerDscp: overwrite ? 'overwrite' : 'keep' });
        const packet = packetOf(six, inner);
        const wire = new Uint8Array(300);
        const { length } = a.protect(packet, 0, packet.length, wire, 0, 1);
        const out = new Uint8Array(300);
        if (whole !== undefined) writeTrafficClass(wire, 0, outer);
        const opened =
          whole === undefined ? b.open(wire, 0, length, out, 0, 1, outer) : b.openIp(wire, 0, length, out, 0, 1);
        const ecn = decapsulateEcn(inner & 3, outer & 3);
        if (ecn < 0) {
          expect(opened.reason).toBe('ecn_congestion_lost');
          expect(drops(b)).toEqual({ ecn_congestion_lost: 1 });
          return;
        }
        expect(opened.reason).toBeUndefined();
        writeTrafficClass(packet, 0, ((overwrite ? outer : inner) & 0xfc) | ecn);
        // Everything else, and the IPv4 header checksum, is as it was sent.
        expect(out.slice(0, opened.length)).toEqual(packet);
      }),
      { numRuns: 400 },
    );
  });

  it('enters a tunnel with the inner ECN field, or with none for a peer that would lose marks', () => {
    for (const ecn of ['normal', 'compatibility'] as const) {
      for (const dscp of ['copy', 7, Array.from({ length: 64 }, (_, i) => 63 - i)] as const) {
        for (let inner = 0; inner < 256; inner += 5) {
          const { a } = pair({ ecn, dscp, outer: outerOf(6) });
          const wire = new Uint8Array(300);
          const packet = packetOf(false, inner);
          const sent = a.protect(packet, 0, packet.length, wire, 0, 1);
          const written = dscp === 'copy' ? inner >>> 2 : dscp === 7 ? 7 : 63 - (inner >>> 2);
          const expected = (written << 2) | (ecn === 'normal' ? inner & 3 : 0);
          expect([sent.trafficClass, readTrafficClass(wire, 0)]).toEqual([expected, expected]);
        }
      }
    }
  });

  it('counts pairs of ECN fields that no tunnel ingress makes', () => {
    const { a, b } = pair();
    const wire = new Uint8Array(300);
    for (let inner = 0; inner < 4; inner++) {
      for (let outer = 0; outer < 4; outer++) {
        const packet = packetOf(false, inner);
        const { length } = a.protect(packet, 0, packet.length, wire, 0, 1);
        b.open(wire, 0, length, new Uint8Array(300), 0, 1, outer);
      }
    }
    expect(b.ecnAnomalies()).toEqual([
      { inner: 0, outer: 1, severity: 'dangerous', packets: 1n },
      { inner: 0, outer: 2, severity: 'dangerous', packets: 1n },
      { inner: 0, outer: 3, severity: 'dangerous', packets: 1n },
      { inner: 1, outer: 2, severity: 'possibly_dangerous', packets: 1n },
      { inner: 3, outer: 1, severity: 'dangerous', packets: 1n },
    ]);
  });

  it('leaves the TTL of the inner packet alone and takes the outer one from the association', () => {
    for (const family of [4, 6] as const) {
      const { a, b } = pair({ outer: { ...outerOf(family), hopLimit: 17 } }, { outer: outerOf(family) });
      for (const six of [false, true]) {
        const wire = new Uint8Array(300);
        const packet = packetOf(six);
        const { length } = a.protect(packet, 0, packet.length, wire, 0, 1);
        expect(wire[family === 4 ? 8 : 7]).toBe(17);
        wire[family === 4 ? 8 : 7] = 3;
        const out = new Uint8Array(300);
        const opened = b.openIp(wire, 0, length, out, 0, 1);
        expect(out.slice(0, opened.length)).toEqual(packet);
      }
    }
  });
});

describe('outer flow label', () => {
  const labelOf = (wire: Uint8Array) => (((wire[1] ?? 0) & 15) << 16) | ((wire[2] ?? 0) << 8) | (wire[3] ?? 0);
  const labels = (more: Partial<EspAssociationParameters>, packets: readonly Uint8Array[]) => {
    const { a } = pair({ ...more, outer: { ...outerOf(6), ...more.outer } });
    return packets.map((packet) => {
      const wire = new Uint8Array(400);
      expect(a.protect(packet, 0, packet.length, wire, 0, 1).reason).toBeUndefined();
      return labelOf(wire);
    });
  };

  it('is one per inner flow, never 0, and owes nothing to the inner label (RFC 6438)', () => {
    const flows = [false, true].flatMap((six) => Array.from({ length: 40 }, (_, port) => packetOf(six, 0, port)));
    const relabelled = flows.map((packet) => {
      const copy = packet.slice();
      if (packet.length > 70) copy.set([5, 0xab, 0xcd], 1);
      return copy;
    });
    const seen = labels({}, [...flows, ...relabelled]);
    expect(seen.slice(80)).toEqual(seen.slice(0, 80));
    expect(new Set(seen).size).toBeGreaterThan(78);
    expect(seen).not.toContain(0);
    expect(labels({}, flows)).not.toEqual(seen.slice(0, 80));
  });

  it('keeps the fragments of a flow together', () => {
    const fragment = (offset: number, payload: Uint8Array) =>
      ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', fragment: offset, payload });
    const [first, later] = labels({}, [fragment(0x2000, udp(5, 6, 48)), fragment(6, udp(7, 8, 48))]);
    expect(first).toBe(later);
  });

  it('shows no flow where the association says so, or hides lengths', () => {
    const flows = Array.from({ length: 8 }, (_, port) => packetOf(true, 0, port));
    const hidden = labels({ outer: { ...outerOf(6), flowLabel: 'association' } }, flows);
    expect(new Set(hidden).size).toBe(1);
    expect(hidden).not.toContain(0);
    expect(new Set(labels({ padTo: 128 }, flows)).size).toBe(1);
    expect(new Set(labels({ outer: { ...outerOf(6), flowLabel: 'zero' } }, flows))).toEqual(new Set([0]));
  });
});

describe('what a caller has to send', () => {
  it.each([
    ['tunnel mode whose header a socket writes', {}, false],
    ['tunnel mode over IPv4', { outer: outerOf(4) }, true],
    ['tunnel mode over IPv6', { outer: outerOf(6) }, true],
    ['transport mode', { mode: 'transport' }, true],
  ] as const)('is a whole IP packet or begins with the SPI: %s', (_, parameters, whole) => {
    const { a } = pair(parameters);
    const wire = new Uint8Array(300);
    const { verdict, wholePacket } = a.protect(packetOf(false), 0, packetOf(false).length, wire, 0, 1);
    expect([verdict, wholePacket]).toEqual(['transmit', whole]);
    expect((wire[0] ?? 0) >>> 4).toBe(
      whole ? ('outer' in parameters ? (parameters.outer.local.length === 4 ? 4 : 6) : 4) : 0,
    );
  });

  it('is told anew for every packet, as associations take turns', () => {
    const { a } = pair({ outer: outerOf(4) });
    const wire = new Uint8Array(300);
    const next = () => a.protect(packetOf(true), 0, packetOf(true).length, wire, 0, 1).wholePacket;
    expect(next()).toBe(true);
    a.install(association('outbound', { spi: 0x2000 }), 0);
    expect(next()).toBe(false);
    a.removeOutbound('t', 0x2000);
    expect(next()).toBe(true);
    expect(a.dummy('t', 40, wire, 0, 1).verdict).toBe('discard');
  });

  it('has an identification where it may be fragmented, and never 0, which a raw socket would fill in', () => {
    const { a } = pair({ outer: { ...outerOf(4), dontFragment: 'clear' } });
    const packet = packetOf(true);
    const wire = new Uint8Array(300);
    const seen = new Set<number>();
    for (let i = 0; i < 70_000; i++) {
      a.protect(packet, 0, packet.length, wire, 0, 1);
      seen.add((wire[4] ?? 0) * 256 + (wire[5] ?? 0));
    }
    expect([seen.size, seen.has(0)]).toEqual([65_535, false]);
  });
});
