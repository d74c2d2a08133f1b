import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withEntries, withPeers, withRoutes } from '../../test/mutations.js';
import { decisionsOn, fateOf, holderOf, spelled } from '../../test/reference-fabric.js';
import { type Packet, ruleOfIntent } from '../../test/reference-policy.js';
import {
  compiledOrThrow,
  externalIntent,
  healthyIntent,
  hostsIntent,
  remoteIntent,
  SEEDED_BUGS,
  SPOKES,
} from '../../test/seeded-bugs.js';
import { arbitraryRule, everyPacket, siteId, smallUniverse, universe } from '../../test/small-universe.js';
import { formatAddressText } from '../address/text.js';
import { type CompiledFabric, compileShared } from '../fabric/compile-shared.js';
import { pathBetween } from '../fabric/paths.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { FabricIntent, Rule } from '../intent.js';
import type { Finding, FindingKind } from './finding.js';
import { proveFabric } from './prove-fabric.js';

describe('proveFabric', () => {
  it.each([
    ['a full mesh', healthyIntent()],
    ['hosts in transport mode', hostsIntent()],
    ['hosts in transport mode of AH over IPv6', { ...hostsIntent(6), securityProtocol: 'ah' as const }],
    ['hub and spoke', healthyIntent(SPOKES)],
    ['an external peer behind a gateway', externalIntent()],
    ['remote hosts', remoteIntent()],
  ])('finds nothing in %s that is right', (_, intent) => {
    expect(proveFabric(compiledOrThrow(intent)).findings).toEqual([]);
  });

  it.each(SEEDED_BUGS)('finds that $name: $expected', ({ fabric, expected }) => {
    const broken = fabric();
    const { findings } = proveFabric(broken);
    expect(findings.map(({ kind }) => kind)).toContain(expected);
    for (const finding of findings) expectRealCounterexample(broken, finding);
  });

  it('knows at least 30 seeded bugs, each by a name of its own', () => {
    expect(new Set(SEEDED_BUGS.map(({ name }) => name)).size).toBe(SEEDED_BUGS.length);
    expect(SEEDED_BUGS.length).toBeGreaterThanOrEqual(30);
  });

  it('agrees with every packet of small fabrics that were spoilt at random', () => {
    const seen = { wrong: 0, right: 0 };
    fc.assert(
      fc.property(
        smallUniverse(),
        fc.array(arbitraryMutation(), { minLength: 1, maxLength: 2 }),
        (intent, mutations) => {
          const compiled = compileShared(intent);
          fc.pre(compiled.ok);
          const fabric = mutations.reduce((spoilt, mutate) => mutate(spoilt), compiled.fabric);
          const findings = proveFabric(fabric).findings.filter(({ kind }) => ABOUT_PACKETS.has(kind));
          const wrong = firstWrongPacket(fabric);
          seen[wrong === undefined ? 'right' : 'wrong'] += 1;
          if ((wrong !== undefined) !== findings.length > 0) {
            throw new Error(
              `${JSON.stringify(wrong)} is wrong, but the proof says ${findings.map(({ detail }) => detail)}`,
            );
          }
          for (const finding of findings) expectRealCounterexample(fabric, finding);
        },
      ),
      { numRuns: 25 },
    );
    expect(Math.min(seen.wrong, seen.right)).toBeGreaterThan(3);
  });

  it('finds every packet that is to be confidential and goes into AH, and no other', () => {
    const seen = { readable: 0, confidential: 0 };
    fc.assert(
      fc.property(
        smallUniverse(),
        fc.array(fc.constantFrom(true, true, false), { minLength: 7, maxLength: 7 }),
        (intent, asked) => {
          const compiled = compileShared(withAh(intent));
          fc.pre(compiled.ok);
          // As if a compiler had not refused it. Each rule is in a policy of its own.
          const policies = intent.policies
            .flatMap(({ rules }) => rules)
            .map((one, index) => ({
              id: one.id,
              name: one.id,
              enabled: true,
              confidential: asked[index] === true,
              rules: [one],
            }));
          const fabric = { ...compiled.fabric, intent: { ...compiled.fabric.intent, policies } };
          const findings = proveFabric(fabric).findings.filter(({ kind }) => kind === 'not_confidential');
          const readable = new Set<string>();
          for (const packet of everyPacket()) {
            const rule = ruleOfIntent(intent, packet);
            const fate = fateOf(fabric, packet);
            const policy = policies.find(({ id }) => id === rule?.id);
            if (fate?.kind === 'arrived' && fate.profileId === 'other' && policy?.confidential) readable.add(policy.id);
          }
          seen[readable.size > 0 ? 'readable' : 'confidential'] += 1;
          for (const ruleId of readable) expect(findings.map((finding) => finding.ruleId)).toContain(ruleId);
          for (const { ruleId, counterexample } of findings) {
            expect(policies.find(({ id }) => id === ruleId)).toMatchObject({ confidential: true });
            if (counterexample === undefined) throw new Error('a finding about packets shows one');
            const packet = spelled(counterexample, (family, value) => formatAddressText({ family, value }));
            expect(ruleOfIntent(intent, packet)).toMatchObject({ id: ruleId, profileId: 'other' });
          }
        },
      ),
      { numRuns: 50 },
    );
    expect(Math.min(seen.readable, seen.confidential)).toBeGreaterThan(1);
  });

  it('finds the peers mutual in whatever was compiled, also of a relay that has nothing of its own to say', () => {
    const seen = { relayed: 0 };
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const compiled = compileShared(intent);
        fc.pre(compiled.ok);
        const { findings } = proveFabric(compiled.fabric);
        expect(findings.filter(({ kind }) => PEER_FINDINGS.has(kind))).toEqual([]);
        if (compiled.fabric.bundles.some(({ transitDuties }) => transitDuties.length > 0)) seen.relayed += 1;
      }),
      { numRuns: 50 },
    );
    expect(seen.relayed).toBeGreaterThan(3);
    const betweenSpokes: Rule = {
      id: '',
      name: 'between spokes',
      action: 'PROTECT',
      sources: [{ kind: 'site', siteId: siteId(1) }],
      destinations: [{ kind: 'site', siteId: siteId(2) }],
      services: [{ protocol: 'any', ports: [] }],
    };
    const hub = universe([betweenSpokes], { kind: 'hub_and_spoke', hubSiteIds: [siteId(0)] }, undefined);
    expect(proveFabric(compiledOrThrow(hub)).findings).toEqual([]);
  });

  it('names every tunnel whose packets are authenticated and not encrypted, whoever compiled it', () => {
    const ends = (intent: FabricIntent) => proveFabric(compiledOrThrow(intent)).readable.map((one) => one.ends.join());
    expect(ends(healthyIntent())).toEqual([]);
    // Sites 2 and 3 alone use the other profile.
    expect(ends(withAh(healthyIntent()))).toEqual(['edge-6,edge-7']);
    const all = ['edge-6,edge-7', 'edge-6,edge-8', 'edge-6,edge-9', 'edge-7,edge-8', 'edge-7,edge-9', 'edge-8,edge-9'];
    expect(ends({ ...healthyIntent(), securityProtocol: 'ah', profiles: [], policies: withoutProfiles() })).toEqual(
      all,
    );
    expect(proveFabric(compiledOrThrow(withAh(healthyIntent()))).findings).toEqual([]);
  });

  it('says after an edit what a proof from nothing says', () => {
    fc.assert(
      fc.property(smallUniverse(), fc.nat(7), arbitraryRule(), (intent, at, rule) => {
        const before = compileShared(intent);
        fc.pre(before.ok);
        const edited = withRule(intent, at, rule);
        const after = compileShared(edited, before.fabric);
        fc.pre(after.ok);
        const incremental = proveFabric(after.fabric, proveFabric(before.fabric));
        expect(incremental.findings).toEqual(proveFabric(compiledOrThrow(edited)).findings);
      }),
      { numRuns: 40 },
    );
  });
});

/** A counterexample must be a packet that really is treated otherwise than the rules say. */
function expectRealCounterexample(fabric: CompiledFabric, { kind, counterexample, detail }: Finding): void {
  if (counterexample === undefined || !ABOUT_PACKETS.has(kind)) return;
  const packet = spelled(counterexample, (family, value) => formatAddressText({ family, value }));
  const wrong = isWrong(fabric, packet) || isWrong(fabric, answer(packet));
  // A cleartext finding about a route shows a packet that leaves, whatever the rules say of it.
  if (!wrong && kind !== 'cleartext') throw new Error(`nothing is wrong with the counterexample of: ${detail}`);
}

function firstWrongPacket(fabric: CompiledFabric): Packet | undefined {
  const intent = intentOf(fabric);
  for (const packet of everyPacket()) if (isWrong(fabric, packet, intent)) return packet;
  return undefined;
}

/** Whether any edge on its way says something else of it than the rules, or whether it fares otherwise. */
function isWrong(fabric: CompiledFabric, packet: Packet, intent = intentOf(fabric)): boolean {
  const fate = fateOf(fabric, packet);
  const { topology, paths } = fabric.plan;
  const [from, to] = [holderOf(fabric, packet.source), holderOf(fabric, packet.destination)];
  if (fate === undefined || from === undefined || to === undefined) return false;
  const rule = ruleOfIntent(intent, packet);
  const allowed = rule?.action === 'PROTECT';
  const wanted = allowed ? `PROTECT ${rule.profileId ?? ''}` : 'DISCARD';
  const way = pathBetween(paths, from, to) ?? [from, to];
  if (fate.kind === 'clear' || decisionsOn(fabric, way, packet).some((decision) => decision !== wanted)) return true;
  return topology.owners[to]?.kind !== 'unserved' && allowed !== (fate.kind === 'arrived');
}

/** The rules that the fabric is held against, which a seeded bug may have fewer of than the intent. */
function intentOf({ intent, rules }: CompiledFabric): FabricIntent {
  const kept = new Set(rules.map(({ ruleId }) => ruleId));
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({ ...policy, rules: policy.rules.filter(({ id }) => kept.has(id)) })),
  };
}

function answer(packet: Packet): Packet {
  const { source, destination, sourcePort, destinationPort } = packet;
  return {
    ...packet,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
  };
}

/** The profile that some rules ask for protects with AH. */
function withAh(intent: FabricIntent): FabricIntent {
  return { ...intent, profiles: (intent.profiles ?? []).map((profile) => ({ ...profile, esp: AH })) };
}

function withoutProfiles(): FabricIntent['policies'] {
  return healthyIntent().policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map(({ profileId: _, ...rule }) => rule),
  }));
}

const AH = {
  protocol: 'ah',
  integrity: 'hmac-sha2-256-128',
  replayWindow: 1024,
  extendedSequenceNumbers: true,
} as const;

function withRule(
  intent: FabricIntent,
  at: number,
  rule: FabricIntent['policies'][number]['rules'][number],
): FabricIntent {
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((old, index) =>
        index === at % policy.rules.length
          ? { ...old, action: rule.action, services: rule.services, sources: rule.sources }
          : old,
      ),
    })),
  };
}

type Mutation = (fabric: CompiledFabric) => CompiledFabric;

/** Spoils an entry, a peer or a route somewhere; now and then nothing that matters. */
function arbitraryMutation(): fc.Arbitrary<Mutation> {
  const change = fc.oneof(
    fc
      .constantFrom('PROTECT', 'DISCARD', 'BYPASS')
      .map((action) => (entry: SpdEntry) => [{ ...entry, action }] as SpdEntry[]),
    fc.constant((): SpdEntry[] => []),
    fc.constant((entry: SpdEntry): SpdEntry[] => [entry, entry]),
    fc.nat(2).map((port) => (entry: SpdEntry): SpdEntry[] => {
      const services = [{ protocol: 6, ports: [{ first: 0, last: port }] }];
      return [{ ...entry, services: { 4: services, 6: services } }];
    }),
  );
  const place = fc.tuple(fc.nat(3), fc.nat(20));
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(place, change).map(([at, edit]) => spoilEntry(at, edit)) },
    {
      weight: 1,
      arbitrary: place.map(
        ([edge, at]): Mutation =>
          (fabric) =>
            withRoutes(fabric, edge, (prefixes) => prefixes.toSpliced(at, 1)),
      ),
    },
    {
      weight: 1,
      arbitrary: place.map(
        ([edge, at]): Mutation =>
          (fabric) =>
            withPeers(fabric, edge, (peers) => peers.toSpliced(at, 1)),
      ),
    },
  );
}

function spoilEntry([edge, at]: readonly [number, number], edit: (entry: SpdEntry) => readonly SpdEntry[]): Mutation {
  return (fabric) => {
    const entries = (fabric.bundles[edge]?.policies ?? []).flatMap((section) => section.entries);
    const chosen = entries[at % Math.max(entries.length, 1)];
    return chosen === undefined ? fabric : withEntries(fabric, edge, (entry) => entry === chosen, edit);
  };
}

const PEER_FINDINGS: ReadonlySet<FindingKind> = new Set<FindingKind>([
  'one_sided_peer',
  'ambiguous_peer',
  'wrong_endpoint',
]);

const ABOUT_PACKETS: ReadonlySet<FindingKind> = new Set<FindingKind>([
  'allowed_is_discarded',
  'denied_is_protected',
  'cleartext',
  'wrong_profile',
  'black_hole',
  'routing_loop',
]);
