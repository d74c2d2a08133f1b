import type { DataPlane, OutboundResult } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';

const UNDERLAY = { mtu: 1400, underlay: { family: 4, udp: true } } as const;

/** An engine that knows the association; with a number, another one sends on it. */
function engine(sentBy?: number, ports = false): DataPlane {
  const entry = ports
    ? selector([], [], { protocol: 17, remotePorts: [{ first: 0, last: 65_534 }] })
    : selector([], []);
  const made = plane([protect('e', entry)]);
  made.install(
    association('outbound', {
      pathMtu: UNDERLAY,
      nonFirstFragmentsAlso: true,
      ...(sentBy === undefined ? {} : { sentBy }),
    }),
    0,
  );
  return made;
}

function send(to: DataPlane, packet: Uint8Array): OutboundResult {
  return { ...to.protect(packet.slice(), 0, packet.length, new Uint8Array(70_000), 0, 1) };
}

describe('an association that another engine sends on', () => {
  it('is answered with that engine, and nothing is done or counted', () => {
    const other = engine(3);
    const packet = ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: udp(1, 2, 100) });
    const result = send(other, packet);
    expect([result.verdict, result.sentBy, result.length, result.copied]).toEqual([
      'elsewhere',
      3,
      packet.length,
      false,
    ]);
    // Also when it is too large for the path, of which only the engine that sends is to speak.
    expect(
      send(other, ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: new Uint8Array(1500) })).verdict,
    ).toBe('elsewhere');
    expect(other.policies()[0]?.packets).toBe(0n);
    expect(other.associations()[0]).toMatchObject({ packets: 0n, sequence: 0n });
    expect(drops(other)).toEqual({});
  });

  it('makes no run either', () => {
    const packet = ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: udp(1, 2, 100) });
    const run = {
      write: (_: number, offset: number) => {
        out.set(packet, offset);
        return packet.length;
      },
    };
    const out = new Uint8Array(70_000);
    const { verdict, sentBy } = engine(2).protectRun(run, 0, 5, out, 0, 1);
    expect([verdict, sentBy]).toEqual(['elsewhere', 2]);
  });

  it('gives a packet that came in fragments as a whole, which the other protects as if it had put it together', () => {
    const payload = udp(1, 2, 3100);
    const fragments = [0, 1200, 2400].map((position) =>
      ipPacket({
        source: '10.1.0.1',
        destination: '10.2.0.1',
        payload: payload.slice(position, position + 1200),
        fragment: position / 8 + (position + 1200 < payload.length ? MORE_FRAGMENTS : 0),
      }),
    );
    const [reader, owner, alone] = [engine(1, true), engine(undefined, true), engine(undefined, true)];
    const out = new Uint8Array(70_000);
    let result: OutboundResult | undefined;
    for (const each of fragments) result = reader.protect(each, 0, each.length, out, 0, 1);
    if (result === undefined) throw new Error('no fragments');
    expect([result.verdict, result.copied, result.sentBy]).toEqual(['elsewhere', true, 1]);
    const { length, largestFragment, identification } = result;
    expect(largestFragment).toBe(1220);
    const pieces = (from: DataPlane, first: OutboundResult) => {
      const lengths = [first.length];
      for (let more = first.more; more; ) {
        const next = from.protectMore(new Uint8Array(2000), 0, 1);
        lengths.push(next.length);
        more = next.more;
      }
      return lengths;
    };
    const passed = owner.protectReassembled(
      out,
      0,
      length,
      largestFragment,
      identification,
      new Uint8Array(2000),
      0,
      1,
    );
    const together = pieces(owner, passed);
    let last: OutboundResult | undefined;
    for (const each of fragments) last = alone.protect(each, 0, each.length, new Uint8Array(2000), 0, 1);
    expect(together).toEqual(last === undefined ? [] : pieces(alone, last));
    expect(together.length).toBeGreaterThan(2);
    expect([drops(reader), drops(owner)]).toEqual([{}, {}]);
  });

  it.each([0, 65_537, 100_000])('refuses %i octets that are no packet', (length) => {
    const owner = engine();
    const { verdict } = owner.protectReassembled(
      new Uint8Array(200_000),
      0,
      length,
      100,
      1,
      new Uint8Array(2000),
      0,
      1,
    );
    expect(verdict).toBe('discard');
  });
});

/** RFC 791 section 3.1: the flag, in front of the offset. */
const MORE_FRAGMENTS = 0x2000;
