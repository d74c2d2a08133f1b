import type { AuditLog } from '@weft/contracts/rest';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type {
  Configuration,
  ConfiguredAddressPool,
  ConfiguredEdge,
  ConfiguredNetwork,
  ConfiguredRule,
  ImportResult,
  NamedGroupMember,
  NamedPlace,
  NamedSelector,
} from '../../src/modules/configuration/configuration.dto.js';
import type { ConfiguredExternalPeer } from '../../src/modules/configuration/configured-external-peer.js';
import type { ConfiguredTopology } from '../../src/modules/configuration/configured-topology.js';
import { KEY_EXCHANGE_NAMES } from '../../src/modules/external-peers/key-exchange-names.js';
import { createRoot } from '../../src/pki/certificate-factory.js';
import { Api, problemOf } from './support/api.js';

let api: Api;
let tenants = 0;
/** PEM, as the API writes it. */
const pinnable: string[] = [];
beforeAll(async () => {
  api = await Api.start();
  for (let i = 0; i < 3; i += 1) pinnable.push((await createRoot(new Date())).certificate.toString());
});
afterAll(() => api.stop());

async function makeTenant(): Promise<string> {
  tenants += 1;
  const { data } = await api.client.POST('/api/v1/tenants', { body: { name: `tenant ${tenants}` } });
  return data?.id ?? '';
}

const path = (tenantId: string, rest: string) => `/api/v1/tenants/${tenantId}/configuration/${rest}`;

async function exported(tenantId: string, format: 'yaml' | 'json' = 'yaml'): Promise<string> {
  const response = await api.fetch(path(tenantId, `export?format=${format}`));
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  expect(response.headers.get('content-type')).toBe(`application/${format}; charset=utf-8`);
  return text;
}

function post(tenantId: string, body: string, format: 'yaml' | 'json', query = ''): Promise<Response> {
  const headers = { 'content-type': `application/${format}` };
  return api.fetch(path(tenantId, `import${query}`), { method: 'POST', headers, body });
}

async function imported(
  tenantId: string,
  document: Configuration | string,
  query = '',
  format: 'yaml' | 'json' = typeof document === 'string' ? 'yaml' : 'json',
): Promise<ImportResult> {
  const response = await post(
    tenantId,
    typeof document === 'string' ? document : JSON.stringify(document),
    format,
    query,
  );
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return JSON.parse(text) as ImportResult;
}

const any: NamedSelector[] = [{ kind: 'any' }];
const rule = (name: string, sources: NamedSelector[], destinations: NamedSelector[] = any): ConfiguredRule => ({
  name,
  action: 'PROTECT',
  enabled: true,
  sources,
  destinations,
  services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
  namedServices: [],
});

const KEY = 'correct horse battery staple';
const PARTNER: ConfiguredExternalPeer = {
  name: 'partner',
  description: 'theirs',
  site: 'berlin',
  address: '203.0.113.99',
  port: 4500,
  identity: 'keyid:gw.partner',
  localIdentity: 'berlin.example',
  prefixes: ['10.8.0.0/24', '2001:db8:8::/48'],
  ikeProposals: [
    { keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
    { keyBits: 128, prf: 'hmac-sha2-256', keyExchange: ['ECP-256'] },
  ],
  espProposal: { keyBits: 128, extendedSequenceNumbers: true, keyExchange: [] },
  preSharedKey: KEY,
};
/** As an export has it. */
const withoutKeys = (document: Configuration): Configuration => ({
  ...document,
  externalPeers: (document.externalPeers ?? []).map((peer) =>
    peer.preSharedKey === undefined ? peer : { ...peer, preSharedKey: 'set' },
  ),
});
/** What an export needs to make a tenant of nothing: the same key for all. */
const withKeys = (text: string) => text.replaceAll(/(preSharedKey"?: "?)set\b/g, `$1${KEY}`);

const TUNNEL_START = fc.constantFrom(
  { kind: 'start' } as const,
  { kind: 'trap' } as const,
  { kind: 'trap', idleSeconds: 600 } as const,
);

const OFFICE: Configuration = {
  version: 1,
  fabric: {
    keyingMode: 'ikev2',
    encapsulation: 'udp',
    securityProtocol: 'esp',
    mode: 'tunnel',
    defaultProfile: null,
    tunnelStart: { kind: 'start' },
    topology: { kind: 'full_mesh' },
  },
  sites: [
    { name: 'berlin', description: '', labels: {} },
    { name: 'tokyo', description: 'no\nyes', labels: { role: 'branch' } },
  ],
  networks: [
    { site: 'berlin', name: 'lan', prefix: '10.1.0.0/16', labels: { use: 'office' } },
    { site: 'tokyo', name: 'lan', prefix: '2001:db8::/48', labels: {} },
  ],
  edges: [
    {
      name: 'berlin-1',
      site: 'berlin',
      underlayAddress: '203.0.113.1',
      otherUnderlayAddresses: ['2001:db8:1::1', '198.51.100.1'],
      underlayPort: 4500,
      preference: 1,
    },
  ],
  addressPools: [
    {
      name: 'notebooks',
      description: '',
      site: 'berlin',
      prefix: '10.99.0.0/24',
      nameServers: ['10.1.0.53', '2001:db8::53'],
      domains: ['corp.example'],
    },
  ],
  externalPeers: [],
  groups: [
    {
      name: 'branches',
      description: '',
      members: [
        { kind: 'site_labels', labels: { role: 'branch' } },
        { kind: 'network', site: 'berlin', network: 'lan' },
      ],
    },
  ],
  profiles: [],
  services: [
    {
      name: 'dns',
      description: 'questions\nand answers',
      services: [
        { protocol: 'udp', ports: [{ first: 53, last: 53 }] },
        { protocol: 'tcp', ports: [] },
      ],
    },
  ],
  policies: [
    {
      name: 'web',
      description: '',
      enabled: true,
      confidential: true,
      rules: [
        rule('r', [{ kind: 'site', site: 'berlin' }], [{ kind: 'group', group: 'branches' }]),
        { ...rule('names', any), services: [], namedServices: ['dns'] },
      ],
    },
    { name: 'rest', description: '', enabled: false, confidential: false, rules: [] },
  ],
  policyTests: [
    {
      name: 'berlin reaches tokyo',
      description: '',
      sources: [{ kind: 'site', site: 'berlin' }],
      destinations: [{ kind: 'site', site: 'tokyo' }],
      services: [{ protocol: 'any', ports: [] }],
      expect: 'allowed',
    },
  ],
};

describe('a configuration', () => {
  it('comes out as it went in, and changes nothing the second time', async () => {
    const tenantId = await makeTenant();
    const first = await imported(tenantId, OFFICE);
    expect(first).toMatchObject({ changed: true, counts: { created: 11, changed: 0, removed: 0, kept: 0 } });
    expect(JSON.parse(await exported(tenantId, 'json'))).toEqual(OFFICE);
    expect(parse(await exported(tenantId))).toEqual(OFFICE);
    for (const query of ['', '?prune=true']) {
      const again = await imported(tenantId, await exported(tenantId), query);
      expect(again).toMatchObject({ changed: false, counts: { unchanged: 12 } });
    }
  });

  it('says field by field what changed, and what is gone or kept', async () => {
    const tenantId = await makeTenant();
    await imported(tenantId, OFFICE);
    const [web, rest] = OFFICE.policies ?? [];
    const document: Configuration = {
      version: 1,
      sites: [{ name: 'berlin', description: 'moved', labels: { role: 'hub' } }],
      networks: [{ site: 'berlin', name: 'lan', prefix: '10.9.0.0/16', labels: { use: 'office' } }],
      policies: [
        { ...rest, name: 'rest', description: '', enabled: true, confidential: false, rules: [] },
        {
          ...web,
          name: 'web',
          description: '',
          enabled: true,
          confidential: false,
          rules: [rule('r', [{ kind: 'site', site: 'berlin' }]), { ...rule('names', any), namedServices: ['dns'] }],
        },
      ],
    };
    const outcomes = ({ items }: ImportResult) => items.map(({ noun, name, outcome }) => `${noun} ${name} ${outcome}`);
    const tried = await imported(tenantId, document, '?dryRun=true');
    const kept = await imported(tenantId, document);
    expect(tried).toEqual(kept);
    expect(outcomes(kept)).toEqual([
      'site berlin changed',
      'site tokyo kept',
      'network berlin/lan changed',
      'network tokyo/lan kept',
      'policy rest changed',
      'policy web changed',
    ]);
    expect(kept.items.flatMap(({ differences }) => differences)).toEqual([
      { pointer: '/description', before: '', after: 'moved' },
      { pointer: '/labels/role', before: null, after: 'hub' },
      { pointer: '/prefix', before: '10.1.0.0/16', after: '10.9.0.0/16' },
      { pointer: '/enabled', before: false, after: true },
      { pointer: '/position', before: 1, after: 0 },
      { pointer: '/confidential', before: true, after: false },
      { pointer: '/rules/0/destinations/0/kind', before: 'group', after: 'any' },
      { pointer: '/rules/0/destinations/0/group', before: 'branches', after: null },
      {
        pointer: '/rules/1/services',
        before: [],
        after: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
      },
      { pointer: '/position', before: 0, after: 1 },
    ]);
    await imported(tenantId, document);
    const pruned = await imported(tenantId, document, '?prune=true');
    expect(outcomes(pruned).filter((line) => !line.endsWith('unchanged'))).toEqual([
      'site tokyo removed',
      'network tokyo/lan removed',
    ]);
    const log = await api.fetch(`/api/v1/tenants/${tenantId}/audit-entries?action=configuration_imported`);
    const { items: entries } = (await log.json()) as AuditLog;
    // What was only tried, and what changed nothing, is not in it.
    expect(entries.map(({ actor, details }) => [actor, details['counts'], details['prune']])).toEqual([
      ['admin', { created: 0, changed: 0, removed: 2 }, true],
      ['admin', { created: 0, changed: 4, removed: 0 }, false],
      ['admin', expect.objectContaining({ changed: 0, removed: 0 }), false],
    ]);
    expect(entries[0]?.details['removed']).toEqual(['site tokyo', 'network tokyo/lan']);
    expect(entries[1]?.details['changed']).toContain('network berlin/lan: /prefix');
    // The policy test names a site that is gone: it has no name to be written with.
    const refused = await problemOf(await api.fetch(path(tenantId, 'export')));
    expect(refused).toMatchObject({ status: 409, type: 'urn:weft:problem:dangling_policy_test' });
    await imported(tenantId, { version: 1, policyTests: [] }, '?prune=true');
    expect(parse(await exported(tenantId))).toEqual({
      ...document,
      fabric: OFFICE.fabric,
      edges: OFFICE.edges,
      addressPools: OFFICE.addressPools,
      externalPeers: [],
      groups: OFFICE.groups,
      services: OFFICE.services,
      profiles: [],
      policyTests: [],
    });
  });

  it('has external peers with everything but their keys, which stay what they are', async () => {
    const tenantId = await makeTenant();
    const { localIdentity: _, preSharedKey: __, ...unproven } = PARTNER;
    const { certificate } = await createRoot(new Date());
    const pem = certificate.toString();
    const cloud = {
      ...unproven,
      name: 'cloud',
      identity: 'gw.cloud.example',
      prefixes: ['10.7.0.0/24'],
      certificates: [pem],
    };
    const toPartner = rule(
      'to partner',
      [{ kind: 'site', site: 'berlin' }],
      [{ kind: 'external_peer', externalPeer: 'partner' }],
    );
    const policies = [{ name: 'partner', description: '', enabled: true, confidential: false, rules: [toPartner] }];
    // As a person writes them: other line ends, another case, another order.
    const written = { ...cloud, address: '2001:DB8::99', certificates: [`\n${pem.replaceAll('\n', '\r\n')}`] };
    const document: Configuration = { ...OFFICE, policies, externalPeers: [PARTNER, written] };
    const first = await imported(tenantId, document);
    expect(JSON.stringify(first)).not.toContain(KEY);
    expect(first.items.filter(({ noun }) => noun === 'external_peer')).toMatchObject([
      {
        name: 'partner',
        outcome: 'created',
        differences: expect.arrayContaining([{ pointer: '/preSharedKey', before: null, after: 'new' }]),
      },
      { name: 'cloud', outcome: 'created' },
    ]);
    const shown = { ...withoutKeys({ version: 1, externalPeers: [{ ...cloud, address: '2001:db8::99' }, PARTNER] }) };
    expect(parse(await exported(tenantId))).toMatchObject({ policies, externalPeers: shown.externalPeers });
    const commitment = async () => {
      const rows = await api.controller.sql<{ commitment: string }[]>`
        select encode(commitment, 'hex') as commitment from external_peers where tenant_id = ${tenantId} and name = 'partner'`;
      return rows[0]?.commitment;
    };
    const before = await commitment();
    // The key itself, and the word for it: neither is a change.
    expect(await imported(tenantId, document, '?prune=true')).toMatchObject({ changed: false });
    expect(await imported(tenantId, await exported(tenantId), '?prune=true')).toMatchObject({ changed: false });
    const moved = { ...PARTNER, site: 'tokyo', preSharedKey: 'set' };
    expect(await imported(tenantId, { version: 1, externalPeers: [moved] })).toMatchObject({
      counts: { changed: 1, kept: 1 },
    });
    expect(await commitment()).toBe(before);
    const other = { ...moved, preSharedKey: 'another key, as long as the first' };
    const changed = await imported(tenantId, { version: 1, externalPeers: [other] });
    expect(changed.items[0]?.differences).toEqual([{ pointer: '/preSharedKey', before: 'set', after: 'new' }]);
    expect(await commitment()).not.toBe(before);
    expect(await imported(tenantId, { version: 1, externalPeers: [other] })).toMatchObject({ changed: false });
    // A rule names it: it stays as long as that.
    const named = await problemOf(
      await post(tenantId, JSON.stringify({ version: 1, externalPeers: [] }), 'json', '?prune=true'),
    );
    expect(named.errors).toMatchObject([{ rule: 'still_used', detail: expect.stringContaining('policy "partner"') }]);
    const gone = await imported(tenantId, { version: 1, externalPeers: [], policies: [] }, '?prune=true');
    expect(gone.counts).toMatchObject({ removed: 3 });
  });

  it('that keeps the key of an external peer which has none is refused, naming it', async () => {
    const [from, to] = [await makeTenant(), await makeTenant()];
    const document: Configuration = { ...OFFICE, externalPeers: [PARTNER] };
    await imported(from, document);
    const refused = await problemOf(await post(to, await exported(from), 'yaml'));
    expect(refused).toMatchObject({
      status: 422,
      errors: [
        {
          pointer: '/externalPeers/0/preSharedKey',
          rule: 'required',
          detail: 'There is no key of the external peer "partner" yet that could be kept',
          fix: 'Give its key in place of "set" this once, or certificates.',
        },
      ],
    });
    expect((parse(await exported(to)) as Configuration).sites).toEqual([]);
    for (const [key, name] of [
      ['hunter2', 'too_small'],
      ['a key with a \u00fc in it', 'characters'],
      [undefined, 'required'],
    ] as const) {
      const peers = [{ ...PARTNER, preSharedKey: key }];
      const problem = await problemOf(await post(to, JSON.stringify({ ...document, externalPeers: peers }), 'json'));
      expect(problem.errors).toMatchObject([{ pointer: '/externalPeers/0/preSharedKey', rule: name }]);
      expect(JSON.stringify(problem)).not.toContain(key ?? KEY);
    }
  });

  it('that is the own one makes nothing to publish', async () => {
    const toPartner = rule(
      'to partner',
      [{ kind: 'site', site: 'berlin' }],
      [{ kind: 'external_peer', externalPeer: 'partner' }],
    );
    const policies = [{ name: 'partner', description: '', enabled: true, confidential: false, rules: [toPartner] }];
    await imported(api.tenantId, { ...OFFICE, externalPeers: [PARTNER], policies, policyTests: [] }, '?prune=true');
    const published = await api.send('POST', '/revisions', {});
    expect([published.status, await published.text()]).toEqual([200, expect.anything()]);
    const state = async () => {
      const draft = await api.fetch(api.path('/revisions/draft'));
      const diff = await (await api.fetch(api.path('/revisions/draft/diff'))).json();
      const revisions = await (await api.fetch(api.path('/revisions'))).json();
      return { tag: draft.headers.get('etag'), diff, revisions };
    };
    const before = await state();
    expect(before.diff).toMatchObject({ intent: [] });
    for (const text of [await exported(api.tenantId), withKeys(await exported(api.tenantId))]) {
      expect(await imported(api.tenantId, text, '?prune=true')).toMatchObject({ changed: false });
    }
    expect(await state()).toEqual(before);
  });

  it('keeps identifiers of what it keeps: edges their certificates, rules their history', async () => {
    const tenantId = await makeTenant();
    await imported(tenantId, OFFICE);
    const ids = async () => {
      const read = async (rest: string) => (await api.fetch(`/api/v1/tenants/${tenantId}/${rest}`)).json();
      const { items } = (await read('policies')) as { items: { id: string; rules: { id: string }[] }[] };
      const edges = (await read('edges')) as { items: { id: string }[] };
      return {
        edges: edges.items.map(({ id }) => id),
        policies: items.map(({ id, rules }) => [id, rules.map((r) => r.id)]),
      };
    };
    const before = await ids();
    const text = (await exported(tenantId)).replace('203.0.113.1', '203.0.113.99').replace('first: 443', 'first: 80');
    expect(await imported(tenantId, text, '?prune=true')).toMatchObject({ counts: { changed: 2 } });
    expect(await ids()).toEqual(before);
  });

  it('moves prefixes around in a ring, and refuses those that overlap in the end, whole', async () => {
    const tenantId = await makeTenant();
    const networks = (prefixes: string[]): Configuration => ({
      version: 1,
      sites: [{ name: 'a', description: '', labels: {} }],
      networks: prefixes.map((prefix, index) => ({ site: 'a', name: `n${index}`, prefix, labels: {} })),
    });
    await imported(tenantId, networks(['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16']));
    expect(await imported(tenantId, networks(['10.2.0.0/16', '10.3.0.0/16', '10.1.0.0/16']))).toMatchObject({
      counts: { changed: 3 },
    });
    const before = await exported(tenantId);
    const overlapping = networks(['10.0.0.0/8', '10.3.0.0/16', '11.0.0.0/8', '12.0.0.0/8']);
    const problem = await problemOf(await post(tenantId, JSON.stringify(overlapping), 'json'));
    expect(problem).toMatchObject({
      status: 422,
      errors: [{ rule: 'overlapping_networks', pointer: expect.stringMatching(/^\/networks\/[01]\/prefix$/) }],
    });
    expect(await exported(tenantId)).toBe(before);
  });

  it('has edges of a site change places, and refuses two at one', async () => {
    const tenantId = await makeTenant();
    const edges = (preferences: (number | undefined)[]): Configuration => ({
      version: 1,
      sites: [{ name: 'a', description: '', labels: {} }],
      edges: preferences.map((preference, index) => ({
        name: `e${index}`,
        site: 'a',
        underlayAddress: `203.0.113.${index + 1}`,
        otherUnderlayAddresses: [],
        underlayPort: 4500,
        ...(preference === undefined ? {} : { preference }),
      })),
    });
    const places = async () => (parse(await exported(tenantId)) as Configuration).edges?.map((edge) => edge.preference);
    await imported(tenantId, edges([2, 1, undefined]));
    expect(await places()).toEqual([2, 1, 3]);
    expect(await imported(tenantId, edges([undefined, undefined, undefined]))).toMatchObject({ changed: false });
    expect(await imported(tenantId, edges([1, 3, 2]))).toMatchObject({ counts: { changed: 3 } });
    expect(await places()).toEqual([1, 3, 2]);
    const refused = await problemOf(await post(tenantId, JSON.stringify(edges([2])), 'json'));
    expect(refused.errors).toEqual([
      expect.objectContaining({ pointer: '/edges/0/preference', rule: 'preference_taken' }),
    ]);
    expect(await places()).toEqual([1, 3, 2]);
  });

  it('is taken however addresses are written, and is the same the second time', async () => {
    const tenantId = await makeTenant();
    const document: Configuration = {
      version: 1,
      sites: [{ name: 'a', description: '', labels: {} }],
      networks: [{ site: 'a', name: 'lan', prefix: '2001:DB8:0:0::/64', labels: {} }],
      edges: [
        {
          name: 'e',
          site: 'a',
          underlayAddress: '2001:DB8:0::1',
          otherUnderlayAddresses: ['2001:DB8:0::2'],
          underlayPort: 4500,
        },
      ],
      policies: [
        {
          name: 'p',
          description: '',
          enabled: true,
          confidential: false,
          rules: [rule('r', [{ kind: 'prefix', prefix: '2001:DB8:0:0::/64' }])],
        },
      ],
    };
    await imported(tenantId, document);
    expect(await imported(tenantId, document)).toMatchObject({ changed: false });
  });

  it.each([
    ['an unknown field', 'version: 1\nsites:\n  - name: a\n    colour: red\n', 422, '/sites/0/colour', 'unknown_field'],
    [
      'a missing site',
      'version: 1\nnetworks: [{site: x, name: n, prefix: 10.0.0.0/8}]\n',
      422,
      '/networks/0/site',
      'unknown_site',
    ],
    [
      'host bits',
      'version: 1\nnetworks: [{site: x, name: n, prefix: 10.0.0.1/8}]\n',
      422,
      '/networks/0/prefix',
      'prefix_host_bits',
    ],
    ['a number as a name', 'version: 1\nsites: [{name: 7}]\n', 422, '/sites/0/name', 'type'],
    ['another version', 'version: 2\n', 422, '/version', 'choice'],
    ['nothing', '', 422, '', 'type'],
  ])('with %s is refused with pointer and fix', async (_name, text, status, pointer, rule) => {
    const problem = await problemOf(await post(await makeTenant(), text, 'yaml'));
    expect(problem.status).toBe(status);
    expect(problem.errors).toContainEqual(expect.objectContaining({ pointer, rule, fix: expect.stringMatching(/\w/) }));
  });

  it('is not YAML where one resource is taken, and no bomb', async () => {
    const elsewhere = await api.fetch(api.path('/sites'), {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: 'name: x\n',
    });
    expect((await problemOf(elsewhere)).status).toBe(415);
    const bomb = `a: &a [x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*a, *a]\n`).join('')}`;
    expect(await problemOf(await post(api.tenantId, bomb, 'yaml'))).toMatchObject({
      status: 400,
      type: 'urn:weft:problem:malformed_yaml',
    });
    expect((await problemOf(await post(api.tenantId, '- '.repeat(200_000), 'yaml'))).status).toBe(400);
    expect((await problemOf(await post(api.tenantId, `# ${'x'.repeat(600_000)}`, 'yaml'))).status).toBe(413);
    expect((await problemOf(await post(api.tenantId, '[{]', 'json'))).status).toBe(400);
  });

  it('of any kind makes of an empty tenant one with the same configuration, to the octet', async () => {
    await fc.assert(
      fc.asyncProperty(configurations, fc.constantFrom('yaml', 'json'), async (document, format) => {
        const [from, to] = [await makeTenant(), await makeTenant()];
        await imported(from, document);
        const text = await exported(from, format as 'yaml');
        await imported(to, withKeys(text), '', format as 'yaml');
        expect(await exported(to, format as 'yaml')).toBe(text);
        expect(await imported(to, text, '?prune=true', format as 'yaml')).toMatchObject({ changed: false });
      }),
      { numRuns: 25 },
    );
  });

  it('of any kind becomes any other with prune, in one step', async () => {
    const tenantId = await makeTenant();
    const reference = await makeTenant();
    await fc.assert(
      fc.asyncProperty(configurations, async (document) => {
        // Edges do not move; a reference that starts from nothing shows what should come out.
        await imported(tenantId, { version: 1, edges: [] }, '?prune=true');
        await imported(tenantId, document, '?prune=true');
        await imported(
          reference,
          {
            version: 1,
            // What it names stays.
            fabric: { topology: { kind: 'full_mesh' } },
            sites: [],
            networks: [],
            edges: [],
            addressPools: [],
            externalPeers: [],
            groups: [],
            services: [],
            policies: [],
            policyTests: [],
          },
          '?prune=true',
        );
        await imported(reference, document);
        expect(await exported(tenantId)).toBe(await exported(reference));
      }),
      { numRuns: 25 },
    );
  });
});

/** An edge has a name of its own, and a place of its own at its site. */
function sameEdgeOrPlace(one: ConfiguredEdge, other: ConfiguredEdge): boolean {
  return one.name === other.name || (one.site === other.site && one.preference === other.preference);
}

/** Of any kind, with a key or with certificates. */
function externalPeer(
  name: string,
  sites: readonly string[],
  description: fc.Arbitrary<string>,
): fc.Arbitrary<ConfiguredExternalPeer> {
  const methods = fc.uniqueArray(fc.constantFrom(...KEY_EXCHANGE_NAMES), { maxLength: 8 });
  const keyBits = fc.constantFrom(128 as const, 192 as const, 256 as const);
  const identity = fc.constantFrom('gw.example', 'a@b.example', '203.0.113.9', 'keyid:x', 'keyid:#00ff', '@x', '~');
  const proof = fc.oneof(
    fc.record({ localIdentity: identity, preSharedKey: fc.constant(KEY) }),
    fc.record({ certificates: fc.shuffledSubarray([...pinnable], { minLength: 1 }) }),
  );
  const rest = fc.record({
    name: fc.constant(name),
    description,
    site: fc.constantFrom(...sites),
    address: fc.constantFrom('203.0.113.99', '2001:db8::99'),
    port: fc.constantFrom(1, 4500, 65535),
    identity,
    prefixes: fc.shuffledSubarray(['10.8.0.0/24', '10.9.0.0/16', '2001:db8:8::/48'], { minLength: 1 }),
    ikeProposals: fc.array(
      fc.record({
        keyBits,
        prf: fc.constantFrom('hmac-sha2-256' as const, 'hmac-sha2-384' as const, 'hmac-sha2-512' as const),
        keyExchange: methods.filter(({ length }) => length > 0),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    espProposal: fc.record({ keyBits, extendedSequenceNumbers: fc.boolean(), keyExchange: methods }),
  });
  return fc.tuple(rest, proof).map(([fields, proven]) => ({ ...fields, ...proven }));
}

/** Of both IP versions in turn, each with a prefix of its own. */
function addressPool(name: string, site: string, index: number): ConfiguredAddressPool {
  const prefix = index < 2 ? `10.9${index}.0.0/24` : `2001:db8:9${index}::/64`;
  const nameServers = index === 1 ? [] : ['10.1.0.53', '2001:db8::53'];
  return { name, description: '', site, prefix, nameServers, domains: index === 2 ? ['corp.example'] : [] };
}

/** Of one or two pools of one site, with addresses that no other host has. */
function remoteHost(
  n: number,
  pick: number,
  pools: readonly ConfiguredAddressPool[],
  description: fc.Arbitrary<string>,
): fc.Arbitrary<ConfiguredExternalPeer> {
  const [pool] = pools.slice(pick % pools.length);
  const isIpv6 = (one: ConfiguredAddressPool | undefined) => one?.prefix.includes(':');
  const second = pools.find((other) => other.site === pool?.site && isIpv6(other) !== isIpv6(pool));
  const assigned = [...(pool === undefined ? [] : [pool]), ...(second === undefined ? [] : [second])].map((one) => ({
    addressPool: one.name,
    address: one.prefix.replace(/0?\/\d+$/, String(n + 1)),
  }));
  return externalPeer(`host ${n}`, [pool?.site ?? ''], description).map(
    ({ address: _, port: __, prefixes: ___, ...common }) => ({ ...common, assigned }),
  );
}

/** Of each kind, of sites with these names. */
function arbitraryTopology(names: readonly string[]): fc.Arbitrary<ConfiguredTopology> {
  const some = (minLength: number) => fc.shuffledSubarray([...names], { minLength });
  const pairs = names.flatMap((one, index) => names.slice(index + 1).map((other) => [one, other] as [string, string]));
  return fc.oneof(
    fc.constant<ConfiguredTopology>({ kind: 'full_mesh' }),
    fc.tuple(some(1), fc.nat()).map(([hubs, turn]): ConfiguredTopology => {
      const spokes = names.filter((name) => !hubs.includes(name));
      const homes = spokes.map((site, index) => ({ site, hub: hubs[(turn + index) % hubs.length] ?? '' }));
      return { kind: 'hub_and_spoke', hubs, homes: homes.slice(turn % 2) };
    }),
    fc.array(some(1), { maxLength: 3 }).map((meshes): ConfiguredTopology => ({ kind: 'partial_mesh', meshes })),
    fc.tuple(fc.shuffledSubarray(pairs), some(0)).map(
      ([links, relays]): ConfiguredTopology => ({
        kind: 'custom_links',
        links: links.map((sites) => ({ sites })),
        relays,
      }),
    ),
  );
}

/** Names that YAML could take for something else. */
const NAMES = [
  'no',
  '1e3',
  '~',
  'a: b',
  '- x',
  '#1',
  '"q"',
  'ü',
  '日本',
  '<<',
  '0x1F',
  'true',
  "it's",
  '{a}',
  '*a',
  '10.1.0.0/16',
];

const LABELS: Record<string, string>[] = [{}, { role: 'branch' }, { no: 'yes', '1e3': '010', 'a/b': '1.0' }];

const configurations: fc.Arbitrary<Configuration> = fc
  .record({
    names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
    networks: fc.array(fc.nat(), { maxLength: 4 }),
    pools: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
    peers: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
    hosts: fc.array(fc.nat(), { maxLength: 3 }),
    groups: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
    serviceNames: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
  })
  .chain(({ names, networks: picks, pools, peers, hosts, groups, serviceNames }) => {
    const networks = picks.map((pick, index): ConfiguredNetwork => {
      const prefix = index % 2 === 0 ? `10.${index}.0.0/16` : `2001:db8:${index}::/48`;
      const labels = LABELS[pick % LABELS.length] ?? {};
      return { site: names[pick % names.length] ?? '', name: `${NAMES[pick % NAMES.length]} ${index}`, prefix, labels };
    });
    const description = fc.constantFrom('', 'one line', 'two\nlines\n', '  indented', 'tab\there', '|', '\n');
    const addressPools = pools.map((name, index) => addressPool(name, names[index % names.length] ?? '', index));
    const gateways = peers.map((peer) => externalPeer(peer, names, description));
    const remoteHosts = hosts.map((pick, n) => remoteHost(n, pick, addressPools, description));
    const externalPeers = [...gateways, ...(addressPools.length === 0 ? [] : remoteHosts)];
    const place: fc.Arbitrary<NamedPlace> = fc.oneof(
      fc.constantFrom(...names).map((site): NamedPlace => ({ kind: 'site', site })),
      fc.constantFrom('10.0.0.0/8', '::/0').map((prefix): NamedPlace => ({ kind: 'prefix', prefix })),
      ...peers.map((peer) => fc.constant<NamedPlace>({ kind: 'external_peer', externalPeer: peer })),
      ...(networks.length === 0
        ? []
        : [
            fc
              .constantFrom(...networks)
              .map(({ site, name }): NamedPlace => ({ kind: 'network', site, network: name })),
          ]),
    );
    const selector: fc.Arbitrary<NamedSelector> = fc.oneof(
      fc.constant<NamedSelector>({ kind: 'any' }),
      ...groups.map((group) => fc.constant<NamedSelector>({ kind: 'group', group })),
      ...pools.map((pool) => fc.constant<NamedSelector>({ kind: 'address_pool', addressPool: pool })),
      place,
    );
    const member: fc.Arbitrary<NamedGroupMember> = fc.oneof(
      place,
      fc
        .record({
          kind: fc.constantFrom('site_labels' as const, 'network_labels' as const),
          labels: fc.constantFrom(...LABELS),
        })
        .filter(({ labels }) => Object.keys(labels).length > 0),
    );
    const sides = {
      sources: fc.array(selector, { minLength: 1, maxLength: 2 }),
      destinations: fc.array(selector, { minLength: 1, maxLength: 2 }),
      services: fc.constantFrom<ConfiguredRule['services'][]>(
        [{ protocol: 'any', ports: [] }],
        [
          {
            protocol: 'udp',
            ports: [
              { first: 53, last: 53 },
              { first: 0, last: 65535 },
            ],
          },
        ],
      ),
    };
    const name = fc.constantFrom(...NAMES);
    const named = { selector: (item: { name: string }) => item.name, maxLength: 3 };
    const action = fc.constantFrom('PROTECT' as const, 'DISCARD' as const, 'BYPASS' as const);
    const configuredRule = fc
      .record({
        name,
        action,
        enabled: fc.boolean(),
        ...sides,
        services: fc.oneof(sides.services, fc.constant<ConfiguredRule['services']>([])),
        namedServices: fc.shuffledSubarray(serviceNames),
        tunnelStart: fc.option(TUNNEL_START, { nil: undefined }),
      })
      .map(({ tunnelStart, ...one }) => (tunnelStart === undefined ? one : { ...one, tunnelStart }))
      .filter(({ services, namedServices }) => services.length + namedServices.length > 0);
    const edge = fc.constantFrom(...names).chain((site) =>
      fc.record({
        name,
        site: fc.constant(site),
        underlayAddress: fc.constantFrom('203.0.113.1', '2001:db8::1'),
        otherUnderlayAddresses: fc.shuffledSubarray(['198.51.100.1', '2001:db8:1::1', '2001:db8:2::1']),
        underlayPort: fc.constantFrom(4500, 1),
        preference: fc.integer({ min: 1, max: 255 }),
      }),
    );
    return fc.record({
      version: fc.constant(1 as const),
      fabric: fc.record({
        keyingMode: fc.constantFrom('ikev2' as const, 'ike-less' as const),
        encapsulation: fc.constantFrom('udp' as const, 'none' as const),
        securityProtocol: fc.constantFrom('esp' as const, 'ah' as const),
        mode: fc.constantFrom('tunnel' as const, 'transport' as const),
        defaultProfile: fc.constant(null),
        tunnelStart: TUNNEL_START,
        topology: arbitraryTopology(names),
      }),
      sites: fc.tuple(
        ...names.map((site) => fc.record({ name: fc.constant(site), description, labels: fc.constantFrom(...LABELS) })),
      ),
      networks: fc.constant(networks),
      edges: fc.uniqueArray(edge, { ...named, comparator: sameEdgeOrPlace, selector: (one) => one }),
      addressPools: fc.constant(addressPools),
      externalPeers: fc.tuple(...externalPeers),
      groups: fc.tuple(
        ...groups.map((group) =>
          fc.record({ name: fc.constant(group), description, members: fc.array(member, { maxLength: 3 }) }),
        ),
      ),
      profiles: fc.constant([]),
      services: fc.tuple(
        ...serviceNames.map((service) =>
          fc.record({ name: fc.constant(service), description, services: sides.services }),
        ),
      ),
      policies: fc.uniqueArray(
        fc.record({
          name,
          description,
          enabled: fc.boolean(),
          confidential: fc.boolean(),
          rules: fc.array(configuredRule, { maxLength: 3 }),
        }),
        named,
      ),
      policyTests: fc.uniqueArray(
        fc.record({ name, description, ...sides, expect: fc.constantFrom('allowed' as const, 'denied' as const) }),
        named,
      ),
    });
  });
