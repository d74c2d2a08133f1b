import { ENCRYPTION } from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent } from '../test/arbitrary-intent.js';
import { type CompileResult, compileFabric, namedEntries } from '../test/compile-fabric.js';
import { healthyIntent } from '../test/seeded-bugs.js';
import type { BundleEspProfile, BundleIke } from './bundle.js';
import { changedTunnels } from './diff/changed-tunnels.js';
import { type CompiledFabric, compileShared } from './fabric/compile-shared.js';
import { peersOf } from './fabric/shared-bundle.js';
import type { FabricIntent, IntentProfile, Rule } from './intent.js';
import { DEFAULT_IKE, DEFAULT_PROFILE } from './profile.js';

describe('profiles of tunnels', () => {
  it('are those of the rules that send packets through, or the intent is refused where rules of a tunnel disagree', () => {
    let [delivered, refused] = [0, 0];
    fc.assert(
      fc.property(
        arbitraryIntent(true),
        fc.infiniteStream(fc.constantFrom(undefined, undefined, undefined, 'chacha', 'short')),
        fc.option(fc.constantFrom('chacha', 'short')),
        (written, choices, standard) => {
          const intent = withProfiles(written, choices, standard ?? undefined);
          const result = compileFabric(intent);
          const without = compileFabric({ ...written, keyingMode: 'ikev2' });
          const wanted = without.ok ? wantedProfiles(without, intent) : undefined;
          if (wanted === undefined) {
            expect(result).toEqual(without);
            return;
          }
          if ([...wanted.values()].some((ids) => ids.size > 1)) {
            refused++;
            expect(rulesOf(result)).toEqual(new Set(['several_profiles']));
            return;
          }
          delivered += wanted.size;
          expect(deliveredProfiles(result)).toEqual(
            new Map([...wanted].map(([tunnelId, ids]) => [tunnelId, parametersOf([...ids][0] ?? '')])),
          );
          // But for the profiles it is the same fabric.
          expect(withoutProfiles(result)).toEqual(withoutProfiles(without));
        },
      ),
      { numRuns: 200 },
    );
    expect(delivered).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(0);
  });

  it('are the same in what is proven, and a profile that is edited makes its tunnels anew', () => {
    const before = chosen(healthyIntent(), 'chacha');
    const after = {
      ...before,
      profiles: PROFILES.map((profile) => (profile.id === 'chacha' ? { ...profile, esp: SHORT.esp } : profile)),
    };
    const [old, now] = [sharedOf(before), sharedOf(after)];
    const delivered = compileFabric(before);
    if (!delivered.ok) throw new Error(JSON.stringify(delivered.problems));
    for (const bundle of old.bundles) {
      const tunnels = new Map(delivered.bundles.get(bundle.edgeId)?.tunnels.map((one) => [one.peerEdgeId, one]));
      for (const { peerId, profiles } of peersOf(bundle)) {
        const { profile, keying } = tunnels.get(peerId) ?? {};
        expect(profiles.map(({ esp, ike }) => [esp, { mode: 'ikev2', ike }])).toEqual([[profile, keying]]);
      }
    }
    const changes = changedTunnels(old, now);
    expect(changes.length).toBe(delivered.tunnels.length);
    expect(new Set(changes.map(({ change, profileId }) => `${change} ${profileId}`))).toEqual(
      new Set(['changed chacha']),
    );
    const incremental = compileShared(after, old);
    expect(incremental.ok && incremental.fabric.bundles.map(({ digest }) => digest)).toEqual(
      now.bundles.map(({ digest }) => digest),
    );
  });

  it.each([{ encapsulation: 'none' as const }, { encapsulation: 'udp' as const }, {}])(
    'travel in what the tenant has chosen: %o',
    (choice) => {
      const expected = { ...CHACHA.esp, ...(choice.encapsulation === 'none' ? choice : {}) };
      const result = compileFabric({ ...chosen(healthyIntent(), 'chacha'), ...choice });
      expect(result.ok && new Set(result.tunnels.map(({ profile }) => JSON.stringify(profile)))).toEqual(
        new Set([JSON.stringify(expected)]),
      );
    },
  );

  it.each<readonly [what: string, change: Partial<FabricIntent>, detail: RegExp]>([
    ['edges that have their keys from the controller', { keyingMode: 'ike-less' }, /keying mode is ike-less/],
    ['edges whose key shares are relayed', { keyingMode: 'controller-blind' }, /keying mode is controller-blind/],
    ['a tenant of AH', { securityProtocol: 'ah' }, /AH has no profiles/],
    [
      'ChaCha20 with short keys',
      { profiles: [{ ...CHACHA, esp: { ...CHACHA.esp, keyBits: 128 } }, SHORT] },
      /other keys than those of 256 bits/,
    ],
  ])('are refused with %s, and where no rule names one they are not', (_what, change, detail) => {
    const intent = { ...chosen(healthyIntent(), 'chacha'), ...change };
    const result = compileFabric(intent);
    const problems = result.ok ? [] : result.problems.filter(({ rule }) => rule === 'not_deliverable');
    expect(problems[0]).toMatchObject({
      pointer: '/policies/0/rules/1/profileId',
      detail: expect.stringMatching(detail),
    });
    const standard = compileFabric({ ...unnamed(intent), defaultProfileId: 'chacha' });
    expect(standard.ok ? [] : standard.problems).toContainEqual(
      expect.objectContaining({ pointer: '/defaultProfileId', rule: 'not_deliverable' }),
    );
    expect(compileFabric(unnamed(intent)).ok).toBe(true);
  });

  it('that rules of one tunnel disagree about are refused with both rules, once', () => {
    const intent = chosen(healthyIntent(), 'chacha');
    const [policy] = intent.policies;
    const [denied, first, ...others] = policy?.rules ?? [];
    if (policy === undefined || denied === undefined || first?.action !== 'PROTECT') throw new Error('there are rules');
    const second: Rule = { ...first, id: 'second', name: 'second', profileId: 'short' };
    const result = compileFabric({ ...intent, policies: [{ ...policy, rules: [denied, first, second, ...others] }] });
    const problems = result.ok ? [] : result.problems;
    expect(problems).toMatchObject([{ pointer: '/policies/0/rules/2/profileId', rule: 'several_profiles' }]);
    for (const name of [first.name, 'second', 'chacha', 'short']) expect(problems[0]?.detail).toContain(`"${name}"`);
  });

  it('refuses a default that does not exist', () => {
    expect(rulesOf(compileFabric({ ...unnamed(healthyIntent()), defaultProfileId: 'gone' }))).toEqual(
      new Set(['unknown_profile']),
    );
  });

  it('cost packets the same, so that one device is for all of them', () => {
    const overhead = ({ encryption }: BundleEspProfile) => {
      const { ivLength, icvLength, alignment } = { icvLength: 0, ...ENCRYPTION[encryption] };
      return [ivLength, icvLength, alignment];
    };
    expect(PROFILES.map(({ esp }) => overhead(esp))).toEqual(PROFILES.map(() => overhead(DEFAULT_PROFILE)));
  });
});

const CLASSICAL = { method: 20, additionalMethods: [] } as const;
const IKE: BundleIke = {
  ...DEFAULT_IKE,
  proposals: [{ encryption: 'chacha20-poly1305', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: CLASSICAL }],
  childKeyExchange: CLASSICAL,
  childLifetimeSeconds: 1200,
};
type EspOnly = IntentProfile & { readonly esp: BundleEspProfile };
const CHACHA: EspOnly = {
  id: 'chacha',
  name: 'chacha',
  esp: { ...DEFAULT_PROFILE, encryption: 'chacha20-poly1305' },
  ike: IKE,
};
const SHORT: EspOnly = {
  id: 'short',
  name: 'short',
  esp: { ...DEFAULT_PROFILE, keyBits: 128, replayWindow: 64 },
  ike: { ...DEFAULT_IKE, childKeyExchange: undefined },
};
const PROFILES = [CHACHA, SHORT];

function parametersOf(id: string): string {
  const { esp, ike } = PROFILES.find((profile) => profile.id === id) ?? { esp: DEFAULT_PROFILE, ike: DEFAULT_IKE };
  return JSON.stringify([esp, ike]);
}

function withProfiles(
  intent: FabricIntent,
  choices: Iterable<string | undefined>,
  standard: string | undefined,
): FabricIntent {
  const choice = choices[Symbol.iterator]();
  // Mostly one for all: where every rule chooses for itself hardly any fabric has no tunnel of two.
  const first = choice.next().value;
  const withChoice = (rule: Rule): Rule => {
    const profileId = choice.next().value === 'short' ? choice.next().value : first;
    return profileId === undefined ? rule : { ...rule, profileId };
  };
  return {
    ...intent,
    keyingMode: 'ikev2',
    profiles: PROFILES,
    ...(standard === undefined ? {} : { defaultProfileId: standard }),
    policies: intent.policies.map((policy) => ({ ...policy, rules: policy.rules.map(withChoice) })),
  };
}

/** By tunnel: the profiles of the rules whose entries name it, in bundles that know nothing of profiles. */
function wantedProfiles(result: CompileResult & { readonly ok: true }, intent: FabricIntent): Map<string, Set<string>> {
  const rules = new Map(intent.policies.flatMap((policy) => policy.rules).map((rule) => [rule.id, rule]));
  const wanted = new Map(result.tunnels.map(({ tunnelId }) => [tunnelId, new Set<string>()]));
  for (const bundle of result.bundles.values()) {
    const groups = new Map(bundle.tunnelGroups.map(({ groupId, tunnelIds }) => [groupId, tunnelIds]));
    for (const entry of namedEntries(bundle)) {
      if (entry.action !== 'PROTECT') continue;
      for (const tunnelId of groups.get(entry.tunnelId) ?? [entry.tunnelId]) {
        wanted.get(tunnelId)?.add(rules.get(entry.ruleId)?.profileId ?? intent.defaultProfileId ?? '');
      }
    }
  }
  return wanted;
}

function deliveredProfiles(result: CompileResult): Map<string, string> {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const profiles = new Map<string, string>();
  for (const { tunnelId, profile, keying } of [...result.bundles.values()].flatMap(({ tunnels }) => tunnels)) {
    const parameters = JSON.stringify([profile, keying.mode === 'ikev2' ? keying.ike : keying]);
    expect(profiles.get(tunnelId) ?? parameters).toBe(parameters);
    profiles.set(tunnelId, parameters);
  }
  for (const { tunnelId, profile } of result.tunnels) {
    expect(JSON.stringify(JSON.parse(profiles.get(tunnelId) ?? '')[0])).toBe(JSON.stringify(profile));
  }
  return profiles;
}

function withoutProfiles(result: CompileResult) {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return [...result.bundles].map(([edgeId, bundle]) => [
    edgeId,
    { ...bundle, tunnels: bundle.tunnels.map(({ tunnelId, peerEdgeId }) => [tunnelId, peerEdgeId]) },
  ]);
}

function rulesOf(result: CompileResult): ReadonlySet<string> {
  return new Set(result.ok ? [] : result.problems.map(({ rule }) => rule));
}

function chosen(intent: FabricIntent, profileId: string): FabricIntent {
  const policies = intent.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) => ({ ...rule, profileId })),
  }));
  return { ...intent, keyingMode: 'ikev2', profiles: PROFILES, policies };
}

function unnamed(intent: FabricIntent): FabricIntent {
  const policies = intent.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map(({ profileId: _, ...rule }) => rule),
  }));
  return { ...intent, policies };
}

function sharedOf(intent: FabricIntent): CompiledFabric {
  const result = compileShared(intent);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.fabric;
}
