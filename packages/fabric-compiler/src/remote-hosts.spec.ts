import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPeers, PEER_ADDRESSES, peersAt } from '../test/arbitrary-peers.js';
import { compileFabric } from '../test/compile-fabric.js';
import { deliveredFates } from '../test/delivered-fate.js';
import { holderInIntent, type Packet, prefixHolds, verdictOfIntent } from '../test/reference-policy.js';
import { everyPacket, siteId, universe } from '../test/small-universe.js';
import { parseAddressText } from './address/text.js';
import { explainPacket } from './explain/explain-packet.js';
import { type CompiledFabric, compileShared } from './fabric/compile-shared.js';
import { pathBetween } from './fabric/paths.js';
import { sharedBundleOctets } from './fabric/shared-bundle.js';
import type { FabricIntent } from './intent.js';
import type { FindingKind } from './proof/finding.js';
import type { Packet as ProvenPacket } from './proof/packet.js';
import { proveDelivered } from './proof/prove-delivered.js';
import { type FabricProof, proveFabric } from './proof/prove-fabric.js';

describe('remote hosts and gateways that are not ours', () => {
  it('send and receive exactly what the rules say, from and to every site and each other', () => {
    const seen = { arrived: 0, relayed: 0, discarded: 0, between: 0 };
    fc.assert(
      fc.property(
        arbitraryPeers(),
        fc.array(fc.constantFrom(...PACKETS), { minLength: 60, maxLength: 60 }),
        (intent, packets) => {
          const { delivered, fabric } = compiled(intent);
          for (const packet of packets) {
            const wanted = wantedFate(intent, fabric, packet);
            if (wanted === undefined) continue;
            const fates = [...deliveredFates(intent, delivered, packet)];
            if (wanted === 'discarded')
              expect(
                fates.filter((fate) => !LOST.has(fate)),
                JSON.stringify(packet),
              ).toEqual([]);
            else expect(fates, JSON.stringify(packet)).toEqual([wanted]);
            const { verdict, hops } = explainPacket(fabric, parsed(packet));
            expect(verdict.kind === 'protected').toBe(!wanted.includes('discarded'));
            const stops = wanted.split(' ').length;
            if (stops > 1)
              expect(hops.map(({ toPeerId }) => stopOf(intent, toPeerId))).toEqual(wanted.split(' ').slice(1));
            seen[stops > 1 ? 'arrived' : 'discarded'] += 1;
            if (stops > 2) seen.relayed += 1;
            if (stops > 1 && isPeer(intent, packet.source) && isPeer(intent, packet.destination)) seen.between += 1;
          }
        },
      ),
      { numRuns: 200 },
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(50);
  });

  it('are delivered as they are proven, and the proof finds nothing in the clear', () => {
    fc.assert(
      fc.property(arbitraryPeers(), (intent) => {
        const { delivered, fabric } = compiled(intent);
        expect([...proveDelivered(delivered, fabric).values()].flat()).toEqual([]);
        const kinds = proveFabric(fabric).findings.map(({ kind }) => kind);
        expect(kinds.filter((kind) => WRONG.has(kind))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('give after an edit of rules what a compilation and a proof from nothing give', () => {
    fc.assert(
      fc.property(arbitraryPeers(), arbitraryPeers(), (one, other) => {
        const { fabric } = compiled(one);
        const edited = { ...one, policies: other.policies };
        const [anew, incremental] = [compileShared(edited), compileShared(structuredClone(edited), fabric)];
        expect(incremental.ok).toBe(anew.ok);
        if (!anew.ok || !incremental.ok) return;
        const octets = (from: CompiledFabric) => from.bundles.map((bundle) => Buffer.from(sharedBundleOctets(bundle)));
        expect(octets(incremental.fabric)).toEqual(octets(anew.fabric));
        const before = proveFabric(fabric);
        const detail = ({ findings }: FabricProof) => findings.map((finding) => finding.detail).sort();
        expect(detail(proveFabric(incremental.fabric, before))).toEqual(detail(proveFabric(anew.fabric)));
      }),
      { numRuns: 100 },
    );
  });

  it('are reached through the site that has the tunnel, and through no other that has one with somebody else', () => {
    const rule = { id: '', name: '', action: 'PROTECT', services: [{ protocol: 'any', ports: [] }] } as const;
    const chain = universe(
      [
        {
          ...rule,
          sources: [{ kind: 'site', siteId: siteId(2) }],
          destinations: [{ kind: 'external_peer', externalPeerId: 'alice' }],
        },
      ],
      {
        kind: 'custom_links',
        links: [{ siteIds: [siteId(2), siteId(0)] }, { siteIds: [siteId(0), siteId(1)] }],
        relaySiteIds: [],
      },
      undefined,
    );
    const intent = { ...chain, ...peersAt(siteId(1), siteId(0)) };
    const packet = { source: '10.2.0.0', destination: '10.200.0.1', protocol: 6, sourcePort: 0, destinationPort: 0 };
    const { delivered, fabric } = compiled(intent);
    expect([...deliveredFates(intent, delivered, packet)]).toEqual(['discarded']);
    expect([...proveDelivered(delivered, fabric).values()].flat()).toEqual([]);
  });

  it('have every address of a pool routed into the fabric at every edge, assigned or not', () => {
    fc.assert(
      fc.property(arbitraryPeers(), (intent) => {
        for (const { routes } of compiled(intent).delivered.values()) {
          for (const { prefix } of intent.addressPools ?? []) expect(routes).toContain(prefix);
          const ofHosts = PEER_ADDRESSES.filter((address) => prefixHolds('10.200.0.0/29', address));
          for (const address of ofHosts) expect(routes.filter((route) => prefixHolds(route, address))).toHaveLength(1);
        }
      }),
      { numRuns: 50 },
    );
  });
});

function compiled(intent: FabricIntent) {
  const [shared, result] = [compileShared(intent), compileFabric(intent)];
  fc.pre(shared.ok);
  if (!shared.ok || !result.ok) throw new Error(JSON.stringify(result));
  return { delivered: result.bundles, fabric: shared.fabric };
}

/** What the rules and the topology say, without a line of the bundles; undefined when no edge is asked. */
function wantedFate(
  intent: FabricIntent,
  { plan }: ReturnType<typeof compiled>['fabric'],
  packet: Packet,
): string | undefined {
  const [from, to] = [holderInIntent(intent, packet.source), holderInIntent(intent, packet.destination)];
  if (from === undefined || from === to) return undefined;
  const { numbers, owners } = plan.topology;
  const atSite = (holder: string) => intent.externalPeers?.find(({ id }) => id === holder)?.gatewaySiteIds[0] ?? holder;
  const served = (holder: string) => owners[numbers.get(atSite(holder)) ?? -1]?.kind === 'edge';
  if (!served(from)) return undefined;
  if (to === undefined || verdictOfIntent(intent, packet) !== 'PROTECT' || !served(to)) return 'discarded';
  const way = pathBetween(plan.paths, numbers.get(from) ?? -1, numbers.get(to) ?? -1);
  if (way === undefined) return 'discarded';
  return way.map((owner) => owners[owner]?.siteId).join(' ');
}

function stopOf({ edges }: FabricIntent, peerId: string): string {
  return edges.find(({ id }) => id === peerId)?.siteId ?? peerId;
}

function parsed({ source, destination, ...ports }: Packet): ProvenPacket {
  const [from, to] = [parseAddressText(source), parseAddressText(destination)];
  if (from === undefined || to === undefined) throw new Error(`${source} or ${destination} is no address`);
  return { ...ports, family: from.family, source: from.value, destination: to.value };
}

function isPeer({ externalPeers = [] }: FabricIntent, address: string): boolean {
  const holder = holderInIntent({ ...NO_SITES, externalPeers }, address);
  return holder !== undefined;
}

function* packets(): Generator<Packet> {
  for (const one of PEER_ADDRESSES) {
    for (const other of [...PEER_ADDRESSES, ...SITE_ADDRESSES]) {
      if (one === other || one.includes(':') !== other.includes(':')) continue;
      for (const [source, destination] of [
        [one, other],
        [other, one],
      ] as const) {
        yield { source, destination, protocol: 1, sourcePort: 0, destinationPort: 0 };
        for (const [sourcePort, destinationPort] of [
          [0, 1],
          [2, 0],
          [3, 3],
        ] as const) {
          yield { source, destination, protocol: 6, sourcePort, destinationPort };
        }
      }
    }
  }
}

const NO_SITES: FabricIntent = { tenantId: '', sites: [], networks: [], edges: [], policies: [] };
const SITE_ADDRESSES = [...new Set([...everyPacket()].map(({ source }) => source))];
const PACKETS = [...packets()];
/** What is not in the traffic selectors of a tunnel never enters it. */
const LOST = new Set(['discarded', 'not selected']);
/** Of the others some are about how rules stand to each other, which is drawn at random. */
const WRONG = new Set<FindingKind>([
  'cleartext',
  'denied_is_protected',
  'allowed_is_discarded',
  'wrong_profile',
  'foreign_local',
  'routing_loop',
  'one_sided_peer',
  'wrong_route',
  'wrong_endpoint',
  'ambiguous_peer',
  'authentication_failed',
  'no_proposal_chosen',
  'ts_unacceptable',
]);
