import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { ProtectPolicy, SelectorField } from '../policy/security-policy.js';
import { icmpTypesAndCodes } from '../policy/selector.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import { parseAddress } from '../wire/ip/address.js';
import { HOLD_MILLISECONDS, MAXIMUM_PENDING } from './acquire.js';
import type { DataPlane } from './data-plane.js';

const HERE = selector(['10.1.0.0/16'], ['10.2.0.0/16']);
const host = (text: string) => {
  const address = parseAddress(text);
  return [{ first: address, last: address }];
};
const entry = (populateFromPacket: readonly SelectorField[], of = HERE): ProtectPolicy => ({
  ...(protect('e', of) as ProtectPolicy),
  populateFromPacket,
});

const packetTo = (destination: string, more: { protocol?: number; payload?: Uint8Array; fragment?: number } = {}) =>
  ipPacket({ source: '10.1.0.1', destination, ...more });

function send(from: DataPlane, packet: Uint8Array, now = 0) {
  return { ...from.protect(packet, 0, packet.length, new Uint8Array(packet.length + 200), 0, now) };
}

function wire(from: DataPlane, packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(packet.length + 200);
  const { length } = from.protect(packet, 0, packet.length, out, 0, 1);
  return out.slice(0, length);
}

describe('acquire (RFC 4301 section 5.1, step 3b)', () => {
  it('asks once for what a packet needs, however many come, and again when nothing was made of it', () => {
    const a = plane([protect('e', HERE)]);
    for (let i = 0; i < 3; i++) {
      expect(send(a, packetTo('10.2.0.2'), 5)).toMatchObject({ reason: 'no_association', tunnelId: 't' });
    }
    send(a, packetTo('10.2.0.3'), 5);
    expect(a.acquires()).toEqual([
      {
        entryId: 'e',
        tunnelId: 't',
        selectors: [HERE],
        packet: {
          localAddress: parseAddress('10.1.0.1'),
          remoteAddress: parseAddress('10.2.0.2'),
          protocol: 17,
          localPort: 1000,
          remotePort: 2000,
        },
        dscp: 0,
        at: 5,
      },
    ]);
    send(a, packetTo('10.2.0.2'), 5 + HOLD_MILLISECONDS - 1);
    expect(a.acquires()).toEqual([]);
    send(a, packetTo('10.2.0.3'), 5 + HOLD_MILLISECONDS);
    expect(a.acquires()).toMatchObject([{ at: 5 + HOLD_MILLISECONDS }]);
    expect(drops(a)).toEqual({ no_association: 6 });
  });

  it('asks for each value of a populated field', () => {
    const a = plane([entry(['remoteAddress'])]);
    for (const to of ['10.2.0.2', '10.2.0.3', '10.2.0.2']) send(a, packetTo(to));
    expect(a.acquires().map(({ selectors }) => selectors)).toEqual([
      [{ ...HERE, remoteAddresses: host('10.2.0.2') }],
      [{ ...HERE, remoteAddresses: host('10.2.0.3') }],
    ]);
  });

  it('is settled by an association for its packet, and by no other', () => {
    const a = plane([entry(['remoteAddress'])]);
    send(a, packetTo('10.2.0.2'));
    send(a, packetTo('10.2.0.3'));
    a.install(association('outbound', { selectors: [{ ...HERE, remoteAddresses: host('10.2.0.2') }] }), 0);
    expect(a.acquires()).toMatchObject([{ packet: { remoteAddress: parseAddress('10.2.0.3') } }]);
    a.removeOutbound('t', 0x1000);
    send(a, packetTo('10.2.0.2'));
    send(a, packetTo('10.2.0.3'));
    expect(a.acquires()).toMatchObject([{ packet: { remoteAddress: parseAddress('10.2.0.2') } }]);
  });

  it('is forgotten with the policy that wanted it', () => {
    const a = plane([protect('e', HERE)]);
    send(a, packetTo('10.2.0.2'));
    a.installPolicy(createSecurityPolicyDatabase([protect('f', HERE, 'u')]));
    expect(a.acquires()).toEqual([]);
    send(a, packetTo('10.2.0.2'));
    expect(a.acquires()).toMatchObject([{ entryId: 'f', tunnelId: 'u' }]);
  });

  it('is bounded: what comes on top is counted, and heard when there is room again', () => {
    const a = plane([entry(['remoteAddress'])]);
    const to = (i: number) => packetTo(`10.2.${i >>> 8}.${i & 255}`);
    for (let i = 0; i < MAXIMUM_PENDING + 20; i++) send(a, to(i), i < 10 ? 0 : 1);
    send(a, to(3), 1);
    expect(a.acquires()).toHaveLength(MAXIMUM_PENDING);
    expect(a.acquireOverflow()).toBe(20n);
    for (let i = 0; i < 20; i++) send(a, to(MAXIMUM_PENDING + i), HOLD_MILLISECONDS);
    expect(a.acquires().map(({ packet }) => [...packet.remoteAddress])).toEqual(
      Array.from({ length: 10 }, (_, i) => [10, 2, (MAXIMUM_PENDING + i) >>> 8, (MAXIMUM_PENDING + i) & 255]),
    );
    expect(a.acquireOverflow()).toBe(30n);
    expect(drops(a)).toEqual({ no_association: MAXIMUM_PENDING + 41 });
  });

  it('does not ask for what a fragment does not show', () => {
    const of = selector(['10.1.0.0/16'], ['10.2.0.0/16'], { protocol: 17 });
    const later = packetTo('10.2.0.2', { fragment: 100 });
    const a = plane([entry(['remotePort'], of)]);
    expect(send(a, later)).toMatchObject({ verdict: 'held' });
    expect(a.acquires()).toEqual([]);
    const b = plane([entry(['remoteAddress'], of)]);
    expect(send(b, later).reason).toBe('no_association');
    expect(b.acquires()).toMatchObject([{ packet: { protocol: 17, localPort: 'opaque', remotePort: 'opaque' } }]);
  });
});

describe('associations with selectors of their own', () => {
  it('are not shared by packets that PFP sets apart', () => {
    const a = plane([entry(['remoteAddress'])]);
    a.install(association('outbound', { spi: 0x1000 }), 0);
    expect(send(a, packetTo('10.2.0.2')).reason).toBe('no_association');
    a.install(association('outbound', { spi: 0x2000, selectors: [{ ...HERE, remoteAddresses: host('10.2.0.2') }] }), 0);
    a.install(association('outbound', { spi: 0x3000, selectors: [{ ...HERE, remoteAddresses: host('10.2.0.3') }] }), 0);
    const spiTo = (to: string) => wire(a, packetTo(to))[2];
    expect([spiTo('10.2.0.2'), spiTo('10.2.0.3'), spiTo('10.2.0.2')]).toEqual([0x20, 0x30, 0x20]);
    expect(send(a, packetTo('10.2.0.4')).reason).toBe('no_association');
  });

  it('let nothing in that they were not negotiated for, whatever policy says (RFC 4301 section 5.2, step 4)', () => {
    const narrow = selector(['10.2.0.0/16'], ['10.1.0.1/32'], { protocol: 17, localPorts: [{ first: 53, last: 53 }] });
    const a = plane([protect('e', HERE)]);
    const b = plane([protect('e', selector(['10.2.0.0/16'], ['10.1.0.0/16']))]);
    a.install(association('outbound'), 0);
    b.install(association('inbound', { selectors: [narrow] }), 0);
    const open = (packet: Uint8Array) => {
      const sealed = wire(a, packet);
      return b.open(sealed, 0, sealed.length, new Uint8Array(300), 0, 1).reason;
    };
    const dns = udp(1000, 53, 24);
    expect(open(packetTo('10.2.0.2', { payload: dns }))).toBeUndefined();
    expect(open(packetTo('10.2.0.2', { payload: udp(1000, 54, 24) }))).toBe('selector_mismatch');
    expect(open(packetTo('10.2.0.2', { payload: dns, protocol: 6 }))).toBe('selector_mismatch');
    expect(open(packetTo('10.2.0.2', { payload: dns, fragment: 100 }))).toBe('fragment_without_ports');
    expect(open(ipPacket({ source: '10.1.0.9', destination: '10.2.0.2', payload: dns }))).toBe('selector_mismatch');
  });

  it('hold what is received to the remote message types', () => {
    const ping = { protocol: 1, localPorts: [icmpTypesAndCodes({ first: 8, last: 8 })] };
    const reply = { protocol: 1, remotePorts: [icmpTypesAndCodes({ first: 8, last: 8 })] };
    const a = plane([protect('e', HERE)]);
    const b = plane([protect('e', selector(['10.2.0.0/16'], ['10.1.0.0/16']))]);
    a.install(association('outbound', { selectors: [{ ...HERE, ...ping }] }), 0);
    b.install(association('inbound', { selectors: [selector(['10.2.0.0/16'], ['10.1.0.0/16'], reply)] }), 0);
    const request = packetTo('10.2.0.2', { protocol: 1, payload: Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1) });
    const sealed = wire(a, request);
    expect(b.open(sealed, 0, sealed.length, new Uint8Array(300), 0, 1).verdict).toBe('deliver');
    const other = packetTo('10.2.0.2', { protocol: 1, payload: Uint8Array.of(13, 0, 0, 0, 0, 1, 0, 1) });
    expect(send(a, other).reason).toBe('no_association');
  });

  it('keep counters of tunnel and entry over a rekey, and fall back to the predecessor', () => {
    const selectors = [{ ...HERE, remoteAddresses: host('10.2.0.2') }];
    const a = plane([protect('e', HERE)]);
    a.install(association('outbound', { spi: 0x1000, selectors }), 0);
    wire(a, packetTo('10.2.0.2'));
    a.install(association('outbound', { spi: 0x2000, selectors }), 0);
    expect(wire(a, packetTo('10.2.0.2'))[2]).toBe(0x20);
    expect(a.associations().map(({ spi, current, packets }) => [spi, current, packets])).toEqual([
      [0x1000, false, 1n],
      [0x2000, true, 1n],
    ]);
    expect(a.tunnels()).toMatchObject([{ outboundSpi: 0x2000, outboundPackets: 2n }]);
    expect(a.policies()).toMatchObject([{ packets: 2n }]);
    a.removeOutbound('t', 0x2000);
    expect(wire(a, packetTo('10.2.0.2'))[2]).toBe(0x10);
    a.removeOutbound('t', 0x1000);
    expect(send(a, packetTo('10.2.0.2')).reason).toBe('no_association');
    expect(a.tunnels()).toMatchObject([{ outboundSpi: undefined, outboundPackets: 3n }]);
  });

  it('are chosen by DSCP where they are set aside for it (RFC 4301 section 4.1)', () => {
    const a = plane([protect('e', HERE)]);
    a.install(association('outbound', { spi: 0x2000, dscpValues: [46] }), 0);
    a.install(association('outbound', { spi: 0x1000 }), 0);
    const marked = (dscp: number) => {
      const packet = packetTo('10.2.0.2');
      packet[1] = dscp << 2;
      return wire(a, packet)[2];
    };
    expect([marked(46), marked(0), marked(45)]).toEqual([0x20, 0x10, 0x10]);
    a.removeOutbound('t', 0x1000);
    expect([marked(46), marked(0)]).toEqual([0x20, undefined]);
    expect(a.acquires()).toMatchObject([{ dscp: 0 }]);
  });
});
