import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfiguredPolicyTest } from './configuration.dto.js';
import type { PlannedExternalPeer } from './configured-external-peer.js';
import type { CurrentConfiguration } from './current-configuration.js';
import { type PlannedConfiguration, planImport } from './import-plan.js';
import { importProblems } from './import-problems.js';

const EMPTY: CurrentConfiguration = {
  fabric: {
    keyingMode: 'ikev2',
    encapsulation: 'udp',
    securityProtocol: 'esp',
    mode: 'tunnel',
    defaultProfile: null,
    tunnelStart: { kind: 'start' },
    topology: { kind: 'full_mesh' },
  },
  sites: [],
  networks: [],
  edges: [],
  groups: [],
  services: [],
  profiles: [],
  policies: [],
  policyTests: [],
  addressPools: [],
  externalPeers: [],
  dangling: [],
};
const PINNED: PlannedExternalPeer = {
  name: 'gw',
  description: '',
  site: 'a',
  address: '203.0.113.99',
  port: 4500,
  identity: 'gw.example',
  certificates: ['PEM'],
  prefixes: ['10.8.0.0/24'],
  ikeProposals: [{ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] }],
  espProposal: { keyBits: 256, extendedSequenceNumbers: false, keyExchange: [] },
};
const { certificates: _, ...unproven } = PINNED;
const PEER: PlannedExternalPeer = { ...unproven, localIdentity: 'edge.example', preSharedKey: 'new' };
const services = [{ protocol: 'any' as const, ports: [] }];

const { address: __, port: ___, prefixes: ____, ...HOST } = PEER;
/** The second octet of the prefix of the pool of a site. */
const PLACE_OF: Readonly<Record<string, number>> = { a: 91, b: 92, c: 93, d: 94 };

function ids(prefix: string) {
  let next = 0;
  return () => {
    next += 1;
    return `${prefix}${next}`;
  };
}

/** The document the second time: its keys are stored by then. */
function secondTime(document: PlannedConfiguration): PlannedConfiguration {
  if (document.externalPeers === undefined) return document;
  const externalPeers = document.externalPeers.map((peer) =>
    peer.preSharedKey === undefined ? peer : { ...peer, preSharedKey: 'set' as const },
  );
  return { ...document, externalPeers };
}

let calls = 0;

/** What would be read after the plan was carried out: slower and simpler than the tables. */
function carriedOut(
  current: CurrentConfiguration,
  document: PlannedConfiguration,
  prune: boolean,
): CurrentConfiguration {
  calls += 1;
  const plan = planImport(current, document, prune, ids(`made${calls}-`));
  const list = <Item extends { name: string; site?: string }>(
    stored: readonly { id: string; item: Item }[],
    wanted: readonly Item[] | undefined,
    { created, removed }: { created: readonly { id: string }[]; removed: readonly string[] },
    same = (one: Item, other: Item) => one.name === other.name && one.site === other.site,
  ) => {
    const left = stored.filter(({ id }) => !removed.includes(id));
    const kept = left.map(({ id, item }) => ({ id, item: (wanted ?? []).find((other) => same(item, other)) ?? item }));
    const made = (wanted ?? []).filter((item) => !stored.some((one) => same(one.item, item)));
    return [...kept, ...made.map((item, index) => ({ id: created[index]?.id ?? '', item }))];
  };
  const policies = list(current.policies, document.policies, plan.policies).map((policy) => ({
    ...policy,
    ruleIds: policy.item.rules.map((_, index) => `${policy.id}-${index}`),
  }));
  const order = plan.policyOrder ?? policies.map(({ id }) => id);
  return {
    fabric: { ...current.fabric, ...(document.fabric as Partial<CurrentConfiguration['fabric']>) },
    sites: list(current.sites, document.sites, plan.sites),
    networks: list(current.networks, document.networks, plan.networks as never),
    edges: list(current.edges, document.edges, plan.edges as never),
    addressPools: list(current.addressPools, document.addressPools, plan.addressPools as never),
    groups: list(current.groups, document.groups, plan.groups as never),
    services: list(current.services, document.services, plan.services),
    profiles: list(current.profiles, document.profiles, plan.profiles),
    policies: policies.sort((left, right) => order.indexOf(left.id) - order.indexOf(right.id)),
    externalPeers: list<PlannedExternalPeer>(
      current.externalPeers,
      secondTime(document).externalPeers,
      plan.externalPeers,
      // It may move to another site, and is the one that it was.
      (one, other) => one.name === other.name,
    ).map((peer) => ({ ...peer, commitment: peer.item.preSharedKey === undefined ? null : 'key' })),
    policyTests: list(current.policyTests, document.policyTests, plan.policyTests),
    dangling: [],
  };
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const text = fc.constantFrom('', 'x', 'y');
const labels = fc.constantFrom<Record<string, string>>({}, { role: 'branch' }, { role: 'branch', region: 'emea' });
const selector = (sites: readonly string[], groups: readonly string[]) =>
  fc.oneof(
    fc.constant({ kind: 'any' as const }),
    ...(groups.length === 0
      ? []
      : [fc.record({ kind: fc.constant('group' as const), group: fc.constantFrom(...groups) })]),
    ...(sites.length === 0 ? [] : [fc.record({ kind: fc.constant('site' as const), site: fc.constantFrom(...sites) })]),
  );

/** Documents that can be imported into whatever has these sites or fewer. */
const configurations: fc.Arbitrary<PlannedConfiguration> = fc
  .tuple(fc.uniqueArray(name, { minLength: 1 }), fc.uniqueArray(name), fc.uniqueArray(name))
  .chain(([sites, groups, namedServices]) => {
    const member = fc.oneof(
      fc.record({ kind: fc.constant('site' as const), site: fc.constantFrom(...sites) }),
      fc.constantFrom(
        { kind: 'site_labels' as const, labels: { role: 'branch' } },
        { kind: 'network_labels' as const, labels: { role: 'branch' } },
        { kind: 'prefix' as const, prefix: '10.0.0.0/8' },
      ),
    );
    const rule = fc.record({
      name,
      action: fc.constantFrom('PROTECT' as const, 'DISCARD' as const),
      enabled: fc.boolean(),
      sources: fc.array(selector(sites, groups), { minLength: 1, maxLength: 2 }),
      destinations: fc.array(selector(sites, groups), { minLength: 1, maxLength: 2 }),
      services: fc.constant(services),
      namedServices: fc.subarray(namedServices),
    });
    const named = { selector: (item: { name: string }) => item.name };
    const ownName = fc.constantFrom(...sites);
    return fc.record({
      version: fc.constant(1 as const),
      fabric: fc.option(fc.record({ keyingMode: fc.constantFrom('ikev2' as const, 'ike-less' as const) }), {
        nil: undefined,
      }),
      sites: fc.tuple(...sites.map((site) => fc.record({ name: fc.constant(site), description: text, labels }))),
      networks: fc.uniqueArray(fc.record({ site: ownName, name, prefix: text, labels }), {
        selector: (network) => `${network.site}/${network.name}`,
        maxLength: 4,
      }),
      // An edge is called after its site: it does not move.
      edges: fc.uniqueArray(
        ownName.map((site) => ({
          name: `${site}-1`,
          site,
          underlayAddress: '203.0.113.1',
          otherUnderlayAddresses: [],
          underlayPort: 4500,
        })),
        named,
      ),
      // A pool is called after its site, and has a prefix of its own.
      addressPools: fc.tuple(
        ...sites.map((site) =>
          fc.record({
            name: fc.constant(site),
            description: text,
            site: fc.constant(site),
            prefix: fc.constant(`10.${PLACE_OF[site]}.0.0/24`),
            nameServers: fc.constantFrom<string[]>([], ['10.1.0.53']),
            domains: fc.constant<string[]>([]),
          }),
        ),
      ),
      externalPeers: fc
        .tuple(
          fc.uniqueArray(
            fc
              .tuple(name, ownName, text, fc.constantFrom(PEER, PINNED))
              .map(([peer, site, description, proven]) => ({ ...proven, name: peer, site, description })),
            named,
          ),
          fc.uniqueArray(
            fc.tuple(fc.constantFrom(1, 2, 3), ownName, text).map(([host, site, description]) => ({
              ...HOST,
              name: `host ${host}`,
              site,
              description,
              assigned: [{ addressPool: site, address: `10.${PLACE_OF[site]}.0.${host}` }],
            })),
            named,
          ),
        )
        .map(([gateways, hosts]): PlannedExternalPeer[] => [...gateways, ...hosts]),
      groups: fc.tuple(
        ...groups.map((group) =>
          fc.record({ name: fc.constant(group), description: text, members: fc.array(member, { maxLength: 3 }) }),
        ),
      ),
      services: fc.tuple(
        ...namedServices.map((service) =>
          fc.record({ name: fc.constant(service), description: text, services: fc.constant(services) }),
        ),
      ),
      policies: fc.uniqueArray(
        fc.record({
          name,
          description: text,
          enabled: fc.boolean(),
          confidential: fc.boolean(),
          rules: fc.array(rule, { maxLength: 3 }),
        }),
        named,
      ),
      policyTests: fc.constant<ConfiguredPolicyTest[]>([]),
    });
  })
  .map(({ fabric, ...rest }) => (fabric === undefined ? rest : { ...rest, fabric }));

const byName = (configuration: CurrentConfiguration) => {
  const key = ({ item }: { item: { name: string; site?: string } }) => `${item.site}/${item.name}`;
  const sorted = <One extends { item: { name: string; site?: string } }>(list: readonly One[]) =>
    [...list].sort((left, right) => (key(left) < key(right) ? -1 : 1)).map(({ item }) => item);
  const { fabric, sites, networks, edges, addressPools, externalPeers, groups, services, policies } = configuration;
  return {
    fabric,
    sites: sorted(sites),
    networks: sorted(networks),
    edges: sorted(edges),
    addressPools: sorted(addressPools),
    externalPeers: sorted(externalPeers),
    groups: sorted(groups),
    services: sorted(services),
    policies: policies.map(({ item }) => item),
  };
};

describe('the plan of an import', () => {
  it('makes of anything what the document says, with prune; the second time there is nothing to do', () => {
    fc.assert(
      fc.property(configurations, configurations, (before, after) => {
        const current = carriedOut(EMPTY, before, true);
        expect(importProblems(current, after, true)).toEqual([]);
        const result = carriedOut(current, after, true);
        expect(byName(result)).toEqual(byName(carriedOut({ ...EMPTY, fabric: current.fabric }, after, true)));
        const again = planImport(result, secondTime(after), true, ids('again'));
        expect(again.items.every(({ outcome }) => outcome === 'unchanged')).toBe(true);
        expect(again.policyOrder).toBeUndefined();
        for (const list of [
          again.sites,
          again.networks,
          again.edges,
          again.addressPools,
          again.externalPeers,
          again.groups,
          again.services,
          again.policies,
        ]) {
          expect(list).toEqual({ ...list, created: [], changed: [], removed: [] });
        }
      }),
    );
  });

  it('removes nothing without prune, and says what it kept', () => {
    fc.assert(
      fc.property(configurations, configurations, (before, after) => {
        const current = carriedOut(EMPTY, before, true);
        const plan = planImport(current, after, false, ids('x'));
        const { sites, networks, edges, addressPools, externalPeers, groups, services, policies } = plan;
        for (const list of [sites, networks, edges, addressPools, externalPeers, groups, services, policies]) {
          expect(list.removed).toEqual([]);
        }
        const left = current.sites.filter(({ item }) => !after.sites?.some((site) => site.name === item.name));
        const kept = plan.items.filter(({ noun, outcome }) => noun === 'site' && outcome === 'kept');
        expect(kept.map((item) => item.name).sort()).toEqual(left.map(({ item }) => item.name).sort());
        const again = planImport(carriedOut(current, after, false), secondTime(after), false, ids('y'));
        expect(again.items.every(({ outcome }) => outcome === 'unchanged' || outcome === 'kept')).toBe(true);
      }),
    );
  });

  it('leaves alone the lists that the document does not have', () => {
    fc.assert(
      fc.property(configurations, (before) => {
        const plan = planImport(carriedOut(EMPTY, before, true), { version: 1 }, true, ids('x'));
        expect(plan.items).toEqual([]);
        expect(plan.policyOrder).toBeUndefined();
      }),
    );
  });

  it('keeps the identity of a rule with its name, of equal names in their order', () => {
    const rule = (ruleName: string) => ({
      name: ruleName,
      action: 'PROTECT' as const,
      enabled: true,
      sources: [{ kind: 'any' as const }],
      destinations: [{ kind: 'any' as const }],
      services,
      namedServices: [],
    });
    const policy = (rules: string[]) => ({
      name: 'p',
      description: '',
      enabled: true,
      confidential: false,
      rules: rules.map(rule),
    });
    const stored = { id: 'p', item: policy(['a', 'b', 'a']), ruleIds: ['1', '2', '3'] };
    const plan = planImport(
      { ...EMPTY, policies: [stored] },
      { version: 1, policies: [policy(['new', 'a', 'a', 'a', 'b'])] },
      false,
      ids('n'),
    );
    expect(plan.policies.changed[0]?.item.rules.map(({ id }) => id)).toEqual(['n1', '1', '3', 'n2', '2']);
  });
});

describe('what cannot be imported', () => {
  const site = { id: 's', item: { name: 'a', description: '', labels: {} } };
  const edge = {
    id: 'e',
    item: { name: 'e', site: 'a', underlayAddress: '203.0.113.1', otherUnderlayAddresses: [], underlayPort: 4500 },
  };
  const rules = (problems: ReturnType<typeof importProblems>) => problems.map(({ pointer, rule }) => [pointer, rule]);

  it('names twice, or names what would not be there, and the place', () => {
    const any = [{ kind: 'any' as const }];
    const document: PlannedConfiguration = {
      version: 1,
      sites: [
        { name: 'b', description: '', labels: {} },
        { name: 'b', description: '', labels: {} },
      ],
      networks: [{ site: 'c', name: 'lan', prefix: '10.0.0.0/8', labels: {} }],
      groups: [
        {
          name: 'g',
          description: '',
          members: [
            { kind: 'site_labels', labels: { role: 'branch' } },
            { kind: 'external_peer', externalPeer: 'gone' },
          ],
        },
      ],
      services: [
        { name: 'web', description: '', services },
        { name: 'web', description: '', services },
      ],
      edges: [{ ...edge.item, site: 'b' }],
      policies: [
        {
          name: 'p',
          description: '',
          enabled: true,
          confidential: false,
          rules: [
            {
              name: 'r',
              action: 'PROTECT',
              enabled: true,
              sources: [{ kind: 'site', site: 'd' }],
              destinations: [
                { kind: 'any' },
                { kind: 'network', site: 'b', network: 'lan' },
                { kind: 'group', group: 'h' },
              ],
              services: [],
              namedServices: ['web', 'ssh'],
            },
          ],
        },
      ],
      policyTests: [
        {
          name: 't',
          description: '',
          sources: [{ kind: 'site', site: 'e' }],
          destinations: any,
          services,
          expect: 'denied',
        },
      ],
    };
    expect(rules(importProblems({ ...EMPTY, sites: [site], edges: [edge] }, document, false))).toEqual([
      ['/sites/1/name', 'duplicate_name'],
      ['/services/1/name', 'duplicate_name'],
      ['/networks/0/site', 'unknown_site'],
      ['/edges/0/site', 'edge_moves'],
      ['/groups/0/members/1/externalPeer', 'unknown_external_peer'],
      ['/policies/0/rules/0/sources/0/site', 'unknown_site'],
      ['/policies/0/rules/0/destinations/1/network', 'unknown_network'],
      ['/policies/0/rules/0/destinations/2/group', 'unknown_group'],
      ['/policyTests/0/sources/0/site', 'unknown_site'],
      ['/policies/0/rules/0/namedServices/1', 'unknown_service'],
    ]);
  });

  it('would remove what something needs that is left alone', () => {
    const current = { ...EMPTY, sites: [site], edges: [edge] };
    expect(rules(importProblems(current, { version: 1, sites: [] }, true))).toEqual([['', 'still_used']]);
    expect(importProblems(current, { version: 1, sites: [] }, false)).toEqual([]);
    expect(importProblems(current, { version: 1, sites: [], edges: [] }, true)).toEqual([]);
  });

  it('would remove a site that a group names, or a group or a service that a policy does', () => {
    const group = { id: 'g', item: { name: 'g', description: '', members: [{ kind: 'site' as const, site: 'a' }] } };
    const rule = { name: 'r', action: 'PROTECT' as const, enabled: true, services, namedServices: ['web'] };
    const sides = { sources: [{ kind: 'group' as const, group: 'g' }], destinations: [{ kind: 'any' as const }] };
    const item = { name: 'p', description: '', enabled: true, confidential: false, rules: [{ ...rule, ...sides }] };
    const web = { id: 'w', item: { name: 'web', description: '', services } };
    const current = {
      ...EMPTY,
      sites: [site],
      groups: [group],
      services: [web],
      policies: [{ id: 'p', item, ruleIds: ['r'] }],
    };
    const users = (document: PlannedConfiguration) =>
      importProblems(current, document, true).map(({ detail }) => detail);
    expect(users({ version: 1, sites: [] })).toEqual([expect.stringContaining('the group "g" needs')]);
    expect(users({ version: 1, groups: [] })).toEqual([expect.stringContaining('the policy "p" needs')]);
    expect(users({ version: 1, services: [] })).toEqual([expect.stringContaining('the policy "p" needs')]);
    expect(importProblems(current, { version: 1, services: [] }, false)).toEqual([]);
    expect(users({ version: 1, sites: [], groups: [], services: [], policies: [] })).toEqual([]);
  });

  it('keeps no key that there is not, and would leave nobody who is named', () => {
    const [stored, item] = [
      { id: 'p', item: secondTime({ version: 1, externalPeers: [PEER] }).externalPeers?.[0] },
      PEER,
    ];
    const current = {
      ...EMPTY,
      sites: [site],
      externalPeers: [{ ...stored, item: stored.item ?? PEER, commitment: 'key' }],
    };
    const keep = (name: string) => ({
      version: 1 as const,
      externalPeers: [{ ...item, name, preSharedKey: 'set' as const }],
    });
    expect(importProblems(current, keep('gw'), true)).toEqual([]);
    const pinned = { ...current, externalPeers: current.externalPeers.map((peer) => ({ ...peer, commitment: null })) };
    for (const [before, name] of [
      [current, 'other'],
      [pinned, 'gw'],
    ] as const) {
      expect(importProblems(before, keep(name), true)).toEqual([
        expect.objectContaining({
          pointer: '/externalPeers/0/preSharedKey',
          rule: 'required',
          fix: expect.stringMatching(/Give its key/),
        }),
      ]);
    }
    expect(rules(importProblems(current, { version: 1, sites: [] }, true))).toEqual([['', 'still_used']]);
    expect(importProblems(current, { version: 1, sites: [], externalPeers: [] }, true)).toEqual([]);
    const elsewhere = { version: 1 as const, externalPeers: [{ ...item, site: 'nowhere' }, item] };
    expect(rules(importProblems(current, elsewhere, false))).toEqual([
      ['/externalPeers/1/name', 'duplicate_name'],
      ['/externalPeers/0/site', 'unknown_site'],
    ]);
  });

  it('shows of a key that it is new, and of one that is kept nothing', () => {
    const before = { ...PEER, preSharedKey: 'set' as const };
    const current = { ...EMPTY, sites: [site], externalPeers: [{ id: 'p', item: before, commitment: 'key' }] };
    const found = (peer: PlannedExternalPeer) =>
      planImport(current, { version: 1, externalPeers: [peer] }, true, ids('x')).items[0];
    expect(found(PEER)).toEqual({
      noun: 'external_peer',
      name: 'gw',
      outcome: 'changed',
      differences: [{ pointer: '/preSharedKey', before: 'set', after: 'new' }],
    });
    expect(found(before)).toMatchObject({ outcome: 'unchanged', differences: [] });
  });

  describe('of address pools', () => {
    const other = { id: 't', item: { name: 'b', description: '', labels: {} } };
    const pool = { name: 'p', description: '', site: 'a', prefix: '10.99.0.0/24', nameServers: [], domains: [] };
    const host = (name: string, ...addresses: string[]): PlannedExternalPeer => ({
      ...HOST,
      name,
      preSharedKey: 'new',
      assigned: addresses.map((address) => ({ addressPool: 'p', address })),
    });
    const current = {
      ...EMPTY,
      sites: [site, other],
      addressPools: [{ id: 'p', item: pool }],
      externalPeers: [{ id: 'h', commitment: 'key', item: host('kept', '10.99.0.1') }],
    };
    const cases: readonly [what: string, document: Partial<PlannedConfiguration>, found: readonly string[][]][] = [
      [
        'two that overlap',
        { addressPools: [pool, { ...pool, name: 'q', prefix: '10.99.0.128/25' }] },
        [
          ['/addressPools/0/prefix', 'overlapping_address_pools'],
          ['/addressPools/1/prefix', 'overlapping_address_pools'],
        ],
      ],
      [
        'a name server that stands twice',
        { addressPools: [{ ...pool, nameServers: ['::1', '::1'] }] },
        [['/addressPools/0/nameServers', 'duplicate_address']],
      ],
      [
        'a prefix that leaves out a host that stays',
        { addressPools: [{ ...pool, prefix: '10.99.0.128/25' }] },
        [['', 'address_outside_pool']],
      ],
      [
        'another site than that of a host that stays',
        { addressPools: [{ ...pool, site: 'b' }] },
        [['', 'pool_of_another_site']],
      ],
      [
        'an address that two hosts would have',
        { externalPeers: [host('new', '10.99.0.1')] },
        [['', 'address_assigned_twice']],
      ],
      [
        'two addresses of one version',
        { externalPeers: [host('new', '10.99.0.2', '10.99.0.3')] },
        [['/externalPeers/0/assigned/1/address', 'several_addresses_of_version']],
      ],
      [
        'an address of elsewhere',
        { externalPeers: [host('new', '10.98.0.2')] },
        [['/externalPeers/0/assigned/0/address', 'address_outside_pool']],
      ],
      [
        'a host that becomes a gateway',
        { externalPeers: [{ ...PEER, name: 'kept' }] },
        [['/externalPeers/0', 'kind_changes']],
      ],
    ];

    it.each(cases)('%s', (_, document, found) => {
      expect(rules(importProblems(current, { version: 1, ...document }, false))).toEqual(found);
    });

    it('none that would go while a host or a rule has it', () => {
      const rule = {
        name: 'r',
        action: 'PROTECT' as const,
        enabled: true,
        sources: [{ kind: 'address_pool' as const, addressPool: 'p' }],
        destinations: [{ kind: 'any' as const }],
        services,
        namedServices: [],
      };
      const item = { name: 'p', description: '', enabled: true, confidential: false, rules: [rule] };
      const policies = [{ id: 'p', ruleIds: ['r'], item }];
      const problems = importProblems({ ...current, policies }, { version: 1, addressPools: [] }, true);
      expect(rules(problems)).toEqual([
        ['', 'still_used'],
        ['', 'unknown_address_pool'],
      ]);
    });
  });
});
