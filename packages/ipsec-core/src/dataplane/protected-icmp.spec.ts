import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { icmpError, ipPacket, udp } from '../../test/support/packets.js';
import { association, bypass, drops, plane, protect, receive, selector, send } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import type { DataPlane } from './data-plane.js';

/** Two edges whose networks are 10.1 and 10.2, 2001:db8:1 and 2001:db8:2. */
const NET_A = ['10.1.0.0/16', '2001:db8:1::/48'];
const NET_B = ['10.2.0.0/16', '2001:db8:2::/48'];
const udpTo = (port: number) => ({ protocol: 17, remotePorts: [{ first: port, last: port }] });
const udpFrom = (port: number) => ({ protocol: 17, localPorts: [{ first: port, last: port }] });

/** A has clients, B has a server on port 53; `more` are further entries of both. */
function pair(atA: readonly SecurityPolicy[], atB: readonly SecurityPolicy[]): { a: DataPlane; b: DataPlane } {
  const a = plane(atA);
  const b = plane(atB);
  for (const [sender, receiver, spi] of [
    [a, b, 0x1000],
    [b, a, 0x2000],
  ] as const) {
    sender.install(association('outbound', { spi }), 0);
    receiver.install(association('inbound', { spi }), 0);
  }
  return { a, b };
}
const dns = () =>
  pair([protect('e', selector(NET_A, NET_B, udpTo(53)))], [protect('e', selector(NET_B, NET_A, udpFrom(53)))]);
const anything = () => pair([protect('e', selector(NET_A, NET_B))], [protect('e', selector(NET_B, NET_A))]);

const query = (six = false, port = 53) =>
  ipPacket({
    source: six ? '2001:db8:1::1' : '10.1.0.1',
    destination: six ? '2001:db8:2::2' : '10.2.0.2',
    payload: udp(4000, port, 40),
  });
/** From a router or host behind B, to whoever sent the query. */
const unreachable = (six = false, about = query(six), source = six ? '2001:db8:2::99' : '10.2.0.99', quoted = 60) =>
  icmpError({ source, destination: six ? '2001:db8:1::1' : '10.1.0.1' }, six ? 1 : 3, six ? 4 : 3, about, 0, quoted);

describe('ICMP errors that pass through tunnels (RFC 4301 section 6.2)', () => {
  it('go out with replies to the packet they quote when no entry allows them, and come in by it', () => {
    for (const six of [false, true]) {
      // A router that is not in the network of the policy, as one on the way to it.
      for (const source of six ? ['2001:db8:2::99', '2001:db8:9::1'] : ['10.2.0.99', '192.0.2.1']) {
        const { a, b } = dns();
        const error = unreachable(six, query(six), source);
        const explained = b.explain(error, 0, error.length, 1);
        expect(explained).toMatchObject({ verdict: 'transmit', byQuotedPacket: true, tunnelId: 't' });
        const sent = send(b, error);
        expect([sent.reasons, sent.packets[0]?.length]).toEqual([[], explained.overhead?.total]);
        expect(receive(a, sent.packets, false)).toEqual({ packets: [error], reasons: [] });
        expect(b.policies()[0]?.packets).toBe(1n);
      }
    }
  });

  it('are not sent when the packet they quote did not come through a tunnel, or was not theirs to answer', () => {
    const { b } = dns();
    for (const error of [
      unreachable(false, query(false, 54)),
      icmpError({ source: '10.2.0.99', destination: '10.1.0.7' }, 3, 3, query()),
      unreachable(false, query(), '10.2.0.99', 19),
      ipPacket({
        source: '10.2.0.99',
        destination: '10.1.0.1',
        protocol: 1,
        payload: Uint8Array.from([8, 0, 0, 0, ...query()]),
      }),
    ]) {
      expect(b.explain(error, 0, error.length, 1).reason).toBe('no_policy');
      expect(send(b, error).reasons).toEqual(['no_policy']);
    }
  });

  it('do not go around an entry that discards', () => {
    const discard = { entryId: 'd', ruleId: 'r', selectors: [selector(NET_B, [])], action: 'DISCARD' as const };
    const { b } = pair([], [protect('e', selector(NET_B, NET_A, udpFrom(53))), discard]);
    expect(send(b, unreachable()).reasons).toEqual(['spd_discard']);
  });

  it('do not make key management hear of them', () => {
    const b = plane([protect('e', selector(NET_B, NET_A, udpFrom(53)))]);
    const error = unreachable();
    expect(b.explain(error, 0, error.length, 1)).toMatchObject({ reason: 'no_association', acquire: undefined });
    expect(send(b, error).reasons).toEqual(['no_association']);
    expect(b.acquires()).toEqual([]);
  });

  it('are refused when a peer makes them up about traffic with somebody else', () => {
    // A has a second tunnel, and traffic in clear; B may not speak of either.
    const others = [
      protect('e', selector(NET_A, NET_B)),
      protect('other', selector(NET_A, ['10.3.0.0/16']), 'u'),
      bypass('clear', selector(NET_A, ['192.0.2.0/24'])),
    ];
    const forger = [protect('e', selector([], []))];
    for (const destination of ['10.3.0.3', '192.0.2.9', '198.51.100.1']) {
      const { a, b } = pair(others, forger);
      const about = ipPacket({ source: '10.1.0.1', destination, payload: udp(4000, 53, 40) });
      const sent = send(b, unreachable(false, about));
      expect(receive(a, sent.packets, false)).toEqual({ packets: [], reasons: ['icmp_error_mismatch'] });
      expect(drops(a)).toEqual({ icmp_error_mismatch: 1 });
    }
  });

  it('pass on the strength of their own header only where an entry names ICMP', () => {
    const icmp = { protocol: 1 };
    const explicit = () =>
      pair(
        [protect('icmp', selector(NET_A, NET_B, icmp)), protect('e', selector(NET_A, NET_B))],
        [protect('e', selector([], []))],
      );
    const about = ipPacket({ source: '10.1.0.1', destination: '10.3.0.3', payload: udp(4000, 53, 40) });
    const forged = unreachable(false, about);
    for (const [planes, reasons] of [
      [explicit(), []],
      [anything(), ['icmp_error_mismatch']],
    ] as const) {
      expect(receive(planes.a, send(planes.b, forged).packets, false).reasons).toEqual(reasons);
    }
  });

  it('must go to the sender of the packet they quote', () => {
    const { a, b } = anything();
    const error = icmpError({ source: '10.2.0.99', destination: '10.1.0.7' }, 3, 3, query());
    expect(receive(a, send(b, error).packets, false).reasons).toEqual(['icmp_error_mismatch']);
  });

  it('are checked whatever the quote is cut to or made of', () => {
    const { a, b } = anything();
    const quotes = fc.oneof(
      fc.nat({ max: 60 }).map((quoted) => unreachable(false, query(), '10.2.0.99', quoted)),
      fc.nat({ max: 80 }).map((quoted) => unreachable(true, query(true), '2001:db8:2::99', quoted)),
      fc
        .tuple(fc.uint8Array({ maxLength: 90 }), fc.boolean())
        .map(([about, six]) => unreachable(six, about, six ? '2001:db8:2::99' : '10.2.0.99', 90)),
    );
    let passed = 0;
    fc.assert(
      fc.property(quotes, (error) => {
        const { packets, reasons } = receive(a, send(b, error).packets, false);
        const six = (error[0] ?? 0) >>> 4 === 6;
        // Enough to show addresses and ports, or, of a protocol without, addresses.
        const shows = error.length - (six ? 48 : 28) >= (six ? 44 : 24);
        if (packets.length > 0) {
          passed++;
          expect([shows, packets]).toEqual([true, [error]]);
        } else expect(reasons).toEqual(['icmp_error_mismatch']);
      }),
      { numRuns: 1000 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  it('leave echo and its reply to the selectors', () => {
    const { a, b } = anything();
    const echo = ipPacket({
      source: '10.2.0.2',
      destination: '10.1.0.1',
      protocol: 1,
      payload: Uint8Array.from([8, 0, 0, 0, 0, 0, 0, 0]),
    });
    expect(receive(a, send(b, echo).packets, false).packets).toEqual([echo]);
    // About an echo request that A sent.
    const request = ipPacket({
      source: '10.1.0.1',
      destination: '10.2.0.2',
      protocol: 1,
      payload: Uint8Array.from([8, 0, 0, 0, 0, 0, 0, 0]),
    });
    const error = unreachable(false, request);
    expect(receive(a, send(b, error).packets, false).packets).toEqual([error]);
  });
});
