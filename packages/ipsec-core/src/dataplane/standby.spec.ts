import type { DataPlane } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import { parseAddress } from '../wire/ip/address.js';

const IN_USE = 0x1000;
const WAITING = 0x2000;
const PACKET = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 30) });

const engine = () => plane([protect('e', selector([], []))]);

/** SPI of what goes out, or why nothing does. */
function sentOn(from: DataPlane): number | string | undefined {
  const out = new Uint8Array(400);
  const { verdict, reason } = from.protect(PACKET.slice(), 0, PACKET.length, out, 0, 1);
  return verdict === 'transmit' ? new DataView(out.buffer).getUint32(0) : reason;
}

describe('an outbound association on standby', () => {
  it('carries nothing, installed before or after the one that does, and when that one is gone', () => {
    const made = engine();
    made.install(association('outbound', { spi: WAITING, standby: true }), 0);
    expect(sentOn(made)).toBe('no_association');
    made.install(association('outbound', { spi: IN_USE }), 0);
    expect(sentOn(made)).toBe(IN_USE);
    made.install(association('outbound', { spi: WAITING + 1, standby: true }), 0);
    expect(sentOn(made)).toBe(IN_USE);
    expect(made.associations().map(({ spi, current }) => [spi, current])).toEqual([
      [IN_USE, true],
      [WAITING, false],
      [WAITING + 1, false],
    ]);
    made.removeOutbound('t', IN_USE);
    expect(sentOn(made)).toBe('no_association');
  });

  it('has an SPI that no other of its tunnel has, and goes when it is removed', () => {
    const made = engine();
    made.install(association('outbound', { spi: WAITING, standby: true }), 0);
    expect(() => made.install(association('outbound', { spi: WAITING }), 0)).toThrow(/SPI/);
    expect(made.removeOutbound('t', WAITING)).toBe(true);
    expect(made.associations()).toEqual([]);
  });
});

describe('an announcement', () => {
  const outer = { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
  const outer6 = { local: parseAddress('2001:db8::1'), remote: parseAddress('2001:db8::2') };

  it.each([
    ['by a socket', {}, 0],
    ['directly on IPv4', { outer }, 20],
    ['directly on IPv6', { outer: outer6 }, 40],
  ])('shows the peer that an association is used, and is delivered to nobody: %s', (_, more, header) => {
    const [a, b] = [engine(), engine()];
    for (const spi of [IN_USE, WAITING]) {
      a.install(association('outbound', { spi, standby: spi === WAITING, ...more }), 0);
      b.install(association('inbound', { spi }), 0);
    }
    const wire = new Uint8Array(256);
    const { verdict, wholePacket, length } = a.announce('t', WAITING, wire, 0, 1);
    expect([verdict, wholePacket]).toEqual(['transmit', header > 0]);
    expect(new DataView(wire.buffer).getUint32(header)).toBe(WAITING);
    const opened =
      header > 0
        ? b.openIp(wire, 0, length, new Uint8Array(400), 0, 1)
        : b.open(wire, 0, length, new Uint8Array(400), 0, 1);
    expect([opened.verdict, opened.reason]).toEqual(['discard', 'dummy_packet']);
    expect(b.newlyUsed()).toEqual([WAITING]);
    // Once more, it is a replay and shows nothing.
    const before = b.associations().find(({ spi }) => spi === WAITING)?.packets;
    if (header === 0) expect(b.open(wire, 0, length, new Uint8Array(400), 0, 1).reason).toBe('replayed');
    expect(b.associations().find(({ spi }) => spi === WAITING)?.packets).toBe(before);
  });

  it('takes a sequence number of its association, as packets do', () => {
    const made = engine();
    made.install(association('outbound', { spi: IN_USE }), 0);
    const sequences = [0, 1, 2].map((nth) => {
      const wire = new Uint8Array(400);
      if (nth === 1) made.announce('t', IN_USE, wire, 0, 1);
      else made.protect(PACKET.slice(), 0, PACKET.length, wire, 0, 1);
      return new DataView(wire.buffer).getUint32(4);
    });
    expect(sequences).toEqual([1, 2, 3]);
  });

  it('is for the engine that sends on the association, and for none that is gone or has no dummy packets', () => {
    const made = engine();
    made.install(association('outbound', { spi: IN_USE, sentBy: 3 }), 0);
    const out = new Uint8Array(256);
    expect(made.announce('t', IN_USE, out, 0, 1)).toMatchObject({ verdict: 'elsewhere', sentBy: 3 });
    expect(made.announce('t', WAITING, out, 0, 1).reason).toBe('no_association');
    made.install(association('outbound', { spi: WAITING, mode: 'transport' }), 0);
    expect(made.announce('t', WAITING, out, 0, 1).reason).toBe('no_association');
    expect(drops(made)).toEqual({ no_association: 2 });
  });
});
