import type { Draft, Explanation, Policy, Revision, RevisionDiff, Tenant, Tunnel } from '@weft/contracts/rest';
import { IntegrityAlgorithm, SecurityProtocol } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let policy: Policy;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  policy = await api.make<Policy>('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await api.make('/revisions', { comment: 'esp' });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const tenant = () => read<Tenant>('');
const settings = async (change: Partial<Tenant>) => {
  const answer = await api.send('PATCH', '', change);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
};
const askFor = async (confidential: boolean) => {
  const { name, rules } = policy;
  const body = { name, rules, confidential };
  const answer = await api.send('PUT', `/policies/${policy.id}`, body, { 'if-match': '*' });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  policy = (await answer.json()) as Policy;
};
/** Profiles in what the edges should run. */
const profiles = async () => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`
    select content from edge_bundles order by edge_id`;
  return rows.flatMap(({ content }) => decodeBundle(content).tunnels.map(({ profile }) => profile));
};
const AH = {
  encryption: 0,
  keyBits: 0,
  protocol: SecurityProtocol.SECURITY_PROTOCOL_AH,
  integrity: IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128,
};

// In order: each step goes on from the one before it.
describe('a tenant whose packets are authenticated and not encrypted', () => {
  it('is told so before anything is published, and what comes of it', async () => {
    expect((await draft()).blastRadius).toMatchObject({ tunnelsNotEncrypted: 0 });
    await settings({ securityProtocol: 'ah' });
    const now = await draft();
    expect(now).toMatchObject({
      changed: true,
      problems: [],
      findings: [],
      blastRadius: { edges: 2, tunnelsChanged: 1, tunnelsNotEncrypted: 1 },
    });
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toMatchObject([
      { noun: 'tenant', change: 'changed', fields: [{ field: 'securityProtocol', before: null, after: 'ah' }] },
    ]);
  });

  it('cannot publish it for a policy that asks for confidentiality, which keeps what is in force', async () => {
    await askFor(true);
    const [problem, ...more] = (await draft()).problems;
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ pointer: '/policies/0/confidential', rule: 'ah_is_not_confidential' });
    expect(problem?.detail).toContain('authenticated, not encrypted');
    const refused = await problemOf(await api.send('POST', '/revisions', {}));
    expect(refused.errors).toMatchObject([{ rule: 'ah_is_not_confidential' }]);
    expect((await profiles()).map((profile) => profile?.protocol)).toEqual([undefined, undefined]);
    await askFor(false);
  });

  it('cannot have the controller make the keys: nobody would look for a NAT', async () => {
    await settings({ keyingMode: 'ike-less' });
    expect((await draft()).problems).toMatchObject([{ pointer: '/keyingMode', rule: 'ah_without_negotiation' }]);
    await settings({ keyingMode: 'ikev2' });
  });

  it('has bundles that say so to its edges, and is told so of every packet and every tunnel', async () => {
    await api.make('/revisions', { comment: 'ah' });
    await expect.poll(profiles).toMatchObject([AH, AH]);
    const query = new URLSearchParams({ source: '10.1.0.7', destination: '10.2.0.9', protocol: 'icmp' });
    const explanation = await read<Explanation>(`/revisions/2/explanation?${query}`);
    expect(explanation.detail).toContain('AUTHENTICATED BUT NOT ENCRYPTED');
    expect(explanation.hops).toMatchObject([
      {
        association: { esp: null, ah: { integrity: 'hmac-sha2-256-128', extendedSequenceNumbers: true } },
        encapsulation: { udp: false, espHeader: 12, icv: 16, innerMtu: 1452 },
      },
    ]);
    const tunnels = async () => (await read<{ items: Tunnel[] }>('/tunnels')).items;
    await expect.poll(tunnels).toMatchObject([{ keyingMode: 'ikev2', securityProtocol: 'ah' }]);
    // What was in force before is explained as it was.
    const before = await read<Explanation>(`/revisions/1/explanation?${query}`);
    expect(before.detail).not.toContain('NOT ENCRYPTED');
    expect(before.hops).toMatchObject([{ association: { esp: { encryption: 'aes-gcm-16' }, ah: null } }]);
  });

  it('gets with an earlier revision what that had, and back', async () => {
    await settings({ securityProtocol: 'esp' });
    await askFor(true);
    const { revision } = (await api.make('/revisions', { comment: 'confidential' })) as unknown as {
      revision: Revision;
    };
    expect(revision.number).toBe(3);
    const restore = async (number: number) => {
      const tag = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
      const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': tag });
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    };
    const state = async () => {
      const [first] = (await read<{ items: Policy[] }>('/policies')).items;
      return [(await tenant()).securityProtocol, first?.confidential];
    };
    await restore(2);
    expect(await state()).toEqual(['ah', false]);
    await restore(3);
    expect(await state()).toEqual(['esp', true]);
    await expect.poll(profiles).toMatchObject([{ keyBits: 256 }, { keyBits: 256 }]);
  });
});
