import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryPacket,
  arbitraryPolicies,
  arbitrarySelector,
  packetOctets,
} from '../../test/support/arbitrary-policy.js';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, plane } from '../../test/support/planes.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import { SELECTOR_FIELD, type SecurityPolicy, type SelectorField } from '../policy/security-policy.js';
import type { TrafficSelector } from '../policy/selector.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import { parseAddress } from '../wire/ip/address.js';
import { createDataPlane } from './data-plane.js';

const any: TrafficSelector = {
  localAddresses: [],
  remoteAddresses: [],
  protocol: 'any',
  localPorts: [],
  remotePorts: [],
};
const life = { softLifetimeMilliseconds: 1e6, hardLifetimeMilliseconds: 2e6 };
const base = {
  direction: 'outbound',
  tunnelId: 't',
  spi: 999,
  extendedSequenceNumbers: true,
  replayWindow: 64,
  ...life,
} as const;
const outer = { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
const gcm = { protocol: 'esp', suite: 'aes-gcm-16', keyBits: 128, keyingMaterial: new Uint8Array(20) } as const;
const sha = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;
const associations: readonly SecurityAssociationParameters[] = [
  { ...base, ...gcm, mode: 'tunnel' },
  { ...base, ...gcm, mode: 'tunnel', outer, padTo: 128 },
  { ...base, ...gcm, mode: 'transport' },
  { ...base, ...sha, mode: 'tunnel', outer },
  { ...base, ...sha, mode: 'transport' },
];

/** The entry with those of the flags that it can have. */
function withFlags(entry: SecurityPolicy, flags: readonly SelectorField[]): SecurityPolicy {
  if (entry.action !== 'PROTECT') return entry;
  const flagged = { ...entry, populateFromPacket: flags };
  try {
    createSecurityPolicyDatabase([flagged]);
    return flagged;
  } catch {
    return entry;
  }
}

describe('explain', () => {
  it('foretells what protect does, to the octet, and changes nothing', () => {
    const packets = fc.tuple(
      fc.integer({ min: 8, max: 300 }),
      fc.boolean(),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(...associations),
    );
    fc.assert(
      fc.property(packets, ([size, six, port, association]) => {
        const plane = createDataPlane({ provider: nobleProvider, random: () => undefined });
        const withPort = (first: number) => ({ ...any, protocol: 17, remotePorts: [{ first, last: first }] });
        plane.installPolicy(
          createSecurityPolicyDatabase([
            { entryId: 'a', ruleId: 'r', selectors: [withPort(1)], action: 'PROTECT', tunnelId: 't' },
            { entryId: 'b', ruleId: 'r', selectors: [withPort(2)], action: 'BYPASS' },
          ]),
        );
        plane.install(association, 0);
        const packet = ipPacket({
          source: six ? '2001:db8::1' : '10.0.0.1',
          destination: six ? '2001:db8::2' : '10.0.0.2',
          payload: udp(9, port, size),
        });
        const before = [plane.associations(), plane.policies(), plane.drops()];
        const explained = plane.explain(packet, 0, packet.length, 1);
        expect([plane.associations(), plane.policies(), plane.drops()]).toEqual(before);
        const done = plane.protect(packet, 0, packet.length, new Uint8Array(1000), 0, 1);
        expect([explained.verdict, explained.reason]).toEqual([done.verdict, done.reason]);
        if (done.verdict === 'transmit') {
          expect(explained.overhead?.total).toBe(done.length);
          expect(plane.associations()[0]?.sequence).toBe(explained.association?.nextSequence);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('answers for any policy, association and packet, in and out, and leaves everything as it was', () => {
    const seen = new Set<string>();
    const worlds = fc.tuple(
      arbitraryPolicies(8),
      fc.subarray(Object.keys(SELECTOR_FIELD) as SelectorField[]),
      fc.array(fc.tuple(arbitrarySelector, fc.integer({ min: 0, max: 3 }), fc.boolean()), { maxLength: 4 }),
      fc.array(arbitraryPacket, { minLength: 1, maxLength: 8 }),
    );
    fc.assert(
      fc.property(worlds, ([entries, flags, narrowed, packets]) => {
        const made = plane(entries.map((entry) => withFlags(entry, flags)));
        for (const [i, [selector, tunnel, whole]] of narrowed.entries()) {
          const more = { spi: 256 + i, tunnelId: `t${tunnel}`, ...(whole ? {} : { selectors: [selector] }) };
          made.install(association('outbound', more), 0);
        }
        const state = () =>
          [made.associations(), made.tunnels(), made.policies(), made.drops(), made.acquireOverflow()] as const;
        for (const packet of packets.map(packetOctets)) {
          const before = state();
          const outbound = made.explain(packet, 0, packet.length, 1);
          const inbound = made.explainClear(packet, 0, packet.length, 1);
          expect(state()).toEqual(before);
          const sent = made.protect(packet, 0, packet.length, new Uint8Array(400), 0, 1);
          expect([outbound.verdict, outbound.reason]).toEqual([sent.verdict, sent.reason]);
          expect(outbound.tunnelId ?? '').toBe(sent.tunnelId);
          expect(made.acquires().map(({ selectors }) => selectors)).toEqual(
            outbound.acquire?.outcome === 'reported' ? [outbound.acquire.selectors] : [],
          );
          const received = made.receiveClear(packet, 0, packet.length, 1);
          expect([inbound.verdict, inbound.reason]).toEqual([received.verdict, received.reason]);
          expect(inbound.tunnelId ?? '').toBe(received.tunnelId);
          seen.add(`out ${outbound.verdict} ${outbound.acquire?.outcome ?? outbound.reason ?? ''}`);
          seen.add(`in ${inbound.verdict} ${inbound.reason ?? ''}`);
        }
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual([
      'in bypass ',
      'in discard fragment_without_ports',
      'in discard no_policy',
      'in discard protection_required',
      'in discard spd_discard',
      'out bypass ',
      'out discard fragment_tiny',
      'out discard held',
      'out discard no_policy',
      'out discard reported',
      'out discard spd_discard',
      'out held ',
      'out transmit ',
    ]);
  });

  it('accounts for every octet', () => {
    const plane = createDataPlane({ provider: nobleProvider, random: () => undefined });
    plane.installPolicy(
      createSecurityPolicyDatabase([{ entryId: 'a', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
    );
    const packet = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, 21) });
    expect(plane.explain(packet, 0, packet.length, 1)).toMatchObject({ reason: 'no_association', tunnelId: 't' });
    plane.install({ ...base, ...gcm, mode: 'tunnel', outer }, 0);
    expect(plane.explain(packet, 0, packet.length, 1).overhead).toEqual({
      payload: 41,
      ipHeader: 20,
      header: 8,
      iv: 8,
      confidentialityPadding: 0,
      padding: 1,
      trailer: 2,
      icv: 16,
      total: 96,
    });
    expect(plane.explain(packet, 0, packet.length, 2e6).reason).toBe('association_expired');
  });
});
