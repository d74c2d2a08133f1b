import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shuffled } from '../../test/arbitrary-intent.js';
import { fateOf } from '../../test/reference-fabric.js';
import { verdictOfIntent } from '../../test/reference-policy.js';
import { arbitraryRule, everyPacket, smallUniverse, universe } from '../../test/small-universe.js';
import type { FabricIntent, IntentEdge, Rule } from '../intent.js';
import { type CompiledFabric, compileShared } from './compile-shared.js';
import { pathBetween } from './paths.js';
import { sharedBundleOctets } from './shared-bundle.js';

describe('compileShared', () => {
  it('carries every packet as the rules say, by the tunnels of the topology, and discards every other', () => {
    let arrived = 0;
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const fabric = compiled(intent);
        fc.pre(fabric !== undefined);
        for (const packet of everyPacket()) {
          const fate = fateOf(fabric, packet);
          if (fate === undefined) continue;
          const allowed = verdictOfIntent(intent, packet) === 'PROTECT' && connected(fabric, packet);
          if (allowed !== (fate.kind === 'arrived') || fate.kind === 'clear') {
            throw new Error(`${JSON.stringify(packet)} should ${allowed ? '' : 'not '}arrive: ${JSON.stringify(fate)}`);
          }
          if (allowed) arrived += 1;
        }
      }),
      { numRuns: 15 },
    );
    expect(arrived).toBeGreaterThan(1000);
  });

  it('gives the same octets and hashes whatever the order of what has no order', () => {
    fc.assert(
      fc.property(
        smallUniverse().chain((intent) => fc.tuple(fc.constant(intent), shuffled(intent))),
        ([intent, other]) => {
          const one = compiled(intent);
          fc.pre(one !== undefined);
          expect(octetsOf(compiled(other))).toEqual(octetsOf(one));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('gives after an edit what a compilation from nothing gives, and names every edge that it changes', () => {
    fc.assert(
      fc.property(smallUniverse(), fc.array(arbitraryEdit(), { minLength: 1, maxLength: 5 }), (intent, edits) => {
        let before = compiled(intent);
        fc.pre(before !== undefined);
        for (const edit of edits) {
          const edited = edit(before?.intent ?? intent);
          const anew = compileShared(edited);
          const incremental = compileShared(structuredClone(edited), before);
          expect(incremental.ok).toBe(anew.ok);
          if (!anew.ok || !incremental.ok) continue;
          expect(octetsOf(incremental.fabric)).toEqual(octetsOf(anew.fabric));
          const different = anew.fabric.bundles.flatMap((bundle, edge) =>
            hex(bundle.digest) === hex(before?.bundles[edge]?.digest) && bundle.edgeId === before?.bundles[edge]?.edgeId
              ? []
              : [edge],
          );
          expect(incremental.changed).toEqual(different);
          before = incremental.fabric;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('gives a relay what a compilation from nothing gives when an edit changes no edge but it', () => {
    const siteIds = ['site-0', 'site-2', 'site-3'] as const;
    const links = [{ siteIds: [siteIds[0], siteIds[1]] }, { siteIds: [siteIds[1], siteIds[2]] }] as const;
    const anything = { services: [{ protocol: 'any', ports: [] }], action: 'PROTECT' } as const;
    const everywhere: Rule = {
      ...anything,
      id: '',
      name: '',
      sources: [{ kind: 'any' }],
      destinations: [{ kind: 'any' }],
    };
    const topology = { kind: 'custom_links', links, relaySiteIds: [siteIds[1]] } as const;
    const members = [{ kind: 'site', siteId: siteIds[0] }] as const;
    const intent = { ...universe([everywhere], topology, undefined), groups: [{ id: 'one', name: 'one', members }] };
    // Nothing for the edges of the ends, which do not see traffic within a site; the relay's entries are by sets of sites.
    const site = [{ kind: 'group', groupId: 'one' }] as const;
    const within: Rule = { ...anything, id: 'within', name: 'within', sources: site, destinations: site };
    const edited = withRules(intent, (rules) => [within, ...rules]);
    const before = compiled(intent);
    const incremental = compileShared(edited, before);
    const relay = before?.bundles.findIndex(({ edgeId }) => edgeId === 'edge-7');
    expect(incremental).toMatchObject({ ok: true, changed: [relay] });
    expect(octetsOf(incremental.ok ? incremental.fabric : undefined)).toEqual(octetsOf(compiled(edited)));
    expect(octetsOf(compiled(edited))).not.toEqual(octetsOf(before));
  });
});

function compiled(intent: FabricIntent): CompiledFabric | undefined {
  const result = compileShared(intent);
  return result.ok ? result.fabric : undefined;
}

function octetsOf(fabric: CompiledFabric | undefined): readonly string[] | undefined {
  return fabric?.bundles.map((bundle) => hex(sharedBundleOctets(bundle)));
}

function hex(octets: Uint8Array | undefined): string {
  return Buffer.from(octets ?? []).toString('hex');
}

function connected({ plan }: CompiledFabric, packet: { source: string; destination: string }): boolean {
  const ends = [packet.source, packet.destination].map((address) =>
    plan.topology.owners.findIndex(({ prefixes }) => prefixes.some(({ text }) => text.startsWith(base(address)))),
  );
  return pathBetween(plan.paths, ends[0] ?? 0, ends[1] ?? 0) !== undefined;
}

/** What the address has in common with the prefix of its network: they are two addresses long. */
function base(address: string): string {
  return address.includes(':') ? address.replace(/1$/, '') : address.replace(/\.\d$/, '.');
}

type Edit = (intent: FabricIntent) => FabricIntent;

function arbitraryEdit(): fc.Arbitrary<Edit> {
  const place = fc.nat(7);
  return fc.oneof(
    fc.tuple(place, arbitraryRule()).map(
      ([at, rule]): Edit =>
        (intent) =>
          withRules(intent, (rules) =>
            rules.with(at % rules.length, { ...rule, id: rules[at % rules.length]?.id ?? '' }),
          ),
    ),
    fc.tuple(place, arbitraryRule(), fc.nat()).map(
      ([at, rule, id]): Edit =>
        (intent) =>
          withRules(intent, (rules) => rules.toSpliced(at % rules.length, 0, { ...rule, id: `new-${id}` })),
    ),
    place.map(
      (at): Edit =>
        (intent) =>
          withRules(intent, (rules) => (rules.length > 1 ? rules.toSpliced(at % rules.length, 1) : rules)),
    ),
    fc.constant<Edit>((intent) => withRules(intent, (rules) => rules.toReversed())),
    fc.constant<Edit>(({ defaultProfileId, ...intent }) =>
      defaultProfileId === undefined ? { ...intent, defaultProfileId: 'other' } : intent,
    ),
    fc.tuple(place, fc.integer({ min: 10, max: 3600 })).map(
      ([at, idleSeconds]): Edit =>
        (intent) =>
          withRules(intent, (rules) =>
            rules.map((rule, index) =>
              index === at % rules.length ? { ...rule, tunnelStart: { kind: 'trap', idleSeconds } } : rule,
            ),
          ),
    ),
    fc.constantFrom<Edit>(
      (intent) => ({ ...intent, tunnelStart: { kind: 'trap' } }),
      ({ tunnelStart: _, ...intent }) => intent,
    ),
    place.map(
      (at): Edit =>
        (intent) => ({
          ...intent,
          sites: intent.sites.map((site, index) =>
            index === at % intent.sites.length ? { ...site, labels: {} } : site,
          ),
        }),
    ),
    fc.tuple(place, fc.nat(2)).map(
      ([at, count]): Edit =>
        (intent) => ({
          ...intent,
          edges: intent.edges.map((edge, index) =>
            index === at % intent.edges.length ? withUplinks(edge, count) : edge,
          ),
        }),
    ),
  );
}

function withUplinks({ otherUnderlayAddresses: _, ...edge }: IntentEdge, count: number): IntentEdge {
  const last = edge.underlayAddress.split('.').at(-1);
  const others = ['198.51.100', '192.88.0'].slice(0, count).map((start) => `${start}.${last}`);
  return count === 0 ? edge : { ...edge, otherUnderlayAddresses: others };
}

function withRules(
  intent: FabricIntent,
  edit: (rules: FabricIntent['policies'][number]['rules']) => FabricIntent['policies'][number]['rules'],
): FabricIntent {
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: edit(policy.rules).map((rule) => (rule.profileId === '' ? { ...rule, profileId: 'other' } : rule)),
    })),
  };
}
