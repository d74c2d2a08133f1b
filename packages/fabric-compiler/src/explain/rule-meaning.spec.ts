import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shuffled } from '../../test/arbitrary-intent.js';
import { opens } from '../../test/reference-policy.js';
import { everyPacket, smallUniverse, universe } from '../../test/small-universe.js';
import { compileShared } from '../fabric/compile-shared.js';
import type { FabricIntent, Rule, Selector } from '../intent.js';
import { ruleMeanings } from './rule-meaning.js';

describe('ruleMeanings', () => {
  it('tells a rule that is about other packets after an edit of what it names, and no other', () => {
    const seen = { changed: 0, same: 0 };
    fc.assert(
      fc.property(smallUniverse(), fc.constantFrom(...Object.values(EDITS)), (before, edit) => {
        const after = edit(before);
        const [old, now] = [meanings(before), meanings(after)];
        fc.pre(old !== undefined && now !== undefined);
        for (const rule of before.policies[0]?.rules ?? []) {
          if ([...rule.sources, ...rule.destinations].some(({ kind }) => kind === 'any')) continue;
          const different = PACKETS.some((packet) => opens(before, rule, packet) !== opens(after, rule, packet));
          // Who is meant may change where that leaves the other side nobody to talk to.
          if (different) expect(old?.get(rule.id), JSON.stringify(rule)).not.toBe(now?.get(rule.id));
          seen[old?.get(rule.id) === now?.get(rule.id) ? 'same' : 'changed'] += 1;
        }
      }),
      { numRuns: 100 },
    );
    expect(seen.changed).toBeGreaterThan(30);
    expect(seen.same).toBeGreaterThan(30);
  });

  it('is the same in whatever order the intent and its fields stand', () => {
    fc.assert(
      fc.property(
        smallUniverse().chain((intent) => fc.tuple(fc.constant(intent), shuffled(intent))),
        ([intent, other]) => {
          const one = meanings(intent);
          fc.pre(one !== undefined);
          expect(meanings(reversedFields(other))).toEqual(one);
        },
      ),
    );
  });

  it.each(Object.entries(EVERY_CHANGE))('is another one when %s', (_, change) => {
    expect(meaning(change(INTENT))).not.toBe(meaning(INTENT));
  });

  it.each(Object.entries(NO_CHANGE))('stays when %s', (_, change) => {
    expect(meaning(change(INTENT))).toBe(meaning(INTENT));
  });

  it('stays when the default profile becomes another one, of a rule that names none', () => {
    const unnamed = withRule(INTENT, ({ profileId: _, ...rule }) => rule);
    expect(meaning({ ...unnamed, defaultProfileId: 'other' })).toBe(meaning(unnamed));
    expect(meaning(unnamed)).not.toBe(meaning(INTENT));
  });

  it('stays for a rule that says any, whoever joins', () => {
    const any: Selector = { kind: 'any' };
    const intent = withRule(INTENT, (rule) => ({ ...rule, sources: [any], destinations: [any] }));
    expect(meaning(withSite(intent))).toBe(meaning(intent));
    expect(meaning(intent)).not.toBe(meaning(INTENT));
    expect(meanings(withPolicy(intent, { enabled: false }))?.has('rule-0')).toBe(false);
  });
});

function meanings(intent: FabricIntent): ReadonlyMap<string, string> | undefined {
  const result = compileShared(intent);
  return result.ok ? ruleMeanings(result.fabric) : undefined;
}

function meaning(intent: FabricIntent): string {
  const found = meanings(intent)?.get('rule-0');
  if (found === undefined) throw new Error(JSON.stringify(compileShared(intent)));
  return found;
}

function reversedFields<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversedFields) as T;
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).reverse();
  return Object.fromEntries(fields.map(([name, part]) => [name, reversedFields(part)])) as T;
}

function withRule(intent: FabricIntent, change: (rule: Rule) => Rule): FabricIntent {
  return { ...intent, policies: intent.policies.map((each) => ({ ...each, rules: each.rules.map(change) })) };
}

function withPolicy(intent: FabricIntent, change: Partial<FabricIntent['policies'][number]>): FabricIntent {
  return { ...intent, policies: intent.policies.map((each) => ({ ...each, ...change })) };
}

function withSite(intent: FabricIntent): FabricIntent {
  const network = { id: 'joined', siteId: 'a-site', name: 'joined', prefix: '10.9.0.0/16' };
  const edge = { id: 'a-edge', siteId: 'a-site', name: 'a', underlayAddress: '203.0.113.99', underlayPort: 4500 };
  return {
    ...intent,
    sites: [{ id: 'a-site', name: 'a' }, ...intent.sites],
    networks: [network, ...intent.networks],
    edges: [edge, ...intent.edges],
  };
}

const relabelled: Change = (intent) => ({
  ...intent,
  sites: intent.sites.map((site) => (site.id === 'site-3' ? { ...site, labels: { parity: '0' } } : site)),
});

type Change = (intent: FabricIntent) => FabricIntent;

const INTENT: FabricIntent = {
  ...universe(
    [
      {
        id: '',
        name: '',
        action: 'PROTECT',
        sources: [{ kind: 'group', groupId: 'even' }],
        destinations: [{ kind: 'site', siteId: 'site-1' }],
        services: [],
        serviceIds: ['web'],
        profileId: 'other',
      },
    ],
    undefined,
    undefined,
  ),
  services: [{ id: 'web', name: 'web', services: [{ protocol: 'tcp', ports: [{ first: 80, last: 80 }] }] }],
};

const EVERY_CHANGE: Readonly<Record<string, Change>> = {
  'a site gets the label of the group that it names': relabelled,
  'its tunnels are to wait for traffic': (intent) =>
    withRule(intent, (rule) => ({ ...rule, tunnelStart: { kind: 'trap', idleSeconds: 600 } })),
  'its group gets another member': (intent) => ({
    ...intent,
    groups: (intent.groups ?? []).map((group) => ({
      ...group,
      members: [...group.members, { kind: 'site', siteId: 'site-3' }],
    })),
  }),
  'its service gets another port': (intent) => ({
    ...intent,
    services: [{ id: 'web', name: 'web', services: [{ protocol: 'tcp', ports: [] }] }],
  }),
  'a site that it names gets a network': (intent) => ({
    ...intent,
    networks: [...intent.networks, { id: 'more', siteId: 'site-1', name: 'more', prefix: '10.9.0.0/16' }],
  }),
  'a network that it names goes to another site': (intent) => ({
    ...intent,
    networks: intent.networks.map((network) =>
      network.id === 'network-1-0' ? { ...network, siteId: 'site-3' } : network,
    ),
  }),
  'its profile asks for other keys': (intent) => ({
    ...intent,
    profiles: (intent.profiles ?? []).map((profile) => ({ ...profile, esp: { ...profile.esp, replayWindow: 64 } })),
  }),
  'it forbids what it allowed': (intent) => withRule(intent, (rule) => ({ ...rule, action: 'DISCARD' })),
  'it is for the other direction': (intent) =>
    withRule(intent, (rule) => ({ ...rule, sources: rule.destinations, destinations: rule.sources })),
};

const NO_CHANGE: Readonly<Record<string, Change>> = {
  'it, its policy, its group, its service, its profile and sites are called otherwise': (intent) => ({
    ...withRule(withPolicy(intent, { name: 'other' }), (rule) => ({ ...rule, name: 'other' })),
    sites: intent.sites.map((site) => ({ ...site, name: `other ${site.id}` })),
    groups: (intent.groups ?? []).map((group) => ({ ...group, name: `other ${group.id}` })),
    services: (intent.services ?? []).map((service) => ({ ...service, name: 'other' })),
    profiles: (intent.profiles ?? []).map((profile) => ({ ...profile, name: 'another' })),
  }),
  'a site joins that it does not name, in front of the others': withSite,
  'it names the members of its group itself': (intent) =>
    withRule(intent, (rule) => ({
      ...rule,
      sources: ['site-2', 'site-0'].map((siteId) => ({ kind: 'site', siteId })),
    })),
  'it writes its services itself': (intent) =>
    withRule(intent, ({ serviceIds: _, ...rule }) => ({ ...rule, services: intent.services?.[0]?.services ?? [] })),
  'other rules come in front of it': (intent) =>
    withPolicy(intent, {
      rules: [
        ...(intent.policies[0]?.rules ?? []).map((rule) => ({ ...rule, id: 'first', name: 'first' })),
        ...(intent.policies[0]?.rules ?? []),
      ],
    }),
};

const EDITS: Readonly<Record<string, Change>> = {
  relabelled,
  unlabelled: (intent) => ({ ...intent, sites: intent.sites.map((site) => ({ ...site, labels: {} })) }),
  joined: withSite,
  moved: (intent) => ({
    ...intent,
    networks: intent.networks.map((network) =>
      network.id === 'network-1-1' ? { ...network, siteId: 'site-2' } : network,
    ),
  }),
  grown: (intent) => ({
    ...intent,
    groups: (intent.groups ?? []).map((group) => ({
      ...group,
      members: [...group.members, { kind: 'network', networkId: 'network-1-0' }],
    })),
  }),
};

const PACKETS = [...everyPacket()].filter(({ sourcePort }) => sourcePort === 0);
