import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { association, plane, protect, receive, selector, send } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import type { DataPlane } from './data-plane.js';

const NET_A = ['10.1.0.0/16', '2001:db8:1::/48'];
const NET_B = ['10.2.0.0/16', '2001:db8:2::/48'];
const udpTo = (port: number) => ({ protocol: 17, remotePorts: [{ first: port, last: port }] });

describe('fragments that leave a tunnel (RFC 4301 section 7.3)', () => {
  const answer = (port = 53, six = false) =>
    ipPacket({
      source: six ? '2001:db8:2::2' : '10.2.0.2',
      destination: six ? '2001:db8:1::1' : '10.1.0.1',
      payload: udp(port, 4000, 400),
    });
  /** B sends whatever it likes; A allows what comes from port 53. */
  const edges = (nonFirstFragmentsAlso: boolean) => {
    const a = plane([protect('e', selector(NET_A, NET_B, udpTo(53)))]);
    const b = plane([protect('e', selector([], []))]);
    a.install(association('inbound', { nonFirstFragmentsAlso }), 0);
    b.install(association('outbound'), 0);
    return { a, b };
  };
  const through = ({ a, b }: { a: DataPlane; b: DataPlane }, pieces: readonly Uint8Array[], now = 1) =>
    receive(
      a,
      pieces.flatMap((piece) => send(b, piece, now).packets),
      false,
      now,
    );

  it('pass behind a first one that policy allows, for 30 seconds, over the same association', () => {
    for (const six of [false, true]) {
      const pieces = fragmentsOf(answer(53, six), 9, 128, 128);
      const planes = edges(true);
      expect(through(planes, pieces)).toEqual({ packets: pieces, reasons: [] });
      // A duplicate of a later one does no harm.
      expect(through(planes, pieces.slice(1)).packets).toEqual(pieces.slice(1));
      expect(planes.a.policies()[0]?.inboundPackets).toBe(BigInt(2 * pieces.length - 1));
      const late = edges(true);
      through(late, pieces.slice(0, 1), 1);
      expect(through(late, pieces.slice(1, 2), 30_000).reasons).toEqual([]);
      expect(through(late, pieces.slice(1, 2), 30_001).reasons).toEqual(['fragment_without_ports']);
    }
  });

  it.each([
    ['that were not negotiated', 53, false, (pieces: Uint8Array[]) => pieces.slice(1)],
    ['behind a first one that policy refuses', 54, true, (pieces: Uint8Array[]) => pieces],
    ['before the first one', 53, true, (pieces: Uint8Array[]) => pieces.slice(1)],
  ])('are refused %s', (_, port, negotiated, choose) => {
    const chosen = choose(fragmentsOf(answer(port), 9, 128, 128));
    const { packets, reasons } = through(edges(negotiated), chosen);
    expect(packets).toEqual([]);
    expect(reasons.every((reason) => ['fragment_without_ports', 'selector_mismatch'].includes(reason))).toBe(true);
  });

  it('are refused when they reach into what the first one showed', () => {
    const [first, second] = fragmentsOf(answer(), 9, 128, 128);
    for (const units of [1, 8, 15]) {
      const overlapping = (second ?? new Uint8Array()).slice();
      overlapping[7] = units;
      const { reasons } = through(edges(true), [first ?? new Uint8Array(), overlapping]);
      expect(reasons).toEqual(['fragment_overlap']);
    }
  });

  it('are refused that belong to another packet, and forgotten with the policy', () => {
    const planes = edges(true);
    const [first, second] = fragmentsOf(answer(), 9, 128, 128);
    const [, other] = fragmentsOf(answer(), 10, 128, 128);
    expect(through(planes, [first ?? new Uint8Array(), other ?? new Uint8Array()]).reasons).toEqual([
      'fragment_without_ports',
    ]);
    const database = [protect('e', selector(NET_A, NET_B, udpTo(53)))];
    planes.a.installPolicy(createSecurityPolicyDatabase(database));
    expect(through(planes, [second ?? new Uint8Array()]).reasons).toEqual(['fragment_without_ports']);
  });

  it('must not begin below 128 octets where an entry is for fragments alone (section 7.2)', () => {
    const opaque = { protocol: 17, localPorts: 'opaque', remotePorts: 'opaque' } as const;
    const a = plane([protect('fragments', selector(NET_A, NET_B, opaque))]);
    const b = plane([protect('e', selector([], []))]);
    a.install(association('inbound'), 0);
    b.install(association('outbound'), 0);
    const [, second] = fragmentsOf(answer(), 9, 128, 128);
    const [, early] = fragmentsOf(answer(), 9, 120, 128);
    expect(through({ a, b }, [second ?? new Uint8Array()]).packets).toHaveLength(1);
    expect(through({ a, b }, [early ?? new Uint8Array()]).reasons).toEqual(['fragment_overlap']);
  });
});

describe('fragments in the clear that policy bypasses by port (RFC 4301 section 7.4)', () => {
  it('pass behind a first one that was bypassed, and only then', () => {
    const bypassed = { entryId: 'dns', ruleId: 'r', selectors: [selector(NET_A, NET_B, udpTo(53))], action: 'BYPASS' };
    const policies = [bypassed, protect('rest', selector(NET_A, NET_B))] as readonly SecurityPolicy[];
    const from = (port: number) =>
      fragmentsOf(
        ipPacket({ source: '10.2.0.2', destination: '10.1.0.1', payload: udp(port, 4000, 400) }),
        port,
        128,
        128,
      );
    const receiveAll = (at: DataPlane, pieces: readonly Uint8Array[], now: number) =>
      pieces.map((piece) => {
        const explained = at.explainClear(piece, 0, piece.length, now);
        const { verdict, reason, length } = at.receiveClear(piece, 0, piece.length, now);
        expect([explained.verdict, explained.reason]).toEqual([verdict, reason]);
        return reason ?? length;
      });
    const a = plane(policies);
    expect(receiveAll(a, from(53).slice(1), 1)).toEqual(['fragment_without_ports', 'fragment_without_ports']);
    expect(receiveAll(a, from(53), 1)).toEqual(from(53).map((piece) => piece.length));
    expect(receiveAll(a, from(54), 1)).toEqual(['protection_required', ...new Array(2).fill('fragment_without_ports')]);
    expect(receiveAll(a, from(53).slice(1, 2), 30_001)).toEqual(['fragment_without_ports']);
    expect(a.policies()[0]?.inboundPackets).toBe(3n);
  });
});
