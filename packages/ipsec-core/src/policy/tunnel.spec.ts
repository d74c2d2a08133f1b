import { randomFillSync } from 'node:crypto';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacket, arbitrarySelector, packetOctets } from '../../test/support/arbitrary-policy.js';
import { type DescribedPacket, matchSet } from '../../test/support/linear-policy.js';
import { association } from '../../test/support/planes.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { SecurityAssociationDatabase } from './sad.js';
import { SELECTOR_FIELD, type SelectorField } from './security-policy.js';
import type { TrafficSelector } from './selector.js';

interface Installed {
  readonly spi: number;
  readonly selectors: readonly TrafficSelector[] | undefined;
  readonly dscpValues: readonly number[] | undefined;
}

type Step =
  | { readonly kind: 'install'; readonly selectors: readonly TrafficSelector[] | undefined; readonly dscp?: number[] }
  | { readonly kind: 'remove'; readonly nth: number };

/** Every association, looked at one by one: those that may carry the packet, of which the best is taken. */
function chooseLinearly(
  installed: readonly Installed[],
  packet: DescribedPacket,
  dscp: number,
  fields: readonly SelectorField[],
): number | undefined {
  const able = installed.filter(({ selectors, dscpValues }) => {
    if (dscpValues !== undefined && !dscpValues.includes(dscp)) return false;
    if (selectors === undefined) return fields.length === 0;
    return selectors.some(
      (set) => matchSet(set, packet, 'outbound') === 'yes' && fields.every((field) => holdsOneValue(set, field)),
    );
  });
  return (able.findLast(({ dscpValues }) => dscpValues !== undefined) ?? able.at(-1))?.spi;
}

function holdsOneValue(set: TrafficSelector, field: SelectorField): boolean {
  if (field === 'protocol') return set.protocol !== 'any';
  if (field === 'localAddress' || field === 'remoteAddress') {
    const [first, ...more] = field === 'localAddress' ? set.localAddresses : set.remoteAddresses;
    return first !== undefined && more.length === 0 && Buffer.compare(first.first, first.last) === 0;
  }
  if (typeof set.protocol !== 'number') return false;
  if (![1, 6, 17, 58, 135].includes(set.protocol)) return true;
  const ports = field === 'localPort' ? set.localPorts : set.remotePorts;
  if (ports === 'opaque' || ports.length !== 1) return false;
  const [{ first, last }] = ports as [{ first: number; last: number }];
  if (set.protocol !== 135) return first === last;
  return (
    Array.from({ length: 256 }, (_, type) => type * 256).filter((type) => first <= type && type <= last).length === 1
  );
}

/** A set for exactly one packet, as PFP makes them; a few packets only, so that they meet again. */
const exact = arbitraryPacket.map(
  ({ source, destination, protocol, sourcePort, destinationPort }): TrafficSelector => ({
    localAddresses: [{ first: source, last: source }],
    remoteAddresses: [{ first: destination, last: destination }],
    protocol,
    localPorts: protocol === 50 || protocol === 200 ? [] : [{ first: sourcePort, last: sourcePort }],
    remotePorts: protocol === 50 || protocol === 200 ? [] : [{ first: destinationPort, last: destinationPort }],
  }),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.option(fc.array(fc.oneof(arbitrarySelector, exact), { minLength: 1, maxLength: 3 }), { nil: undefined }),
          fc.option(fc.subarray([0, 10, 46, 63], { minLength: 1 }), { nil: undefined, freq: 3 }),
        )
        .map(([selectors, dscp]): Step => ({ kind: 'install', selectors, ...(dscp === undefined ? {} : { dscp }) })),
    },
    { weight: 1, arbitrary: fc.nat({ max: 20 }).map((nth): Step => ({ kind: 'remove', nth })) },
  ),
  { minLength: 1, maxLength: 12 },
);
const FIELDS = Object.keys(SELECTOR_FIELD) as SelectorField[];

describe('outbound association for a packet (RFC 4301 sections 4.4.2 and 5.1)', () => {
  it('is the one that a search through all of them chooses', () => {
    let found = 0;
    const packets = fc.array(fc.tuple(arbitraryPacket, fc.constantFrom(0, 10, 46, 63), fc.subarray(FIELDS)), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(steps, packets, (script, probes) => {
        const database = new SecurityAssociationDatabase({
          provider: nodeCryptoProvider,
          random: (out) => void randomFillSync(out),
        });
        let installed: readonly Installed[] = [];
        for (const [i, step] of script.entries()) {
          if (step.kind === 'remove') {
            const gone = installed[step.nth % Math.max(1, installed.length)];
            if (gone !== undefined) expect(database.removeOutbound('t', gone.spi)).toBe(true);
            installed = installed.filter((other) => other !== gone);
          } else {
            const spi = 256 + i;
            const { selectors, dscp: dscpValues } = step;
            const more = { ...(selectors && { selectors }), ...(dscpValues && { dscpValues }) };
            database.install(association('outbound', { spi, ...more }), 0);
            installed = [...installed, { spi, selectors, dscpValues }];
          }
          const tunnel = database.tunnel('t');
          expect(tunnel.youngest?.spi).toBe(installed.at(-1)?.spi);
          for (const [packet, dscp, fields] of probes) {
            const flow = new Flow();
            const octets = packetOctets(packet);
            expect(parseFlow(flow, octets, 0, octets.length)).toBe(true);
            const populated = fields.reduce((bits, field) => bits | SELECTOR_FIELD[field], 0);
            const expected = chooseLinearly(installed, packet, dscp, fields);
            expect(tunnel.select(flow, dscp, populated)?.spi).toBe(expected);
            if (expected !== undefined) found++;
          }
        }
      }),
      { numRuns: 400 },
    );
    expect(found).toBeGreaterThan(500);
  });

  it.each([
    ['SELECTOR', { selectors: [] }, /1 to 1024 sets/],
    [
      'SELECTOR',
      {
        selectors: [
          {
            localAddresses: [],
            remoteAddresses: [],
            protocol: 6,
            localPorts: [{ first: 2, last: 1 }],
            remotePorts: [],
          },
        ],
      },
      /selectors\[0\]\.localPorts\[0\]/,
    ],
    ['DSCP', { dscpValues: [] }, /one or more integers/],
    ['DSCP', { dscpValues: [64] }, /0 to 63/],
  ] as const)('refuses %s %j', (code, more, message) => {
    const database = new SecurityAssociationDatabase({ provider: nodeCryptoProvider, random: () => undefined });
    const install = () => database.install(association('outbound', more), 0);
    expect(install).toThrowError(expect.objectContaining({ code }));
    expect(install).toThrowError(message);
    expect(database.all()).toEqual([]);
  });
});
