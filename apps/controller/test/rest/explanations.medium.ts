import type { Explanation, Policy, Tenant } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, cookieOf, logIn, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let policy: Policy;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  const https = {
    ...rule('https', made.berlin.id, made.tokyo.id),
    services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
  };
  policy = await api.make<Policy>('/policies', { name: 'branches', rules: [https] });
  await api.make('/revisions', { comment: 'https' });
  await api.make('/sites', { name: 'unrelated' });
  await api.make('/revisions', { comment: 'a site' });
});
afterAll(() => api.stop());

const QUERY = { source: '10.1.0.7', destination: '10.2.0.9', protocol: 'tcp', destinationPort: '443' };
const ask = (which: string, query: Record<string, string> = QUERY) =>
  api.fetch(api.path(`/revisions/${which}/explanation?${new URLSearchParams(query)}`));
const explain = async (which: string, query?: Record<string, string>) => {
  const answer = await ask(which, query);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Explanation;
};

describe('an explanation', () => {
  it('leads from the policy line to the octets on the underlay, with who made it so', async () => {
    const explanation = await explain('2');
    expect(explanation).toMatchObject({
      packet: { text: 'tcp 10.1.0.7:49152 → 10.2.0.9:443' },
      verdict: 'protected',
      source: { id: made.berlin.id, name: 'berlin' },
      destination: { id: made.tokyo.id, name: 'tokyo' },
      rule: { policyName: 'branches', ruleName: 'https', action: 'PROTECT', position: 1 },
      revision: { number: 2, comment: 'a site', author: 'admin' },
      ruleSince: { number: 1, comment: 'https', author: 'admin' },
    });
    const [hop, ...more] = explanation.hops;
    if (hop === undefined) throw new Error('there is no hop');
    expect(more).toEqual([]);
    expect(hop).toMatchObject({
      from: { name: 'berlin-1' },
      to: { name: 'tokyo-1' },
      outbound: {
        edge: { name: 'berlin-1' },
        action: 'PROTECT',
        direction: 'opens',
        services: ['tcp 443'],
        local: null,
      },
      inbound: { edge: { name: 'tokyo-1' }, action: 'PROTECT', direction: 'answers', services: ['tcp 443'] },
      association: {
        keyingMode: 'ikev2',
        local: { address: '203.0.113.1', port: 4500 },
        remote: { address: '203.0.113.2', port: 4500 },
        esp: { encryption: 'aes-gcm-16', keyBits: 256, encapsulation: 'udp' },
        ike: { proposals: [{ keyExchange: { method: 31, additionalMethods: [36] } }] },
      },
    });
    expect(hop.outbound?.remote.ranges).toEqual(['10.2.0.0/16']);
    const { innerMtu, outerHeaders, espHeader, iv, trailer, icv, outerLength, underlayMtu } = hop.encapsulation;
    expect(innerMtu + outerHeaders + espHeader + iv + trailer + icv).toBe(outerLength);
    expect(outerLength).toBeLessThanOrEqual(underlayMtu);
  });

  it('says why not: no rule, a rule, an address of nobody', async () => {
    expect(await explain('2', { ...QUERY, destinationPort: '22' })).toMatchObject({
      verdict: 'discarded',
      rule: null,
      ruleSince: null,
      hops: [],
      detail: expect.stringContaining('No rule'),
    });
    expect(await explain('2', { ...QUERY, destination: '192.0.2.1' })).toMatchObject({
      verdict: 'not_in_fabric',
      destination: null,
      detail: expect.stringContaining('192.0.2.1'),
    });
    expect(await explain('2', { ...QUERY, protocol: 'icmp' })).toMatchObject({
      packet: { protocol: 1, sourcePort: 0, destinationPort: 0 },
      verdict: 'discarded',
    });
  });

  it('tells the draft from what is in force, and what is from what was', async () => {
    const closed = policy.rules.map((each) => ({ ...each, action: 'DISCARD' }));
    const answer = await api.send(
      'PUT',
      `/policies/${policy.id}`,
      { name: 'branches', rules: closed },
      { 'if-match': '*' },
    );
    expect(answer.status).toBe(200);
    expect(await explain('draft')).toMatchObject({ verdict: 'discarded', revision: null, rule: { action: 'DISCARD' } });
    expect(await explain('2')).toMatchObject({ verdict: 'protected' });
    await api.make('/revisions', { comment: 'closed' });
    expect(await explain('3')).toMatchObject({
      verdict: 'discarded',
      revision: { number: 3 },
      ruleSince: { number: 3, comment: 'closed' },
    });
    expect(await explain('1')).toMatchObject({ verdict: 'protected', ruleSince: { number: 1 } });
  });

  it('follows who makes the keys, and what ESP travels in', async () => {
    await api.fetch(`/api/v1/tenants/${api.tenantId}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keyingMode: 'ike-less', encapsulation: 'none' } satisfies Partial<Tenant>),
    });
    const open = policy.rules.map((each) => ({ ...each, action: 'PROTECT' }));
    await api.send('PUT', `/policies/${policy.id}`, { name: 'branches', rules: open }, { 'if-match': '*' });
    const { hops } = await explain('draft');
    expect(hops).toMatchObject([
      {
        association: { keyingMode: 'ike-less', ike: null, esp: { encapsulation: 'none' } },
        encapsulation: { udp: false },
      },
    ]);
  });

  it.each([
    ['an address that is none', { source: '10.1.0' }, '?source', 'address_format'],
    ['two IP versions', { destination: '2001:db8::1' }, '?destination', 'address_family'],
    ['no port', { destinationPort: '' }, '?destinationPort', 'port_required'],
    ['a protocol that is none', { protocol: 'gopher' }, '?protocol', 'protocol_format'],
    ['a protocol number that is none', { protocol: '256' }, '?protocol', 'protocol_format'],
    ['a port that is none', { destinationPort: '65536' }, '?destinationPort', 'too_big'],
  ])('is refused for %s', async (_, change, pointer, name) => {
    const query: Record<string, string> = { ...QUERY, ...change };
    if (query['destinationPort'] === '') delete query['destinationPort'];
    const refused = await problemOf(await ask('2', query));
    expect(refused).toMatchObject({
      status: 422,
      errors: [{ pointer, rule: name }],
    });
  });

  it('is nobody else’s, and needs a revision', async () => {
    expect((await problemOf(await ask('99'))).status).toBe(404);
    const foreign = `/api/v1/tenants/${crypto.randomUUID()}/revisions/1/explanation?${new URLSearchParams(QUERY)}`;
    expect((await problemOf(await api.fetch(foreign))).status).toBe(404);
    expect(cookieOf(await logIn(api.controller.url, 'admin', 'wrong'))).toBe('');
  });
});
