import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, receive, selector, send } from '../../test/support/planes.js';
import { ASSOCIATION_MEMORY_OCTETS } from '../policy/association-memory.js';
import { POLICY_COUNTERS, TUNNEL_COUNTERS } from '../policy/counter-memory.js';
import { DROP_REASONS } from '../policy/drop-reason.js';
import type { EspAssociationParameters } from '../policy/security-association-parameters.js';

const A = ['10.1.0.0/16'];
const B = ['10.2.0.0/16'];
const PACKET = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(7, 9, 40) });

function engine(direction: 'inbound' | 'outbound', more: Partial<EspAssociationParameters>, now = 0) {
  const policy = direction === 'outbound' ? selector(A, B) : selector(B, A);
  const made = plane([protect('e', policy)]);
  made.install(association(direction, more), now);
  return made;
}

describe('an association that another engine takes over', () => {
  it.each([
    ['AES-GCM', {}],
    ['AES-GCM without extended sequence numbers', { extendedSequenceNumbers: false }],
    [
      'ChaCha20-Poly1305',
      { suite: 'chacha20-poly1305', keyBits: 256, keyingMaterial: new Uint8Array(36).fill(3) } as const,
    ],
  ])('%s: no IV comes twice, and the peer takes every packet, whenever its engines end', (_, more) => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }), (lives) => {
        const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
        const peer = engine('inbound', more);
        const sent = lives.flatMap((packets) => {
          const sender = engine('outbound', { ...more, memory });
          return Array.from({ length: packets }, () => send(sender, PACKET).packets[0] ?? new Uint8Array());
        });
        // The explicit IV follows SPI and sequence number (RFC 4106 section 3, RFC 7634 section 2).
        expect(new Set(sent.map((esp) => Buffer.from(esp.subarray(8, 16)).toString('hex'))).size).toBe(sent.length);
        expect(receive(peer, sent, false)).toEqual({ packets: sent.map(() => PACKET), reasons: [] });
      }),
      { numRuns: 25 },
    );
  });

  it('takes no packet again that an engine before has delivered, and every later one', () => {
    const sender = engine('outbound', {});
    const sent = Array.from({ length: 20 }, () => send(sender, PACKET).packets[0] ?? new Uint8Array());
    for (let end = 1; end < sent.length; end++) {
      const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
      expect(receive(engine('inbound', { memory }), sent.slice(0, end), false).reasons).toEqual([]);
      const successor = engine('inbound', { memory });
      expect(new Set(receive(successor, sent.slice(0, end), false).reasons)).toEqual(new Set(['replayed']));
      expect(receive(successor, sent.slice(end), false).reasons).toEqual([]);
      expect(drops(successor)).toEqual({ replayed: end });
    }
  });

  it('grows no older by it: lifetimes in time and in packets go on', () => {
    const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
    const more = { memory, softLifetimeMilliseconds: 50, hardLifetimeMilliseconds: 100, hardPackets: 5 };
    const first = engine('outbound', more, 1000);
    for (let i = 0; i < 3; i++) send(first, PACKET, 1010);
    const second = engine('outbound', more, 1050);
    expect(second.associations()[0]).toMatchObject({ packets: 3n, installedAt: 1000, lastUsedAt: 1010 });
    expect(second.associations()[0]?.hardExpiresAt).toBe(1100);
    const verdicts = [0, 1, 2].flatMap(() => send(second, PACKET, 1060).verdicts);
    expect(verdicts).toEqual(['transmit', 'transmit', 'discard']);
    expect(engine('outbound', more, 1099).expire(1100)).toMatchObject([{ kind: 'hard' }]);
  });

  it('has its counters go on when the caller keeps them', () => {
    const arrays = { tunnel: new Float64Array(TUNNEL_COUNTERS), policy: new Float64Array(POLICY_COUNTERS) };
    const counters = {
      tunnel: () => arrays.tunnel,
      policy: () => arrays.policy,
      drops: new Float64Array(DROP_REASONS.length),
    };
    const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
    for (let life = 0; life < 2; life++) {
      const made = plane([protect('e', selector(A, B))], { counters });
      send(made, ipPacket({ source: '10.3.0.1', destination: '10.2.0.2' }));
      made.install(association('outbound', { memory }), 0);
      send(made, PACKET, 7 + life);
    }
    const last = plane([protect('e', selector(A, B))], { counters });
    expect(last.tunnels()).toMatchObject([{ outboundPackets: 2n, lastSentAt: 8, lastReceivedAt: undefined }]);
    expect(last.policies()).toMatchObject([{ packets: 2n, bytes: BigInt(2 * PACKET.length) }]);
    expect(drops(last)).toEqual({ no_policy: 2 });
  });
});
