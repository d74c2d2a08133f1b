import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decisionsOn, holderOf } from '../../test/reference-fabric.js';
import { type Packet, ruleOfIntent } from '../../test/reference-policy.js';
import { compiledOrThrow, healthyIntent } from '../../test/seeded-bugs.js';
import { arbitraryRule, everyPacket, smallUniverse } from '../../test/small-universe.js';
import { type CompiledFabric, compileShared } from '../fabric/compile-shared.js';
import type { FabricIntent } from '../intent.js';
import { MAKE_BEFORE_BREAK, proveTransition, type TransitionStep } from './transition-proof.js';

describe('proveTransition', () => {
  it('carries what both revisions protect in every state of make before break, packet by packet', () => {
    let carried = 0;
    fc.assert(
      fc.property(smallUniverse(), arbitraryRule(), (intent, rule) => {
        const before = compileShared({ ...intent, topology: { kind: 'full_mesh' } });
        const after = compileShared(withRuleInFront({ ...intent, topology: { kind: 'full_mesh' } }, rule));
        fc.pre(before.ok && after.ok);
        expect(proveTransition(before.fabric, after.fabric)).toEqual([]);
        for (const [sender, receiver] of neighbours(MAKE_BEFORE_BREAK)) {
          for (const packet of everyPacket()) {
            const fate = fateBetween({ before: before.fabric, after: after.fabric }, sender, receiver, packet);
            if (fate === 'cut') throw new Error(`${sender.name} / ${receiver.name} cuts ${JSON.stringify(packet)}`);
            if (fate === 'carried') carried += 1;
          }
        }
      }),
      { numRuns: 5 },
    );
    expect(carried).toBeGreaterThan(100);
  });

  it.each<readonly [name: string, steps: readonly TransitionStep[]]>([
    ['the old is retired before the new is sent', without('send the new')],
    ['the new is sent before everybody accepts it', without('accept the new')],
    ['everything is changed at once', [step(0), step(3)]],
    ['routes go before the SPD that needs them', [step(0), step(1), { ...step(2), routes: [] }, step(3)]],
    [
      'routes come after the SPD that needs them',
      [step(0), { ...step(1), routes: ['before'] }, { ...step(2), routes: ['before'] }, step(3)],
    ],
    ['the old is never retired', MAKE_BEFORE_BREAK.slice(0, 3)],
    ['edges stop to accept what others still send', [step(0), { ...step(1), accepts: ['after'] }, step(2), step(3)]],
  ])('finds that %s', (_, steps) => {
    const before = compiledOrThrow(healthyIntent());
    const after = compiledOrThrow(withNewSite(healthyIntent()));
    const findings = proveTransition(before, after, steps);
    expect(findings.map(({ kind }) => kind)).toContain('unsafe_transition');
    expect(proveTransition(before, after)).toEqual([]);
  });

  it('has nothing to say when nothing changes', () => {
    const fabric = compiledOrThrow(healthyIntent());
    expect(proveTransition(fabric, fabric, [])).toEqual([]);
  });
});

/** What becomes of a packet that both revisions protect, when its two ends are at these steps. */
function fateBetween(
  of: { readonly before: CompiledFabric; readonly after: CompiledFabric },
  sender: TransitionStep,
  receiver: TransitionStep,
  packet: Packet,
): 'carried' | 'cut' | 'other' {
  const [from, to] = [holderOf(of.before, packet.source), holderOf(of.before, packet.destination)];
  if (from === undefined || to === undefined || from === to) return 'other';
  if (of.before.bundles[from] === undefined || of.before.bundles[to] === undefined) return 'other';
  const both = [of.before, of.after].every(({ intent }) => ruleOfIntent(intent, packet)?.action === 'PROTECT');
  if (!both) return 'other';
  const [sent] = decisionsOn(of[sender.sends], [from, to], packet);
  const admitted = receiver.accepts.some((version) => decisionsOn(of[version], [from, to], packet)[1] === sent);
  return sent?.startsWith('PROTECT') && admitted ? 'carried' : 'cut';
}

/** States in which two edges can be at once. */
function neighbours(steps: readonly TransitionStep[]): readonly (readonly [TransitionStep, TransitionStep])[] {
  return steps.flatMap((one, index) =>
    steps.slice(Math.max(0, index - 1), index + 2).map((other) => [one, other] as const),
  );
}

function step(index: number): TransitionStep {
  const found = MAKE_BEFORE_BREAK[index];
  if (found === undefined) throw new Error(`there is no step ${index}`);
  return found;
}

function without(name: string): readonly TransitionStep[] {
  return MAKE_BEFORE_BREAK.filter((one) => one.name !== name);
}

function withRuleInFront(
  intent: FabricIntent,
  rule: ReturnType<typeof arbitraryRule> extends fc.Arbitrary<infer R> ? R : never,
): FabricIntent {
  const { profileId, ...rest } = rule;
  const added =
    profileId === undefined || profileId === '' ? { ...rest, id: 'new' } : { ...rest, id: 'new', profileId };
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({ ...policy, rules: [added, ...policy.rules] })),
  };
}

/** A fifth site, so that routes change, and a rule about it. */
function withNewSite(intent: FabricIntent): FabricIntent {
  return {
    ...intent,
    sites: [...intent.sites, { id: 'site-4', name: 'site 4' }],
    networks: [...intent.networks, { id: 'network-4-0', siteId: 'site-4', name: 'network 4 0', prefix: '10.4.0.0/31' }],
    edges: [
      ...intent.edges,
      { id: 'edge-5', siteId: 'site-4', name: 'edge 4', underlayAddress: '203.0.113.5', underlayPort: 4500 },
    ],
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.filter(({ id }) => id !== 'database'),
    })),
  };
}
