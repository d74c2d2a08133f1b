import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { SecurityAssociationParameters, TravelParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';

const everything = [protect('e', selector([], []))];
const packet = () => ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 40) });
const BEFORE = { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
const AFTER = { local: parseAddress('198.51.100.1'), remote: parseAddress('198.51.100.2') };
const MTU = { mtu: 1500 };

function ah(direction: 'inbound' | 'outbound'): SecurityAssociationParameters {
  return {
    direction,
    tunnelId: 't',
    spi: 0x1000,
    protocol: 'ah',
    mode: 'tunnel',
    integrity: 'hmac-sha2-256-128',
    keyingMaterial: new Uint8Array(32).fill(1),
    extendedSequenceNumbers: true,
    replayWindow: 64,
    softLifetimeMilliseconds: 1_000_000,
    hardLifetimeMilliseconds: 1_000_000,
    outer: BEFORE,
  };
}

describe('An association whose outer addresses change (RFC 4555 section 3.5)', () => {
  it.each([
    ['ESP', association('outbound', { outer: BEFORE, pathMtu: MTU }), association('inbound', { outer: BEFORE })],
    ['AH', { ...ah('outbound'), pathMtu: MTU }, ah('inbound')],
  ] as const)('%s: goes on with its key, sequence number, replay window and counters', (_protocol, out, back) => {
    const [a, b] = [plane(everything), plane(everything)];
    a.install({ ...out, keyingMaterial: out.keyingMaterial.slice() }, 0);
    b.install({ ...back, keyingMaterial: back.keyingMaterial.slice() }, 0);
    const sent: Uint8Array[] = [];
    const send = () => {
      const wire = new Uint8Array(400);
      const clear = packet();
      sent.push(wire.subarray(0, a.protect(clear, 0, clear.length, wire, 0, 1).length));
    };
    const receive = (wire: Uint8Array = new Uint8Array(0)) =>
      b.openIp(wire, 0, wire.length, new Uint8Array(400), 0, 1).verdict;
    for (let count = 0; count < 3; count++) send();
    expect(sent.map(receive)).toEqual(['deliver', 'deliver', 'deliver']);
    const before = a.associations(1);
    expect(a.moveOutbound('t', 0x1000, { outer: AFTER, pathMtu: MTU })).toBe(true);
    expect(a.associations(1)).toEqual(before);
    send();
    expect([...(sent[3]?.subarray(12, 20) ?? [])]).toEqual([...AFTER.local, ...AFTER.remote]);
    expect(receive(sent[3])).toBe('deliver');
    expect([receive(sent[0]), receive(sent[3])]).toEqual(['discard', 'discard']);
    expect(drops(b)).toEqual({ replayed: 2 });
    expect(a.associations(1)).toMatchObject([{ packets: 4n }]);
    expect(b.associations(1)).toMatchObject([{ packets: 4n }]);
  });

  it('knows nothing of its new path', () => {
    const a = plane(everything);
    a.install(association('outbound', { outer: BEFORE, pathMtu: MTU }), 0);
    const large = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 1400) });
    const wire = new Uint8Array(1500);
    const { length } = a.protect(large, 0, large.length, wire, 0, 1);
    expect(a.receiveQuotedPacket(wire, 0, length, 1300, 1)).toBe('path_mtu_lowered');
    expect(a.associations(1)).toMatchObject([{ pathMtu: 1300 }]);
    a.moveOutbound('t', 0x1000, { outer: AFTER, pathMtu: MTU });
    expect(a.associations(1)).toMatchObject([{ pathMtu: 1500 }]);
  });

  it('goes by the socket of its owner where there is a NAT on its new path, and by itself again where there is none', () => {
    const [a, b] = [plane(everything), plane(everything)];
    a.install(association('outbound', { outer: BEFORE, pathMtu: MTU }), 0);
    b.install(association('inbound', { outer: BEFORE }), 0);
    const byItself = { outer: AFTER, pathMtu: MTU };
    const bySocket = { pathMtu: { ...MTU, underlay: { family: 4, udp: true } } } as const;
    const clear = packet();
    const wire = new Uint8Array(400);
    const cleared = new Uint8Array(400);
    for (const [travel, sequence] of [
      [bySocket, 1],
      [byItself, 2],
      [bySocket, 3],
    ] as const) {
      a.moveOutbound('t', 0x1000, travel);
      const { length } = a.protect(clear, 0, clear.length, wire, 0, 1);
      const esp = 'outer' in travel ? 20 : 0;
      expect(new DataView(wire.buffer).getUint32(esp)).toBe(0x1000);
      expect(new DataView(wire.buffer).getUint32(esp + 4)).toBe(sequence);
      const opened = esp > 0 ? b.openIp(wire, 0, length, cleared, 0, 1) : b.open(wire, 0, length, cleared, 0, 1);
      expect(opened.verdict).toBe('deliver');
      expect(a.associations(1)).toMatchObject([{ packets: BigInt(sequence), pathMtu: 1500 }]);
    }
  });

  it('keeps its family, and is refused as a whole what it cannot be; one that is not there is said to be not there', () => {
    const a = plane(everything);
    a.install(association('outbound', { outer: BEFORE }), 0);
    const [six, half] = [
      { local: new Uint8Array(16), remote: new Uint8Array(16) },
      { local: new Uint8Array(4), remote: new Uint8Array(16) },
    ];
    const refused = (travel: TravelParameters, code: string) =>
      expect(() => a.moveOutbound('t', 0x1000, travel)).toThrow(expect.objectContaining({ code }));
    refused({ outer: six }, 'ADDRESS_FAMILY');
    refused({ outer: half }, 'ADDRESS_FAMILY');
    refused({ outer: AFTER, pathMtu: { ...MTU, underlay: { family: 4, udp: true } } }, 'PATH_MTU');
    const clear = packet();
    const wire = new Uint8Array(400);
    a.protect(clear, 0, clear.length, wire, 0, 1);
    expect([...wire.subarray(12, 20)]).toEqual([...BEFORE.local, ...BEFORE.remote]);
    expect(a.moveOutbound('t', 0x1001, { outer: AFTER })).toBe(false);
    expect(a.moveOutbound('u', 0x1000, { outer: AFTER })).toBe(false);
    const b = plane(everything);
    b.install(ah('outbound'), 0);
    expect(() => b.moveOutbound('t', 0x1000, {})).toThrow(expect.objectContaining({ code: 'MODE' }));
  });
});
