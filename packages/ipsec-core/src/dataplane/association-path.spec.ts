import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, plane, protect, selector, send } from '../../test/support/planes.js';
import { ASSOCIATION_MEMORY_OCTETS } from '../policy/association-memory.js';
import type {
  EspAssociationParameters,
  SecurityAssociationParameters,
} from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';
import { associationPath } from './association-path.js';

const outer = { local: parseAddress('2001:db8::a'), remote: parseAddress('2001:db8::b') };
const cbc = {
  suite: 'aes-cbc',
  keyBits: 128,
  integrity: 'hmac-sha2-512-256',
  keyingMaterial: new Uint8Array(80),
} as const;
const AH_SUITES = [
  { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) },
  { protocol: 'ah', integrity: 'aes-gmac', keyBits: 128, keyingMaterial: new Uint8Array(20) },
  { protocol: 'ah', integrity: 'hmac-sha2-512-256', keyingMaterial: new Uint8Array(64) },
] as const;
const clear = (length: number, [source, destination]: readonly [string, string] = ['10.1.0.1', '10.2.0.2']) => {
  const header = source.includes(':') ? 40 : 20;
  return ipPacket({ source, destination, fragment: 0x4000, payload: udp(1, 2, length - header) });
};

function parametersOf(form: 'udp4' | 'udp6' | 'ip6', mtu: number, more: object): EspAssociationParameters {
  const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
  if (form === 'ip6') return association('outbound', { outer, pathMtu: { mtu }, memory, ...more });
  const underlay = { family: form === 'udp4' ? 4 : 6, udp: true } as const;
  return association('outbound', { pathMtu: { mtu, underlay }, memory, ...more });
}

describe('the arithmetic of an association’s path', () => {
  it('adds up to the path MTU, and its largest packet is the largest that the engine protects whole', () => {
    const forms = fc.constantFrom('udp4' as const, 'udp6' as const, 'ip6' as const);
    fc.assert(
      fc.property(forms, fc.constantFrom({}, cbc), fc.integer({ min: 1400, max: 1600 }), (form, more, mtu) => {
        const parameters = parametersOf(form, mtu, more);
        const a = plane([protect('e', selector([], []))]);
        a.install({ ...parameters, keyingMaterial: parameters.keyingMaterial.slice() }, 0);
        const path = associationPath(parameters, 1);
        if (path === undefined) throw new Error('there is a path MTU');
        const { outerIpHeader, udpHeader, espOverhead, largestPacket, unused } = path;
        expect(outerIpHeader + udpHeader + espOverhead + largestPacket + unused).toBe(mtu);
        expect([unused >= 0, unused < 16]).toEqual([true, true]);
        expect([path.maximumSegmentSize4, path.maximumSegmentSize6]).toEqual([largestPacket - 40, largestPacket - 60]);
        expect(send(a, clear(largestPacket)).reasons).toEqual([]);
        expect(send(a, clear(largestPacket + 1)).reasons).toEqual(['exceeds_path_mtu']);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['10.1.0.1', '10.2.0.2'],
    ['2001:db8::1', '2001:db8::2'],
  ] as const)(
    'adds up for AH, and in transport mode, where a packet keeps its header: between %s and %s',
    (...addresses) => {
      const [local = new Uint8Array(), remote = new Uint8Array()] = addresses.map(parseAddress);
      const header = local.length === 4 ? 20 : 40;
      const modes = fc.constantFrom(
        { mode: 'tunnel', outer: { local, remote } } as const,
        {
          mode: 'transport',
          between: { local, remote },
        } as const,
      );
      fc.assert(
        fc.property(
          modes,
          fc.constantFrom({}, cbc, ...AH_SUITES),
          fc.integer({ min: 1400, max: 1600 }),
          (mode, suite, mtu) => {
            const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
            const made = association('outbound', { pathMtu: { mtu }, memory });
            const parameters = { ...made, ...suite, ...mode } as SecurityAssociationParameters;
            const a = plane([protect('e', selector([], []))]);
            a.install({ ...parameters, keyingMaterial: parameters.keyingMaterial.slice() }, 0);
            const path = associationPath(parameters, 1);
            if (path === undefined) throw new Error('there is a path MTU');
            const { outerIpHeader, udpHeader, espOverhead, largestPacket, unused } = path;
            expect(outerIpHeader + udpHeader + espOverhead + largestPacket + unused).toBe(mtu);
            expect([outerIpHeader, udpHeader]).toEqual([mode.mode === 'tunnel' ? header : 0, 0]);
            expect([unused >= 0, unused < 16]).toEqual([true, true]);
            expect(send(a, clear(largestPacket, addresses)).reasons).toEqual([]);
            expect(send(a, clear(largestPacket + 1, addresses)).reasons).toEqual(['exceeds_path_mtu']);
          },
        ),
        { numRuns: 80 },
      );
    },
  );

  it('follows what an engine with the same memory has learned', () => {
    const parameters = parametersOf('udp4', 1500, {});
    const a = plane([protect('e', selector([], []))]);
    a.install({ ...parameters, keyingMaterial: parameters.keyingMaterial.slice() }, 0);
    expect(associationPath(parameters, 1)).toMatchObject({ pathMtu: 1500, source: 'configured', raiseAt: undefined });
    const [sent = new Uint8Array()] = send(a, clear(1400)).packets;
    a.receiveSocketError(sent, 0, 8, 1300, 1);
    expect(associationPath(parameters, 1)).toMatchObject({ pathMtu: 1300, source: 'icmp', raiseAt: 600_001 });
  });

  it('is left out where it depends on the packet, or nothing is known', () => {
    const pathMtu = { mtu: 1500 };
    for (const more of [{ mode: 'transport', pathMtu }, { outer, pathMtu, bundledWith: 'u' }, { outer }] as const) {
      expect(associationPath(association('outbound', more), 0)).toBeUndefined();
    }
  });
});
