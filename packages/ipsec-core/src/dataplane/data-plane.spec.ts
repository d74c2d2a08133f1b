import { createHash, randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { EspAssociationParameters } from '../policy/security-association-parameters.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import type { TrafficSelector } from '../policy/selector.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import { parsePrefix } from '../wire/ip/address.js';
import { createDataPlane, type DataPlane } from './data-plane.js';

const KEY = Uint8Array.from(createHash('sha512').update('key').digest());
const HOUR = 3_600_000;

const prefixes = (list: readonly string[]) => list.map((text) => parsePrefix(text).range);
const selector = (local: readonly string[], remote: readonly string[], rest: Partial<TrafficSelector> = {}) => ({
  localAddresses: prefixes(local),
  remoteAddresses: prefixes(remote),
  protocol: 'any' as const,
  localPorts: [],
  remotePorts: [],
  ...rest,
});
const protect = (entryId: string, value: TrafficSelector, tunnelId = 't'): SecurityPolicy => ({
  entryId,
  ruleId: 'rule',
  selectors: [value],
  action: 'PROTECT',
  tunnelId,
});

function association(
  direction: 'inbound' | 'outbound',
  more: Partial<EspAssociationParameters> = {},
): EspAssociationParameters {
  return {
    direction,
    tunnelId: 't',
    spi: 0x1000,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 256,
    keyingMaterial: KEY.slice(0, 36),
    extendedSequenceNumbers: true,
    replayWindow: 64,
    softLifetimeMilliseconds: HOUR,
    hardLifetimeMilliseconds: 2 * HOUR,
    ...more,
  };
}

function plane(policies: readonly SecurityPolicy[]): DataPlane {
  const made = createDataPlane({ provider: nobleProvider, random: (out) => void randomFillSync(out) });
  made.installPolicy(createSecurityPolicyDatabase(policies));
  return made;
}

/** Two edges, A with 10.1/16 and 2001:db8:1::/48, B with 2 instead of 1. */
function pair(more: Partial<EspAssociationParameters> = {}): { a: DataPlane; b: DataPlane } {
  const A = ['10.1.0.0/16', '2001:db8:1::/48'];
  const B = ['10.2.0.0/16', '2001:db8:2::/48'];
  const a = plane([protect('e', selector(A, B))]);
  const b = plane([protect('e', selector(B, A))]);
  a.install(association('outbound', more), 0);
  b.install(association('inbound', more), 0);
  return { a, b };
}

const drops = (of: DataPlane): Partial<Record<DropReason, bigint>> =>
  Object.fromEntries(of.drops().flatMap(({ reason, packets }) => (packets > 0n ? [[reason, packets]] : [])));

function seal(from: DataPlane, packet: Uint8Array, now = 1): Uint8Array {
  const out = new Uint8Array(packet.length + 200);
  const { verdict, length, reason } = from.protect(packet, 0, packet.length, out, 0, now);
  if (verdict !== 'transmit') throw new Error(`not sent: ${verdict} ${String(reason)}`);
  return out.slice(0, length);
}

const V4 = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2' });
const V6 = ipPacket({ source: '2001:db8:1::1', destination: '2001:db8:2::2' });

describe('data plane', () => {
  it.each([
    ['AES-128', { keyBits: 128, keyingMaterial: KEY.slice(0, 20) } as const],
    ['AES-192', { keyBits: 192, keyingMaterial: KEY.slice(0, 28) } as const],
    ['AES-256', {}],
    ['without ESN', { extendedSequenceNumbers: false }],
  ])('carries IPv4 and IPv6 packets of every length through a tunnel, %s', (_, more) => {
    const { a, b } = pair(more);
    for (let payload = 4; payload < 60; payload++) {
      for (const [source, destination] of [
        ['10.1.0.1', '10.2.0.2'],
        ['2001:db8:1::1', '2001:db8:2::2'],
      ] as const) {
        const packet = ipPacket({ source, destination, payload: udp(7, 9, payload + 4) });
        const sealed = seal(a, packet);
        const out = new Uint8Array(sealed.length + 7);
        const result = b.open(sealed, 0, sealed.length, out, 7, 2);
        expect({ ...result }).toEqual({ verdict: 'deliver', tunnelId: 't', length: packet.length, reason: undefined });
        expect(out.slice(7, 7 + packet.length)).toEqual(packet);
      }
    }
    expect(drops(a)).toEqual({});
    expect(drops(b)).toEqual({});
    const [sent] = a.tunnels();
    const [received] = b.tunnels();
    expect(sent?.outboundPackets).toBe(112n);
    expect(received?.inboundBytes).toBe(sent?.outboundBytes);
    expect(a.policies()[0]?.packets).toBe(112n);
  });

  it('works in one buffer, whatever the offsets', () => {
    const { a, b } = pair();
    for (const [packetAt, espAt, clearAt] of [
      [16, 0, 0],
      [0, 0, 300],
      [100, 60, 60],
      [40, 90, 89],
    ] as const) {
      const arena = new Uint8Array(600);
      arena.set(V4, packetAt);
      const { length } = a.protect(arena, packetAt, V4.length, arena, espAt, 1);
      const opened = b.open(arena, espAt, length, arena, clearAt, 1);
      expect(opened.verdict).toBe('deliver');
      expect(arena.slice(clearAt, clearAt + V4.length)).toEqual(V4);
    }
  });

  it('numbers packets from 1 and never uses an IV twice', () => {
    const { a } = pair();
    const ivs = [1, 2, 3].map(() => [...seal(a, V4).slice(0, 16)]);
    expect(ivs).toEqual([1, 2, 3].map((n) => [0, 0, 16, 0, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, n]));
  });

  it('discards by default, and as policy says', () => {
    const a = plane([
      {
        entryId: 'ssh',
        ruleId: 'r',
        selectors: [selector([], [], { protocol: 6, remotePorts: [{ first: 22, last: 22 }] })],
        action: 'BYPASS',
      },
      { entryId: 'udp', ruleId: 'r', selectors: [selector([], [], { protocol: 17 })], action: 'DISCARD' },
      protect('icmp', selector([], [], { protocol: 1 })),
    ]);
    const send = (protocol: number, payload = udp(1, 22, 8)) => ({
      ...a.protect(
        ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', protocol, payload }),
        0,
        28,
        new Uint8Array(200),
        0,
        0,
      ),
    });
    expect(send(6)).toMatchObject({ verdict: 'bypass', length: 28 });
    expect(send(6, udp(1, 23, 8))).toMatchObject({ verdict: 'discard', reason: 'no_policy' });
    expect(send(17)).toMatchObject({ verdict: 'discard', reason: 'spd_discard' });
    expect(send(1)).toMatchObject({ verdict: 'discard', reason: 'no_association', tunnelId: 't' });
    expect(a.policies().map(({ packets }) => packets)).toEqual([1n, 1n, 1n]);
  });

  it('does not let a later fragment fall through a policy with ports', () => {
    const tcp = selector([], [], { protocol: 6, remotePorts: [{ first: 443, last: 443 }] });
    const rest: SecurityPolicy = { entryId: 'rest', ruleId: 'r', selectors: [selector([], [])], action: 'BYPASS' };
    const a = plane([protect('https', tcp), rest]);
    const later = { source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 443, 24), fragment: 100 };
    const send = (protocol: number) => {
      const packet = ipPacket({ ...later, protocol });
      return { ...a.protect(packet, 0, packet.length, new Uint8Array(200), 0, 0) };
    };
    expect(send(6)).toMatchObject({ verdict: 'held', length: 0 });
    expect(send(17)).toMatchObject({ verdict: 'bypass' });
  });

  it('refuses replayed, late and forged packets, each with its own counter', () => {
    // With ESN a late number reads as one of the next subspace and fails integrity instead.
    const { a, b } = pair({ extendedSequenceNumbers: false });
    const sealed = Array.from({ length: 70 }, () => seal(a, V4));
    const open = (packet: Uint8Array) => ({ ...b.open(packet, 0, packet.length, new Uint8Array(200), 0, 1) });
    const forged = (sealed[69] ?? V4).slice();
    forged[30] = (forged[30] ?? 0) ^ 1;
    expect(open(forged)).toMatchObject({ reason: 'integrity_failed' });
    // A forged packet must not have moved the window (RFC 4303 section 3.4.3).
    expect(open(sealed[0] ?? V4)).toMatchObject({ verdict: 'deliver' });
    expect(open(sealed[69] ?? V4)).toMatchObject({ verdict: 'deliver' });
    expect(open(sealed[69] ?? V4)).toMatchObject({ reason: 'replayed' });
    expect(open(sealed[1] ?? V4)).toMatchObject({ reason: 'replay_late' });
    expect(open(sealed[6] ?? V4)).toMatchObject({ verdict: 'deliver' });
    expect(drops(b)).toEqual({ integrity_failed: 1n, replayed: 1n, replay_late: 1n });
  });

  it('lets nothing out of a tunnel that policy would not send into it', () => {
    const { a, b } = pair();
    const sealed = seal(a, V4);
    const reverse = ['10.2.0.0/16'];
    b.installPolicy(
      createSecurityPolicyDatabase([
        protect('e', selector(reverse, ['10.1.9.0/24'])),
        protect('other', selector(reverse, ['10.1.0.0/16']), 'u'),
      ]),
    );
    expect(b.open(sealed, 0, sealed.length, new Uint8Array(200), 0, 1).reason).toBe('selector_mismatch');
  });

  it('says unknown_spi, malformed_esp and buffer_too_small', () => {
    const { a, b } = pair();
    const sealed = seal(a, V4);
    const open = (packet: Uint8Array, out = 200) => b.open(packet, 0, packet.length, new Uint8Array(out), 0, 1).reason;
    expect(open(new Uint8Array(7))).toBe('malformed_esp');
    expect(open(new Uint8Array(40))).toBe('unknown_spi');
    expect(open(sealed.slice(0, 33))).toBe('malformed_esp');
    expect(open(sealed.slice(0, -1))).toBe('malformed_esp');
    expect(open(sealed, 20)).toBe('buffer_too_small');
    expect(a.protect(V4, 0, V4.length, new Uint8Array(V4.length + 20), 0, 1).reason).toBe('buffer_too_small');
    expect(a.protect(V4.slice(0, 25), 0, 25, new Uint8Array(100), 0, 1).reason).toBe('malformed_packet');
  });

  it('switches to the new association and keeps counters over a rekey', () => {
    const { a, b } = pair();
    const first = seal(a, V4);
    const next = { spi: 0x2000, keyingMaterial: KEY.slice(10, 46) };
    b.install(association('inbound', next), 10);
    a.install(association('outbound', next), 10);
    const second = seal(a, V6);
    expect([first[2], second[2]]).toEqual([0x10, 0x20]);
    for (const packet of [second, first]) {
      expect(b.open(packet, 0, packet.length, new Uint8Array(200), 0, 11).verdict).toBe('deliver');
    }
    expect(a.associations().map(({ spi, current }) => [spi, current])).toEqual([
      [0x1000, false],
      [0x2000, true],
    ]);
    expect(a.removeOutbound('t', 0x1000)).toBe(true);
    expect(a.removeOutbound('t', 0x1000)).toBe(false);
    expect(b.removeInbound(0x1000)).toBe(true);
    expect(b.removeInbound(0x1000)).toBe(false);
    expect(a.tunnels()).toMatchObject([{ outboundSpi: 0x2000, outboundPackets: 2n }]);
    expect(b.tunnels()).toMatchObject([{ inboundSpis: [0x2000], inboundPackets: 2n, lastReceivedAt: 11 }]);
    expect(b.open(first, 0, first.length, new Uint8Array(200), 0, 11).reason).toBe('unknown_spi');
  });

  it('falls back to the predecessor when the new outbound association is removed', () => {
    const { a } = pair();
    a.install(association('outbound', { spi: 0x2000 }), 10);
    a.removeOutbound('t', 0x2000);
    expect(seal(a, V4)[2]).toBe(0x10);
  });

  it('reports each lifetime once and ends what is over', () => {
    const { a, b } = pair();
    const sealed = seal(a, V4);
    expect(a.expire(HOUR - 1)).toEqual([]);
    expect(a.expire(HOUR)).toEqual([{ kind: 'soft', direction: 'outbound', tunnelId: 't', spi: 0x1000 }]);
    expect(a.expire(HOUR)).toEqual([]);
    expect(seal(a, V4, 2 * HOUR - 1)).toBeDefined();
    expect(a.protect(V4, 0, V4.length, new Uint8Array(200), 0, 2 * HOUR).reason).toBe('association_expired');
    expect(b.open(sealed, 0, sealed.length, new Uint8Array(200), 0, 2 * HOUR).reason).toBe('association_expired');
    expect(a.expire(2 * HOUR)).toEqual([{ kind: 'hard', direction: 'outbound', tunnelId: 't', spi: 0x1000 }]);
    expect(a.associations()).toEqual([]);
    expect(a.protect(V4, 0, V4.length, new Uint8Array(200), 0, 2 * HOUR).reason).toBe('no_association');
  });

  it('keeps the counter of an entry that keeps its id, and touches no association, when policy is replaced', () => {
    const { a } = pair();
    seal(a, V4);
    const wider = protect('e', selector(['10.0.0.0/8'], ['10.0.0.0/8']));
    a.installPolicy(createSecurityPolicyDatabase([protect('new', selector(['192.0.2.0/24'], []), 'u'), wider]));
    expect(seal(a, V4)[7]).toBe(2);
    expect(a.policies().map(({ entryId, packets }) => [entryId, packets])).toEqual([
      ['new', 0n],
      ['e', 2n],
    ]);
  });

  it.each([
    ['SPI_RESERVED', { spi: 255 }],
    ['SPI_RESERVED', { spi: 2 ** 32 }],
    ['KEY_LENGTH', { keyBits: 512 }],
    ['KEYING_MATERIAL_LENGTH', { keyingMaterial: KEY.slice(0, 32) }],
    ['REPLAY_WINDOW', { replayWindow: 0 }],
    ['LIFETIME', { softLifetimeMilliseconds: 3 * HOUR }],
    ['SPI_IN_USE', { spi: 0x1000 }],
    ['MODE', { between: { local: new Uint8Array(4), remote: new Uint8Array(4) } }],
    ['ADDRESS_FAMILY', { mode: 'transport', between: { local: new Uint8Array(4), remote: new Uint8Array(16) } }],
    ['INTEGRITY_REQUIRED', { suite: 'aes-cbc', keyBits: 128, keyingMaterial: KEY.slice(0, 16) }],
    ['INTEGRITY_NOT_ALLOWED', { integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(68) }],
  ] as const)('refuses an association with %s and changes nothing', (code, more) => {
    const { b } = pair();
    const before = b.associations();
    const parameters = association('inbound', { spi: 0x3000, ...(more as Partial<EspAssociationParameters>) });
    const install = () => b.install(parameters, 0);
    expect(install).toThrowError(expect.objectContaining({ code }));
    expect(b.associations()).toEqual(before);
  });

  it('never throws and never delivers what was not sealed, whatever arrives', () => {
    const { a, b } = pair();
    const original = seal(a, V4);
    const out = new Uint8Array(4096);
    const mutation = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .tuple(fc.nat({ max: original.length - 1 }), fc.integer({ min: 1, max: 255 }))
        .map(([at, bits]) => original.map((octet, i) => (i === at ? octet ^ bits : octet))),
      fc.nat({ max: original.length - 1 }).map((length) => original.slice(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((tail) => Uint8Array.from([...original, ...tail])),
    );
    let tried = 0n;
    fc.assert(
      fc.property(mutation, (packet) => {
        tried++;
        expect(b.open(packet, 0, packet.length, out, 0, 1).verdict).toBe('discard');
      }),
      { numRuns: 5000 },
    );
    expect(b.drops().reduce((sum, { packets }) => sum + packets, 0n)).toBe(tried);
    expect(b.open(original, 0, original.length, out, 0, 1).verdict).toBe('deliver');
  });

  it('never throws and stays inside the packet, whatever is to be sent', () => {
    const a = plane([{ entryId: 'all', ruleId: 'r', selectors: [selector([], [])], action: 'BYPASS' }]);
    const seeds = [
      V4,
      V6,
      ipPacket({
        source: '::1',
        destination: '::2',
        protocol: 0,
        payload: Uint8Array.of(44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2),
      }),
    ];
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 4 }),
        fc.nat({ max: 60 }),
      )
      .map(([seed, changes, length]) => {
        const packet = seed.slice(0, length);
        for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
        return packet;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 80 })), (packet) => {
        const result = a.protect(packet, 0, packet.length, new Uint8Array(0), 0, 0);
        expect(result.length).toBeLessThanOrEqual(packet.length);
        expect(['bypass', 'discard']).toContain(result.verdict);
      }),
      { numRuns: 5000 },
    );
  });
});
