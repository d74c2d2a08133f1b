import {
  type Carrier,
  createSecurityPolicyDatabase,
  type DataPlane,
  type DropReason,
  type PacketRun,
  PolicyError,
  parsePrefix,
  type SecurityPolicy,
  type TrafficSelector,
} from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, icmpError, ipPacket, udp } from '../../test/support/packets.js';
import { association, bypass, plane, receive, selector, send } from '../../test/support/planes.js';
import { intersectRanges } from '../policy/address-ranges.js';

//  10.1.0.0/24 [ here ] === a === 10.2.0.0/24, === b and c, either of which may === 10.3.0.0/24, === d === 10.4.0.0/24; nobody: 10.5.0.0/24
const TUNNELS = ['a', 'b', 'c', 'd'];
const SITES = [2, 3, 4, 5];
const HALVES = SITES.flatMap((site) => [
  `10.${site}.0.0/25`,
  `10.${site}.0.128/25`,
  `2001:db8:${site}::/65`,
  `2001:db8:${site}:0:8000::/65`,
]);
const LOCAL = ['10.1.0.0/24', '2001:db8:1::/64'];

describe('entries that name no tunnel', () => {
  it('do with every packet what one entry for each tunnel would do that carries some of their addresses', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(entry(), { minLength: 1, maxLength: 5 }),
        carriers(),
        fc.subarray(TUNNELS),
        fc.option(fc.constantFrom('b', 'c')),
        fc.array(event(), { minLength: 20, maxLength: 20 }),
        (drawn, carried, keyed, chosen, events) => {
          const policies = drawn.map((policy, index) => ({ ...policy, entryId: `e${index}`, ruleId: `r${index}` }));
          const one = edge(policies, carried, keyed);
          const other = edge(
            policies.flatMap((policy) => named(policy, carried)),
            [],
            keyed,
          );
          if (chosen !== null) for (const each of [one, other]) each.choose(new Map([['b', chosen]]));
          for (const what of events) {
            const [done, wanted] = [happens(one, what), happens(other, what)];
            expect(done, what.kind).toEqual(wanted);
            seen.set(`${what.kind} ${done.outcome}`, (seen.get(`${what.kind} ${done.outcome}`) ?? 0) + 1);
          }
          expect(acquired(one)).toEqual(acquired(other));
          expect(byRule(one)).toEqual(byRule(other));
        },
      ),
      { numRuns: 300 },
    );
    for (const outcome of [
      'sent transmit',
      'sent nobody',
      'sent no_association',
      'arrived passed',
      'arrived selector_mismatch',
      'error sent transmit',
      'error arrived passed',
      'error arrived icmp_error_mismatch',
      'fragments sent transmit',
      'run transmit',
      'clear protection_required',
    ]) {
      expect(seen.get(outcome) ?? 0, `${outcome}: ${JSON.stringify([...seen])}`).toBeGreaterThan(5);
    }
  });

  it('discard what nobody carries, say so, and count it at the entry', () => {
    const made = plane([]);
    made.installPolicy(
      createSecurityPolicyDatabase([EVERYTHING], [{ tunnelId: 'a', addresses: ranges('10.2.0.0/24') }]),
    );
    const packet = ipPacket({ source: '10.1.0.1', destination: '10.5.0.1', payload: udp(1, 2, 40) });
    expect(send(made, packet)).toMatchObject({ verdicts: ['discard'], reasons: ['no_tunnel'] });
    expect(made.explain(packet, 0, packet.length, 1)).toMatchObject({
      verdict: 'discard',
      reason: 'no_tunnel',
      entry: { entryId: 'all' },
      tunnelId: undefined,
    });
    expect(made.policies()).toMatchObject([{ packets: 1n, drops: [{ reason: 'other', packets: 1n }] }]);
    expect(made.acquires()).toEqual([]);
  });

  it('ask for one association for each tunnel that their packets need, however many there are', () => {
    const made = plane([]);
    const far = Array.from({ length: 200 }, (_, peer) => `10.2.${peer}.0/24`);
    made.installPolicy(
      createSecurityPolicyDatabase(
        [EVERYTHING],
        far.map((prefix, peer) => ({ tunnelId: `t${peer}`, addresses: ranges(prefix) })),
      ),
    );
    for (const host of [1, 2]) {
      for (const peer of far.keys()) {
        send(made, ipPacket({ source: '10.1.0.1', destination: `10.2.${peer}.${host}`, payload: udp(1, 2, 40) }));
      }
    }
    const asked = made.acquires();
    expect(asked.map(({ tunnelId }) => tunnelId)).toEqual(far.map((_, peer) => `t${peer}`));
    expect(asked.map(({ selectors }) => selectors.map(({ remoteAddresses }) => remoteAddresses))).toEqual(
      // Of both selector sets of the entry.
      far.map((prefix) => [ranges(prefix), ranges(prefix)]),
    );
  });

  it('send in the tunnel that is chosen of those that carry the address, each carrier by itself, also when policies are loaded again', () => {
    const groups: readonly Carrier[] = [
      { tunnelId: 'a', alternatives: ['a', 'b'], addresses: ranges('10.2.0.0/24', '2001:db8:2::/64') },
      { tunnelId: 'c', alternatives: ['d', 'c'], addresses: ranges('10.3.0.0/24') },
    ];
    // It names a tunnel that a carrier has, too, and no other: a choice between those of the carrier is none for it.
    const own: SecurityPolicy = {
      entryId: 'own',
      ruleId: 'r',
      action: 'PROTECT',
      tunnelId: 'a',
      selectors: [selector(['10.1.0.0/24'], ['10.4.0.0/24'])],
    };
    const made = edge([own, EVERYTHING], groups, TUNNELS);
    const ways = () =>
      ['10.2.0.1', '10.3.0.1', '10.4.0.1'].map((destination) => {
        const packet = ipPacket({ source: '10.1.0.1', destination, payload: udp(1, 2, 40) });
        const { tunnelId } = made.explain(packet, 0, packet.length, 1);
        const [sealed] = send(made, packet).packets;
        if (sealed === undefined) throw new Error(`nothing went to ${destination}`);
        expect(new DataView(sealed.buffer, sealed.byteOffset).getUint32(0)).toBe(spiOf(tunnelId ?? ''));
        return tunnelId;
      });
    expect(ways()).toEqual(['a', 'c', 'a']);
    made.choose(new Map([['a', 'b']]));
    expect(ways()).toEqual(['b', 'c', 'a']);
    made.choose(new Map(Object.entries({ a: 'b', c: 'd' })));
    expect(ways()).toEqual(['b', 'd', 'a']);
    made.installPolicy(createSecurityPolicyDatabase([own, EVERYTHING], groups));
    expect(ways()).toEqual(['b', 'd', 'a']);
    // What another carrier has is no choice.
    made.choose(new Map(Object.entries({ a: 'd', c: 'b' })));
    expect(ways()).toEqual(['a', 'c', 'a']);
  });

  it('keep the counters of the tunnels that carry for them when policies are loaded again', () => {
    const database = createSecurityPolicyDatabase([EVERYTHING], [{ tunnelId: 'a', addresses: ranges('10.2.0.0/24') }]);
    const made = plane([]);
    made.installPolicy(database);
    expect(made.tunnels().map(({ tunnelId }) => tunnelId)).toEqual(['a']);
    made.install(association('outbound', { tunnelId: 'a' }), 0);
    send(made, ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: udp(1, 2, 40) }));
    made.removeOutbound('a', 0x1000);
    made.installPolicy(database);
    expect(made.tunnels()).toMatchObject([{ tunnelId: 'a', outboundPackets: 1n }]);
  });

  it.each<{ code: string; path: string; carried: readonly Carrier[]; policies?: readonly SecurityPolicy[] }>([
    { code: 'EMPTY_CARRIER', path: 'carriers[0].addresses', carried: [{ tunnelId: 'a', addresses: [] }] },
    {
      code: 'MALFORMED_RANGE',
      path: 'carriers[0].addresses[0]',
      carried: [{ tunnelId: 'a', addresses: [{ first: new Uint8Array(4), last: new Uint8Array(16) }] }],
    },
    {
      code: 'ALTERNATIVES',
      path: 'carriers[0].alternatives',
      carried: [{ tunnelId: 'a', alternatives: ['b', 'c'], addresses: ranges('10.2.0.0/24') }],
    },
    {
      code: 'DUPLICATE_CARRIER',
      path: 'carriers[1]',
      carried: [
        { tunnelId: 'a', addresses: ranges('10.2.0.0/24') },
        { tunnelId: 'b', alternatives: ['b', 'a'], addresses: ranges('10.3.0.0/24') },
      ],
    },
    {
      code: 'CARRIERS_OVERLAP',
      path: 'carriers[1].addresses',
      carried: [
        { tunnelId: 'a', addresses: ranges('2001:db8:2::/64', '10.2.0.0/16') },
        { tunnelId: 'b', addresses: ranges('10.1.0.0/16', '10.2.255.255/32') },
      ],
    },
    {
      code: 'CARRIERS_OVERLAP',
      path: 'carriers[0].addresses',
      carried: [{ tunnelId: 'a', addresses: ranges('10.2.0.0/16', '10.2.0.0/24') }],
    },
    {
      code: 'NAMES_WITHOUT_TUNNEL',
      path: '[0].names',
      carried: [],
      policies: [
        {
          entryId: 'n',
          ruleId: 'r',
          action: 'PROTECT',
          names: [{ kind: 'dns-name', name: 'a.example' }],
          selectors: [selector([], [])],
        },
      ],
    },
  ])('are refused: $code at $path', ({ code, path, carried, policies = [EVERYTHING] }) => {
    expect(() => createSecurityPolicyDatabase(policies, carried)).toThrow(
      expect.objectContaining({ name: PolicyError.name, code, path }),
    );
  });

  it('take carriers whose addresses touch, and ones of both families whose octets begin alike', () => {
    const touching = [
      { tunnelId: 'a', addresses: ranges('10.2.0.0/25', '10.3.0.0/24') },
      { tunnelId: 'b', addresses: ranges('10.2.0.128/25', 'a02::/16') },
    ];
    expect(createSecurityPolicyDatabase([EVERYTHING], touching).carriers).toBe(touching);
  });
});

const EVERYTHING: SecurityPolicy = {
  entryId: 'all',
  ruleId: 'r',
  action: 'PROTECT',
  selectors: [selector(LOCAL, []), selector([], ['10.2.0.0/15', '10.4.0.0/15'])],
};

function ranges(...prefixes: readonly string[]) {
  return prefixes.map((prefix) => parsePrefix(prefix).range);
}

function spiOf(tunnelId: string): number {
  return 0x1000 + TUNNELS.indexOf(tunnelId);
}

/** It can send in the tunnels that are keyed, and receives in all of them. */
function edge(policies: readonly SecurityPolicy[], carried: readonly Carrier[], keyed: readonly string[]): DataPlane {
  const made = plane([]);
  made.installPolicy(createSecurityPolicyDatabase(policies, carried));
  for (const tunnelId of keyed) made.install(association('outbound', { tunnelId, spi: spiOf(tunnelId) }), 0);
  for (const tunnelId of TUNNELS) made.install(association('inbound', { tunnelId, spi: spiOf(tunnelId) }), 0);
  return made;
}

/** The oracle: an entry for each carrier that has some of the remote addresses, and behind them one that discards the rest. */
function named(policy: SecurityPolicy, carried: readonly Carrier[]): readonly SecurityPolicy[] {
  if (policy.action !== 'PROTECT' || policy.tunnelId !== undefined) return [policy];
  const { entryId, ruleId, selectors } = policy;
  const each = carried.flatMap(({ tunnelId, alternatives, addresses }): SecurityPolicy[] => {
    const own = selectors.flatMap((one): TrafficSelector[] => {
      const remoteAddresses =
        one.remoteAddresses.length === 0
          ? addresses
          : one.remoteAddresses.flatMap((range) =>
              addresses.flatMap((address) => intersectRanges(range, address) ?? []),
            );
      return remoteAddresses.length === 0 ? [] : [{ ...one, remoteAddresses }];
    });
    if (own.length === 0) return [];
    return [{ ...policy, entryId: `${entryId} ${tunnelId}`, tunnelId, alternatives, selectors: own }];
  });
  return [...each, { entryId, ruleId, selectors, action: 'DISCARD' }];
}

type Drawn = SecurityPolicy;

function entry(): fc.Arbitrary<Drawn> {
  const traffic = fc.record({
    remote: fc.oneof(fc.subarray(HALVES, { minLength: 1 }), fc.constant([])),
    local: fc.constantFrom(LOCAL, ['10.1.0.0/25', LOCAL[1] ?? ''], []),
    protocol: fc.constantFrom<(number | 'any')[]>('any', 17, 1, 58),
    ports: fc.constantFrom([], [], [{ first: 1, last: 3 }]),
    answers: fc.boolean(),
  });
  const selectors = fc.array(
    traffic.map(({ remote, local, protocol, ports, answers }) =>
      selector(local, remote, {
        protocol,
        ...(protocol === 17 ? { [answers ? 'localPorts' : 'remotePorts']: ports } : {}),
      }),
    ),
    { minLength: 1, maxLength: 2 },
  );
  const populated = fc.constantFrom([], [], [], ['remoteAddress' as const], ['protocol' as const]);
  const common = { entryId: '', ruleId: '' };
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(selectors, populated)
        .map(([all, fields]): Drawn => ({ ...common, action: 'PROTECT', selectors: all, populateFromPacket: fields })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(selectors, fc.constantFrom(...TUNNELS))
        .map(([all, tunnelId]): Drawn => ({ ...common, action: 'PROTECT', tunnelId, selectors: all })),
    },
    { weight: 1, arbitrary: selectors.map((all): Drawn => ({ ...common, action: 'DISCARD', selectors: all })) },
    {
      weight: 1,
      arbitrary: selectors.map(
        (all): Drawn => ({ ...common, action: 'BYPASS', direction: 'outbound', selectors: all }),
      ),
    },
  );
}

/** Of each half of a site: whose it is, or nobody's. */
function carriers(): fc.Arbitrary<readonly Carrier[]> {
  return fc
    .array(fc.constantFrom(0, 0, 0, 1, 2), { minLength: HALVES.length, maxLength: HALVES.length })
    .map((drawn) => {
      const owners = HALVES.map((_, index) => {
        const usual = Math.floor(index / 4);
        return drawn[index] === 0 ? usual : drawn[index] === 1 ? 3 : (usual + 1) % 3;
      });
      const tunnels: readonly Pick<Carrier, 'tunnelId' | 'alternatives'>[] = [
        { tunnelId: 'a' },
        { tunnelId: 'b', alternatives: ['b', 'c'] },
        { tunnelId: 'd' },
      ];
      return tunnels.flatMap((tunnel, place) => {
        const addresses = ranges(...HALVES.filter((_, index) => owners[index] === place));
        return addresses.length === 0 ? [] : [{ ...tunnel, addresses }];
      });
    });
}

interface Event {
  readonly kind: 'sent' | 'arrived' | 'error sent' | 'error arrived' | 'fragments sent' | 'run' | 'clear';
  readonly six: boolean;
  readonly site: number;
  readonly host: number;
  readonly ports: readonly [number, number];
  readonly tunnelId: string;
}

function event(): fc.Arbitrary<Event> {
  return fc.record({
    kind: fc.constantFrom<Event['kind'][]>(
      'sent',
      'arrived',
      'error sent',
      'error arrived',
      'fragments sent',
      'run',
      'clear',
    ),
    six: fc.boolean(),
    site: fc.constantFrom(...SITES),
    host: fc.constantFrom(1, 200),
    ports: fc.constantFrom<(readonly [number, number])[]>([1, 2], [2, 9], [9, 9]),
    tunnelId: fc.constantFrom(...TUNNELS),
  });
}

interface Outcome {
  readonly outcome: string;
  readonly [more: string]: unknown;
}

/** What an edge does with a packet. Nobody carrying it, and an entry that discards what nobody carries, are the same. */
function happens(at: DataPlane, { kind, six, site, host, ports, tunnelId }: Event): Outcome {
  const here = six ? '2001:db8:1::1' : '10.1.0.1';
  const far = six ? `2001:db8:${site}:0:${host > 99 ? '8000' : '0'}::1` : `10.${site}.0.${host}`;
  const leaving = ipPacket({ source: here, destination: far, payload: udp(...ports, 400), protocol: 17 });
  const coming = ipPacket({ source: far, destination: here, payload: udp(...ports, 400), protocol: 17 });
  switch (kind) {
    case 'sent':
      return outcomeOf(at, leaving);
    case 'fragments sent': {
      const parts = fragmentsOf(leaving, 7, 200, 200).map((part) => outcomeOf(at, part));
      return { outcome: parts.at(-1)?.outcome ?? '', parts };
    }
    case 'error sent':
      // About a packet that came from there, by a router here that no entry is about.
      return outcomeOf(
        at,
        icmpError({ source: six ? '2001:db8:9::9' : '10.9.0.9', destination: far }, six ? 1 : 3, six ? 4 : 3, coming),
      );
    case 'run': {
      const out = new Uint8Array(4000);
      const run: PacketRun = {
        write: (_, offset) => {
          out.set(leaving, offset);
          return leaving.length;
        },
      };
      const { verdict, reason, tunnelId: by, packets } = at.protectRun(run, 0, 3, out, 40, 1);
      return { outcome: plain(reason) ?? verdict, by, packets };
    }
    case 'arrived':
      return arrival(at, coming, tunnelId);
    case 'error arrived':
      return arrival(
        at,
        icmpError({ source: six ? '2001:db8:9::9' : '10.9.0.9', destination: here }, six ? 1 : 3, six ? 4 : 3, leaving),
        tunnelId,
      );
    case 'clear': {
      const { verdict, reason, tunnelId: by } = at.receiveClear(coming, 0, coming.length, 1);
      const explained = at.explainClear(coming, 0, coming.length, 1);
      // What nobody carries is to be protected all the same, and the entry of the oracle discards it.
      if (by === '') return { outcome: reason === undefined ? verdict : 'discard' };
      return { outcome: reason ?? verdict, by, explained: explained.tunnelId };
    }
  }
}

function outcomeOf(at: DataPlane, packet: Uint8Array): Outcome {
  const explained = at.explain(packet, 0, packet.length, 1);
  const { packets, verdicts, reasons } = send(at, packet);
  const spis = packets.map((sealed) => new DataView(sealed.buffer, sealed.byteOffset).getUint32(0));
  const { acquire, verdict, tunnelId, byQuotedPacket } = explained;
  return {
    outcome: plain(reasons[0]) ?? verdicts[0] ?? '',
    spis,
    reasons: reasons.map(plain),
    explained: {
      acquire,
      verdict,
      tunnelId,
      byQuotedPacket,
      reason: plain(explained.reason),
      ruleId: explained.entry?.ruleId,
    },
  };
}

function plain(reason: DropReason | undefined): string | undefined {
  return reason === 'no_tunnel' || reason === 'spd_discard' ? 'nobody' : reason;
}

/** A packet that comes out of a tunnel. */
function arrival(at: DataPlane, packet: Uint8Array, tunnelId: string): Outcome {
  const peer = plane([
    { entryId: 'p', ruleId: 'p', action: 'PROTECT', tunnelId, selectors: [selector([], [])] },
    bypass('b', selector([], [])),
  ]);
  peer.install(association('outbound', { tunnelId, spi: spiOf(tunnelId) }), 0);
  // Of one peer, which goes on counting: each edge sees each number once.
  const { reasons, packets } = receive(at, numbered(peer, at, packet), false);
  return { outcome: reasons[0] ?? (packets.length === 1 ? 'passed' : 'lost'), packets: packets.length };
}

/** As the packet that follows those that the edge has seen. */
function numbered(peer: DataPlane, at: DataPlane, packet: Uint8Array): readonly Uint8Array[] {
  const number = (arrivals.get(at) ?? 0) + 1;
  arrivals.set(at, number);
  let last: readonly Uint8Array[] = [];
  for (let sent = 0; sent < number; sent++) last = send(peer, packet).packets;
  return last;
}

const arrivals = new WeakMap<DataPlane, number>();

function acquired(at: DataPlane) {
  return at.acquires().map(({ entryId: _, ...acquire }) => acquire);
}

function byRule(at: DataPlane) {
  const sums = new Map<string, bigint[]>();
  for (const { ruleId, packets, bytes, inboundPackets, inboundBytes } of at.policies()) {
    const before = sums.get(ruleId) ?? [0n, 0n, 0n, 0n];
    sums.set(
      ruleId,
      [packets, bytes, inboundPackets, inboundBytes].map((value, index) => value + (before[index] ?? 0n)),
    );
  }
  return sums;
}
