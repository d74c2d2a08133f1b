import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fateOf, holderOf } from '../../test/reference-fabric.js';
import { ruleOfIntent } from '../../test/reference-policy.js';
import { compiledOrThrow, healthyIntent, hostsIntent, SPOKES } from '../../test/seeded-bugs.js';
import { everyPacket, smallUniverse } from '../../test/small-universe.js';
import { parseAddressText } from '../address/text.js';
import { compileShared } from '../fabric/compile-shared.js';
import type { Packet } from '../proof/packet.js';
import { explainPacket } from './explain-packet.js';

describe('explainPacket', () => {
  it('says what a site itself knows an address by, where its network is mapped 1:1', () => {
    const intent = healthyIntent();
    const networks = intent.networks.map((network) =>
      network.id === 'network-1-0' ? { ...network, prefix: '192.168.0.6/31', mappedPrefix: network.prefix } : network,
    );
    const { source, destination } = explainPacket(
      compiledOrThrow({ ...intent, networks }),
      packet('10.0.0.1', '10.1.0.1', 6, 50_000, 1),
    );
    expect([source?.siteAddress, destination?.siteAddress]).toEqual([undefined, '192.168.0.7']);
  });

  it('says which of the services that a rule names the packet is of, either way', () => {
    const service = (id: string, port: number) => {
      return { id, name: id, services: [{ protocol: 'tcp' as const, ports: [{ first: port, last: port }] }] };
    };
    const named = (explained: Packet, serviceIds: string[]) => {
      const intent = healthyIntent();
      const policies = intent.policies.map((policy) => ({
        ...policy,
        rules: policy.rules.map((rule) => (rule.id === 'database' ? { ...rule, serviceIds } : rule)),
      }));
      const services = [service('other', 2), service('postgres', 1), service('same', 1)];
      const { rule } = explainPacket(compiledOrThrow({ ...intent, policies, services }), explained);
      return [rule?.ruleId, rule?.namedServices.map(({ id }) => id)];
    };
    const [question, answer] = [
      packet('10.0.0.1', '10.1.1.0', 6, 50_000, 1),
      packet('10.1.1.0', '10.0.0.1', 6, 1, 50_000),
    ];
    expect(named(question, ['other', 'postgres', 'same'])).toEqual(['database', ['postgres', 'same']]);
    expect(named(answer, ['other', 'postgres', 'same'])).toEqual(['database', ['postgres', 'same']]);
    expect(named(question, ['other'])).toEqual(['database', []]);
  });

  it('names the policy line, the SPD entries of both ends, the association and what encapsulation costs', () => {
    const { verdict, rule, source, destination, hops } = explainPacket(
      compiledOrThrow(healthyIntent()),
      packet('10.0.0.1', '10.1.1.0', 6, 50_000, 1),
    );
    expect(verdict).toEqual({ kind: 'protected' });
    expect(rule).toEqual({
      ruleId: 'database',
      name: 'database',
      policyId: 'policy',
      policyName: 'policy',
      action: 'PROTECT',
      position: 2,
      namedServices: [],
    });
    expect([source?.edgeId, destination?.edgeId]).toEqual(['edge-9', 'edge-8']);
    expect(hops).toHaveLength(1);
    const [hop] = hops;
    expect([hop?.outbound?.edgeId, hop?.outbound?.entry.ruleId, hop?.outbound?.entry.direction]).toEqual([
      'edge-9',
      'database',
      'opens',
    ]);
    expect([hop?.inbound?.edgeId, hop?.inbound?.entry.ruleId, hop?.inbound?.entry.direction]).toEqual([
      'edge-8',
      'database',
      'answers',
    ]);
    expect(hop?.association).toMatchObject({
      keyingMode: 'ikev2',
      esp: { encryption: 'aes-gcm-16', keyBits: 256 },
      local: { address: '203.0.113.1', port: 4500 },
      remote: { address: '203.0.113.2', port: 4500 },
      remoteIdentity: 'spiffe://weft.internal/tenant/tenant/edge/edge-8',
    });
    // 20 of IPv4 and 8 of UDP; the payload with its two octets of trailer ends on a boundary of four.
    expect(hop?.encapsulation).toEqual({
      underlayMtu: 1500,
      udp: true,
      outerHeaders: 28,
      espHeader: 8,
      iv: 8,
      trailer: 2,
      icv: 16,
      innerMtu: 1438,
      outerLength: 1500,
    });
  });

  it.each([
    ['IPv4', '203.0.113.', 20, 12, 1452],
    // "A multiple of 8 octets over IPv6" (RFC 4302 section 2.2): four of padding.
    ['IPv6', '2001:db8::', 40, 16, 1428],
  ])('shows what AH costs over %s, and that it is not ESP', (_, underlay, outerHeaders, espHeader, innerMtu) => {
    const healthy = healthyIntent();
    const edges = healthy.edges.map((edge, index) => ({ ...edge, underlayAddress: `${underlay}${index + 1}` }));
    const fabric = compiledOrThrow({ ...healthy, edges, securityProtocol: 'ah' });
    const { hops } = explainPacket(fabric, packet('10.0.0.1', '10.1.1.0', 6, 50_000, 1));
    expect(hops[0]?.association.esp).toMatchObject({ protocol: 'ah', integrity: 'hmac-sha2-256-128' });
    const none = { udp: false, iv: 0, trailer: 0, icv: 16 };
    const sizes = { underlayMtu: 1500, outerHeaders, espHeader, innerMtu, outerLength: 1500 };
    expect(hops[0]?.encapsulation).toEqual({ ...none, ...sizes });
    expect(fabric.bundles.map(({ device }) => device.mtu)).toEqual(fabric.bundles.map(() => innerMtu));
  });

  it.each([
    ['IPv4', 4, 'esp', { espHeader: 8, iv: 8, trailer: 2, icv: 16, innerMtu: 1466 }],
    ['IPv6', 6, 'esp', { espHeader: 8, iv: 8, trailer: 2, icv: 16, innerMtu: 1466 }],
    ['IPv4', 4, 'ah', { espHeader: 12, iv: 0, trailer: 0, icv: 16, innerMtu: 1472 }],
    ['IPv6', 6, 'ah', { espHeader: 16, iv: 0, trailer: 0, icv: 16, innerMtu: 1468 }],
  ] as const)(
    'shows that a packet over %s keeps its header in transport mode (IPv%d, %s)',
    (_, family, form, sizes) => {
      const fabric = compiledOrThrow({ ...hostsIntent(family), securityProtocol: form });
      const [source, destination] = fabric.bundles.map(({ underlay }) => underlay.address);
      const { hops, verdict } = explainPacket(fabric, packet(source ?? '', destination ?? '', 6, 50_000, 2));
      expect(verdict).toEqual({ kind: 'protected' });
      expect(hops[0]?.association.esp).toMatchObject({ mode: 'transport' });
      const ends = { underlayMtu: 1500, udp: false, outerHeaders: 0, outerLength: 1500 };
      expect(hops[0]?.encapsulation).toEqual({ ...ends, ...sizes });
      expect(fabric.bundles.map(({ device }) => device.mtu)).toEqual(fabric.bundles.map(() => sizes.innerMtu));
    },
  );

  it('says what is not carried, and why', () => {
    const fabric = compiledOrThrow(healthyIntent());
    const verdictOf = (one: Packet) => explainPacket(fabric, one).verdict;
    expect(verdictOf(packet('10.0.0.1', '10.1.0.0', 6, 5, 2))).toEqual({ kind: 'discarded', because: 'rule' });
    expect(verdictOf(packet('10.0.0.1', '10.1.0.0', 47, 0, 0))).toEqual({ kind: 'discarded', because: 'no_rule' });
    expect(verdictOf(packet('10.0.0.1', '192.0.2.1', 6, 5, 2))).toEqual({
      kind: 'not_in_fabric',
      because: 'destination',
    });
    expect(verdictOf(packet('192.0.2.1', '10.0.0.1', 6, 5, 2))).toEqual({ kind: 'not_in_fabric', because: 'source' });
    expect(verdictOf(packet('10.0.0.1', '10.0.1.0', 6, 5, 3))).toEqual({ kind: 'not_in_fabric', because: 'same_site' });
  });

  it('shows every tunnel on a way through a hub', () => {
    const { hops } = explainPacket(compiledOrThrow(healthyIntent(SPOKES)), packet('10.2.0.0', '10.3.0.0', 17, 9, 1));
    expect(hops.map(({ fromEdgeId, toPeerId }) => [fromEdgeId, toPeerId])).toEqual([
      ['edge-7', 'edge-9'],
      ['edge-9', 'edge-6'],
    ]);
    expect(new Set(hops.map(({ association }) => association.profileId))).toEqual(new Set(['other']));
  });

  it('says of every packet what becomes of it', () => {
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const result = compileShared(intent);
        fc.pre(result.ok);
        for (const one of everyPacket()) {
          const fate = fateOf(result.fabric, one);
          if (fate === undefined) continue;
          const explained = explainPacket(
            result.fabric,
            packet(one.source, one.destination, one.protocol, one.sourcePort, one.destinationPort),
          );
          const arrives = explained.verdict.kind === 'protected';
          const to = holderOf(result.fabric, one.destination) ?? -1;
          if (arrives !== (fate.kind === 'arrived') || explained.rule?.ruleId !== ruleOfIntent(intent, one)?.id) {
            throw new Error(
              `${JSON.stringify(one)} to ${to}: ${JSON.stringify(fate)} but ${JSON.stringify(explained.verdict)}`,
            );
          }
          if (fate.kind === 'arrived')
            expect(explained.hops.map(({ fromEdgeId }) => fromEdgeId)).toEqual(fate.way.slice(0, -1));
        }
      }),
      { numRuns: 5 },
    );
  });
});

function packet(
  source: string,
  destination: string,
  protocol: number,
  sourcePort: number,
  destinationPort: number,
): Packet {
  const [from, to] = [parseAddressText(source), parseAddressText(destination)];
  if (from === undefined || to === undefined) throw new Error(`${source} or ${destination} is no address`);
  return { family: from.family, source: from.value, destination: to.value, protocol, sourcePort, destinationPort };
}
