import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, icmpError, ipPacket, udp } from '../../test/support/packets.js';
import { association, bypass, plane, protect, selector, send } from '../../test/support/planes.js';
import type { AhAssociationParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';

const ports = (first: number, last: number) => ({ protocol: 17, remotePorts: [{ first, last }] });
const policies = [
  protect(
    'udp4',
    selector(['10.1.0.0/16', '2001:db8:1::/48'], ['10.2.0.0/16', '2001:db8:2::/48'], ports(1, 99)),
    'udp4',
  ),
  bypass('clear', selector(['10.1.0.0/16', '2001:db8:1::/48'], ['10.2.0.0/16', '2001:db8:2::/48'], ports(100, 199))),
  protect('ip6', selector(['10.1.0.0/16', '2001:db8:1::/48'], ['10.3.0.0/16', '2001:db8:3::/48']), 'ip6'),
  protect('host', selector(['10.1.0.0/16', '2001:db8:1::/48'], ['10.4.0.0/16', '2001:db8:4::/48']), 'host'),
];

/** An edge with a tunnel by UDP, one with an IPv6 header of its own that is cut after, and AH in transport mode. */
function edge() {
  const made = plane(policies, {
    reassembly: { maximumPackets: 6, maximumOctets: 256 << 10, timeoutMilliseconds: 500 },
  });
  const outer = {
    local: parseAddress('2001:db8::a'),
    remote: parseAddress('2001:db8::b'),
    dontFragment: 'clear',
  } as const;
  const after = { mtu: 1300, fragmentation: 'after' } as const;
  const underlay = { family: 4, udp: true } as const;
  made.install(association('outbound', { tunnelId: 'udp4', pathMtu: { mtu: 1400, underlay } }), 0);
  made.install(association('outbound', { tunnelId: 'ip6', spi: 0x2000, outer, pathMtu: after, padTo: 512 }), 0);
  const ah = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;
  const host = { ...association('outbound', { tunnelId: 'host', spi: 0x3000, mode: 'transport' }), ...ah };
  made.install({ ...host, pathMtu: { mtu: 1000, minimum: 576 } } as AhAssociationParameters, 0);
  return made;
}

const addresses = fc.record({ six: fc.boolean(), to: fc.constantFrom(2, 3, 4, 9) }).map(({ six, to }) => ({
  source: six ? '2001:db8:1::1' : '10.1.0.1',
  destination: six ? `2001:db8:${to}::2` : `10.${to}.0.2`,
}));
const packet = fc
  .record({
    ends: addresses,
    port: fc.constantFrom(50, 150, 250),
    size: fc.oneof(fc.integer({ min: 8, max: 200 }), fc.integer({ min: 900, max: 4000 })),
    df: fc.boolean(),
    kind: fc.constantFrom('udp', 'udp', 'tcp', 'icmp'),
  })
  .map(({ ends, port, size, df, kind }) => {
    const fragment = df ? 0x4000 : 0;
    if (kind === 'icmp') {
      const back = { source: ends.destination, destination: ends.source };
      return icmpError(ends, ends.source.includes(':') ? 1 : 3, 1, ipPacket({ ...back, payload: udp(9, port, 40) }));
    }
    const payload = udp(1, port, size);
    if (kind === 'tcp' && size >= 24) payload.set([0x60, 0x02, 0, 0, 0, 0, 0, 0, 2, 4, 0x20, 0], 12);
    return ipPacket({ ...ends, fragment, protocol: kind === 'tcp' ? 6 : 17, payload });
  });
/** A packet, or some of its fragments in some order, each with a few octets changed. */
const arrivals = fc
  .record({
    packet,
    units: fc.constantFrom(0, 0, 3, 20, 60, 160),
    id: fc.nat({ max: 3 }),
    picks: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 12 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 255 })), { maxLength: 2 }),
  })
  .map(({ packet: whole, units, id, picks, changes }) => {
    const pieces = units === 0 ? [whole] : fragmentsOf(whole, id, ...new Array<number>(200).fill(units * 8));
    return (units === 0 ? [0] : picks).map((pick, i) => {
      const piece = (pieces[pick % pieces.length] ?? whole).slice();
      if (i === 0) for (const [at, value] of changes) if (at < piece.length) piece[at] = value;
      return piece;
    });
  });

describe('the protected side', () => {
  it('takes anything, says once what became of it, and sends nothing that is too large', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(arrivals, { minLength: 1, maxLength: 12 }), (list) => {
        const a = edge();
        const answered = { held: 0, discarded: 0 };
        let now = 1;
        for (const piece of list.flat()) {
          now += 7;
          const explained = a.explain(piece, 0, piece.length, now);
          const { verdicts, reasons, packets } = send(a, piece, now);
          // Whether AH can read every option shows only in doing it.
          if (reasons[0] !== 'unprotectable_header') {
            expect([explained.verdict, explained.reason]).toEqual([verdicts[0], reasons[0]]);
          }
          answered.held += verdicts.filter((verdict) => verdict === 'held').length;
          answered.discarded += reasons.length;
          for (const verdict of verdicts) seen.add(verdict);
          for (const reason of reasons) seen.add(reason);
          // What is to be cut after protection, a socket of the caller cuts.
          const bySocket = explained.tooLarge?.action === 'fragment_after' ? 65_575 : 1400 - 28;
          const limit = { udp4: bySocket, ip6: 1300, host: 1000 }[explained.tunnelId ?? ''] ?? 65_575;
          for (const sent of packets) expect(sent.length).toBeLessThanOrEqual(limit);
        }
        a.expire(now + 1000);
        const { fragments, reassembledFragments, reassembledPackets } = a.reassembly();
        const counted = a.drops().reduce((sum, { packets }) => sum + Number(packets), 0);
        const lost = counted - answered.discarded;
        expect(fragments).toBe(0);
        expect(lost + Number(reassembledFragments - reassembledPackets)).toBe(answered.held);
      }),
      { numRuns: 400 },
    );
    for (const outcome of [
      'transmit',
      'bypass',
      'held',
      'exceeds_path_mtu',
      'fragment_overlap',
      'fragment_duplicate',
    ]) {
      expect(seen).toContain(outcome);
    }
  });
});
