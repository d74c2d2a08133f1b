import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent } from '../test/arbitrary-intent.js';
import { type CompileResult, compileFabric, namedEntries } from '../test/compile-fabric.js';
import { externalIntent, healthyIntent } from '../test/seeded-bugs.js';
import { everyPacket, smallUniverse } from '../test/small-universe.js';
import { parseAddressText } from './address/text.js';
import { explainPacket } from './explain/explain-packet.js';
import { compileShared } from './fabric/compile-shared.js';
import { sharedBundleOctets } from './fabric/shared-bundle.js';
import type { FabricIntent, Rule, TunnelStart } from './intent.js';
import { soonestStart } from './tunnel-starts.js';

describe('starts of tunnels', () => {
  it('are what no rule misses anything by that sends packets through, at both ends', () => {
    const seen = { start: 0, trap: 0, idle: 0, alternative: 0 };
    fc.assert(
      fc.property(
        arbitraryIntent(true),
        fc.infiniteStream(fc.option(fc.oneof({ arbitrary: trap(), weight: 4 }, start()), { nil: undefined })),
        fc.option(fc.oneof(trap(), start()), { nil: undefined }),
        (written, choices, standard) => {
          const intent = withStarts(written, choices, standard);
          const without = compileFabric({ ...written, keyingMode: 'ikev2' });
          const result = compileFabric(intent);
          if (!without.ok) {
            expect(result).toEqual(without);
            return;
          }
          const delivered = deliveredTraps(result);
          const wanted = wantedTraps(without, intent);
          for (const [tunnelId, { trap, alternative }] of wanted) {
            expect(delivered.get(tunnelId)).toEqual(trap === undefined ? [undefined, undefined] : [trap, trap]);
            seen[trap === undefined ? 'start' : trap.idleSeconds === undefined ? 'trap' : 'idle'] += 1;
            if (alternative) seen.alternative += 1;
          }
          // But for when tunnels are negotiated it is the same fabric.
          expect(withoutTraps(result)).toEqual(withoutTraps(without));
        },
      ),
      { numRuns: 600 },
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(5);
  });

  it('do not depend on the order of the rules', () => {
    const any = fc.oneof(trap(), start());
    fc.assert(
      fc.property(any, any, any, (one, two, three) => {
        expect(soonestStart(one, two)).toEqual(soonestStart(two, one));
        expect(soonestStart(soonestStart(one, two), three)).toEqual(soonestStart(one, soonestStart(two, three)));
        expect(soonestStart(one, one)).toEqual(one);
      }),
    );
  });

  it('make no other fabric of what is proven, edited or compiled from nothing', () => {
    const before = compileShared({ ...healthyIntent(), keyingMode: 'ikev2' });
    if (!before.ok) throw new Error(JSON.stringify(before.problems));
    const edited = everyRule({ ...before.fabric.intent, tunnelStart: IDLE }, { kind: 'trap' });
    const [incremental, anew] = [compileShared(edited, before.fabric), compileShared(edited)];
    expect(octetsOf(incremental)).toEqual(octetsOf(anew));
    expect(octetsOf(incremental)).toEqual(octetsOf(before));
    expect(incremental).toMatchObject({ ok: true, changed: [] });
  });

  it('are explained as they are delivered, on every way', () => {
    const seen = { start: 0, trap: 0 };
    const packets = [...everyPacket()].filter((_, index) => index % 97 === 0);
    fc.assert(
      fc.property(
        smallUniverse(),
        fc.infiniteStream(fc.option(fc.oneof({ arbitrary: trap(), weight: 4 }, start()), { nil: undefined })),
        fc.option(trap(), { nil: undefined }),
        (written, choices, standard) => {
          const intent = withStarts(
            withRules(written, ({ profileId: _, ...rule }) => rule),
            choices,
            standard,
          );
          const [shared, delivered] = [compileShared(intent), compileFabric(intent)];
          fc.pre(shared.ok && delivered.ok);
          if (!shared.ok || !delivered.ok) return;
          for (const packet of packets) {
            const [source, destination] = [parseAddressText(packet.source), parseAddressText(packet.destination)];
            if (source === undefined || destination === undefined) throw new Error('they are addresses');
            const asked = { ...packet, family: source.family, source: source.value, destination: destination.value };
            for (const { fromEdgeId, toPeerId, association } of explainPacket(shared.fabric, asked).hops) {
              const tunnels = delivered.bundles.get(fromEdgeId)?.tunnels ?? [];
              const keying = tunnels.find(({ peerEdgeId }) => peerEdgeId === toPeerId)?.keying;
              const said =
                keying?.mode === 'ikev2' && keying.trap ? { kind: 'trap', ...keying.trap } : { kind: 'start' };
              expect(association.tunnelStart).toEqual(said);
              seen[association.tunnelStart?.kind ?? 'start'] += 1;
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(50);
  });

  it('are of tunnels with external peers too, whatever these are offered', () => {
    const peer = externalIntent({
      authentication: { kind: 'pre_shared_key', commitment: '00'.repeat(32) },
      expectedIdentity: 'edge.example',
      localIdentity: 'edge.example',
      identity: 'gw.partner.example',
    });
    const written = withRules(peer, ({ profileId: _, ...rule }) =>
      rule.id === 'partner' ? { ...rule, sources: [{ kind: 'site', siteId: 'site-0' }] } : rule,
    );
    const result = compileFabric({ ...written, keyingMode: 'ikev2', tunnelStart: IDLE });
    const external = bundlesOf(result).flatMap(({ tunnels }) => tunnels.filter((tunnel) => tunnel.external));
    expect(external.map(({ keying }) => keying)).toMatchObject([{ mode: 'ikev2', trap: { idleSeconds: 600 } }]);
  });

  it.each(['ike-less', 'controller-blind'] as const)('cannot wait for traffic with keys that are %s', (keyingMode) => {
    const intent = { ...withRules(healthyIntent(), ({ profileId: _, ...rule }) => rule), keyingMode };
    const refused = (change: FabricIntent) => {
      const result = compileFabric(change);
      return result.ok ? [] : result.problems.map(({ pointer, rule }) => `${pointer} ${rule}`);
    };
    expect(refused({ ...intent, tunnelStart: IDLE })).toEqual(['/tunnelStart trap_without_negotiation']);
    expect(refused(everyRule(intent, IDLE))).toEqual(
      healthyIntent().policies[0]?.rules.flatMap(({ action }, index) =>
        action === 'PROTECT' ? [`/policies/0/rules/${index}/tunnelStart trap_without_negotiation`] : [],
      ),
    );
    expect(refused(everyRule({ ...intent, tunnelStart: { kind: 'start' } }, { kind: 'start' }))).toEqual([]);
  });
});

const IDLE: TunnelStart = { kind: 'trap', idleSeconds: 600 };

function start(): fc.Arbitrary<TunnelStart> {
  return fc.constant({ kind: 'start' });
}

function trap(): fc.Arbitrary<TunnelStart> {
  return fc
    .option(fc.integer({ min: 10, max: 2_592_000 }), { nil: undefined })
    .map((idleSeconds) => ({ kind: 'trap', ...(idleSeconds === undefined ? {} : { idleSeconds }) }));
}

function everyRule(intent: FabricIntent, tunnelStart: TunnelStart): FabricIntent {
  return withRules(intent, (rule) => ({ ...rule, tunnelStart }));
}

function withStarts(
  intent: FabricIntent,
  choices: Iterable<TunnelStart | undefined>,
  standard: TunnelStart | undefined,
): FabricIntent {
  const choice = choices[Symbol.iterator]();
  const chosen = withRules(intent, (rule) => {
    const tunnelStart = choice.next().value;
    return tunnelStart === undefined ? rule : { ...rule, tunnelStart };
  });
  return { ...chosen, keyingMode: 'ikev2', ...(standard === undefined ? {} : { tunnelStart: standard }) };
}

function withRules(intent: FabricIntent, change: (rule: Rule) => Rule): FabricIntent {
  return { ...intent, policies: intent.policies.map((policy) => ({ ...policy, rules: policy.rules.map(change) })) };
}

/** By tunnel: what the rules want whose entries name it, in bundles that know nothing of starts; undefined: at once. */
function wantedTraps(result: CompileResult & { readonly ok: true }, intent: FabricIntent) {
  const rules = new Map(intent.policies.flatMap((policy) => policy.rules).map((rule) => [rule.id, rule]));
  const wanted = new Map(result.tunnels.map(({ tunnelId }) => [tunnelId, [] as TunnelStart[]]));
  const alternatives = new Set<string>();
  for (const bundle of result.bundles.values()) {
    const groups = new Map(bundle.tunnelGroups.map(({ groupId, tunnelIds }) => [groupId, tunnelIds]));
    for (const id of [...groups.values()].flat()) alternatives.add(id);
    for (const entry of namedEntries(bundle)) {
      if (entry.action !== 'PROTECT') continue;
      for (const tunnelId of groups.get(entry.tunnelId) ?? [entry.tunnelId]) {
        wanted.get(tunnelId)?.push(rules.get(entry.ruleId)?.tunnelStart ?? intent.tunnelStart ?? { kind: 'start' });
      }
    }
  }
  return new Map(
    [...wanted].map(([tunnelId, starts]) => {
      const seconds = starts.map((one) => (one.kind === 'start' ? undefined : (one.idleSeconds ?? Infinity)));
      const longest = Math.max(...seconds.map((value) => value ?? 0));
      const alternative = alternatives.has(tunnelId);
      const atOnce = alternative || seconds.includes(undefined);
      const idle = longest === Infinity ? {} : { idleSeconds: longest };
      return [tunnelId, { alternative, trap: atOnce ? undefined : (idle as { readonly idleSeconds?: number }) }];
    }),
  );
}

/** By tunnel, of each of its ends. */
function deliveredTraps(result: CompileResult): ReadonlyMap<string, readonly unknown[]> {
  const traps = new Map<string, unknown[]>();
  for (const { tunnelId, keying } of bundlesOf(result).flatMap(({ tunnels }) => tunnels)) {
    traps.set(tunnelId, [...(traps.get(tunnelId) ?? []), keying.mode === 'ikev2' ? keying.trap : keying]);
  }
  return traps;
}

function withoutTraps(result: CompileResult) {
  return bundlesOf(result).map((bundle) => ({
    ...bundle,
    tunnels: bundle.tunnels.map((tunnel) => ({ ...tunnel, keying: tunnel.keying.mode })),
  }));
}

function bundlesOf(result: CompileResult) {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return [...result.bundles.values()];
}

function octetsOf(result: ReturnType<typeof compileShared>): readonly string[] {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.fabric.bundles.map((bundle) => Buffer.from(sharedBundleOctets(bundle)).toString('hex'));
}
