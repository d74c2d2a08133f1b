import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import { isWithin, narrow } from './narrowing.js';

/** A small world: addresses, ports and protocols of which a few selectors cover a good part. */
const address = fc.integer({ min: 0, max: 7 });
const port = fc.constantFrom(0, 1, 2, 65535);
const selector: fc.Arbitrary<WireSelector> = fc
  .record({ a: address, b: address, p: port, q: port, protocol: fc.constantFrom(0, 6, 17), opaque: fc.boolean() })
  .map(({ a, b, p, q, protocol, opaque }) => ({
    type: 'range',
    protocol,
    startPort: opaque ? 65535 : Math.min(p, q),
    endPort: opaque ? 0 : Math.max(p, q),
    first: Uint8Array.of(10, 0, 0, Math.min(a, b)),
    last: Uint8Array.of(10, 0, 0, Math.max(a, b)),
  }));
const unknown: WireSelector = { type: 'unknown', number: 99, protocol: 6, body: new Uint8Array(4) };
const selectors = fc.array(
  fc.oneof({ weight: 5, arbitrary: selector }, { weight: 1, arbitrary: fc.constant(unknown) }),
  {
    maxLength: 4,
  },
);

/** `port` undefined: it does not show. */
interface Packet {
  readonly address: number;
  readonly protocol: number;
  readonly port: number | undefined;
}

const PACKETS: readonly Packet[] = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((last) =>
  [6, 17, 1].flatMap((protocol) =>
    [0, 1, 2, 3, 65535, undefined].map((shown) => ({ address: last, protocol, port: shown })),
  ),
);

function matches({ address: last, protocol, port: shown }: Packet, part: WireSelector): boolean {
  if (part.type !== 'range' || last < (part.first[3] ?? 0) || last > (part.last[3] ?? 0)) return false;
  if (part.protocol !== 0 && part.protocol !== protocol) return false;
  const any = part.startPort === 0 && part.endPort === 65535;
  if (shown === undefined) return any || part.startPort > part.endPort;
  return shown >= part.startPort && shown <= part.endPort;
}

describe('Narrowing (RFC 7296 section 2.9)', () => {
  it('allows exactly the packets that the offer and the policy allow, and an unknown type of selector none', () => {
    fc.assert(
      fc.property(selectors, selectors, (offered, allowed) => {
        const narrowed = narrow(offered, allowed);
        const by = (parts: readonly WireSelector[]) => (packet: Packet) => parts.some((part) => matches(packet, part));
        const both = PACKETS.filter((packet) => by(offered)(packet) && by(allowed)(packet));
        expect(PACKETS.filter(by(narrowed))).toEqual(both);
        expect(isWithin(narrowed, offered) && isWithin(narrowed, allowed)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves an offer that policy allows as it is', () => {
    fc.assert(
      fc.property(selector, (offered) => {
        expect(narrow([offered], [offered])).toEqual([offered]);
      }),
    );
  });
});
