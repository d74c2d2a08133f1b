import type {
  Draft,
  ExternalPeer,
  ExternalPeerImportResult,
  ExternalPeerSnippet,
  RevisionDiff,
  Tunnel,
} from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTROLLER_SERVER_NAME, createRoot, createServerIdentity } from '../../src/pki/certificate-factory.js';
import { enrolled, ScriptedEdge } from '../southbound/scripted-edge.js';
import { eventually } from '../support/patience.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

const KEY = 'correct horse battery staple';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let peer: ExternalPeer;
const edges: ScriptedEdge[] = [];

beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(async () => {
  for (const edge of edges) edge.close();
  await api.stop();
});

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const input = (change: object = {}) => ({
  name: 'partner',
  siteId: made.berlin.id,
  address: '203.0.113.99',
  identity: 'gw.partner.example',
  localIdentity: 'berlin.example',
  prefixes: ['10.8.0.0/24', '10.9.0.0/16'],
  ...change,
});
const withKey = (change: object = {}) => input({ preSharedKey: KEY, ...change });

// In order: each step goes on from the one before it.
describe('external peers', () => {
  it('are made, read and listed, and never tell their key', async () => {
    const once = { 'idempotency-key': crypto.randomUUID() };
    const answer = await api.send('POST', '/external-peers', withKey(), once);
    expect([answer.status, answer.headers.get('etag')]).toEqual([201, '"1"']);
    peer = (await answer.json()) as ExternalPeer;
    expect(peer).toMatchObject({
      ...input(),
      port: 4500,
      ikeProposals: [{ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] }],
      espProposal: { keyBits: 256, extendedSequenceNumbers: false, keyExchange: ['X25519'] },
      preSharedKey: 'set',
    });
    expect(await read(`/external-peers/${peer.id}`)).toEqual(peer);
    expect(await read('/external-peers')).toEqual({ items: [peer], next: null });
    const again = await api.send('POST', '/external-peers', withKey(), once);
    expect([again.status, await again.json()]).toEqual([201, peer]);
  });

  it('have their key sealed in the database', async () => {
    const { sql } = api.controller;
    const [stored] = await sql<{ sealed: Buffer }[]>`select sealed from pre_shared_keys`;
    expect(stored?.sealed.includes(Buffer.from(KEY))).toBe(false);
    // Which key sealed it, nonce, salt and key, tag.
    expect(stored?.sealed.length).toBe(4 + 12 + 32 + KEY.length + 16);
  });

  it.each<[string, object, string, string]>([
    ['a site of nobody', { name: 'lost', siteId: crypto.randomUUID() }, '/siteId', 'unknown_site'],
    ['the name of another', {}, '/name', 'name_taken'],
    ['no network', { prefixes: [] }, '/prefixes', 'too_small'],
    ['a key that is soon guessed', { preSharedKey: 'secret' }, '/preSharedKey', 'too_small'],
    ['no key', { preSharedKey: undefined }, '/preSharedKey', 'required'],
    ['a field that is none', { aggressive: true }, '/aggressive', 'unknown_field'],
  ])('are refused with %s, naming it', async (_, change, pointer, name) => {
    const refused = await problemOf(await api.send('POST', '/external-peers', withKey(change)));
    expect(refused.errors).toMatchObject([{ pointer, rule: name }]);
  });

  it('give what their operator configures, without the key', async () => {
    const snippet = await read<ExternalPeerSnippet>(`/external-peers/${peer.id}/snippet`);
    expect(snippet).toMatchObject({ format: 'swanctl', fileName: 'weft-partner.conf' });
    for (const line of [
      'local_addrs = 203.0.113.99',
      'remote_addrs = 203.0.113.1',
      'proposals = aes256gcm16-prfsha384-x25519',
      'local_ts = 10.8.0.0/24, 10.9.0.0/16',
      'remote_ts = 10.1.0.0/16',
      'esp_proposals = aes256gcm16-x25519-noesn',
      `secret = "${snippet.secretPlaceholder}"`,
    ]) {
      expect(snippet.text).toContain(line);
    }
    expect(snippet.text).not.toContain(KEY);
  });

  it('give the same to the operator of a Libreswan gateway, whose keys are in a file of their own', async () => {
    const path = `/external-peers/${peer.id}/snippet`;
    const { secrets, ...snippet } = await read<ExternalPeerSnippet>(`${path}?format=libreswan`);
    expect(snippet).toMatchObject({ format: 'libreswan', fileName: 'weft-partner.conf' });
    for (const line of ['left=203.0.113.99', 'leftsubnet=10.8.0.0/24,10.9.0.0/16', 'ike=aes_gcm256-sha2_384-dh31']) {
      expect(snippet.text).toContain(`\t${line}\n`);
    }
    expect(secrets).toMatchObject({ fileName: 'weft-partner.secrets' });
    expect(secrets?.text).toContain(`@gw.partner.example @berlin.example : PSK "${snippet.secretPlaceholder}"`);
    const refused = await problemOf(await api.fetch(api.path(`${path}?format=ios`)));
    expect(refused.errors).toMatchObject([{ pointer: '?format', rule: 'choice' }]);
  });

  it('are named by rules, in the draft, its difference and its proof; what a rule names stays', async () => {
    const rules = [
      {
        ...rule('to partner', made.berlin.id, made.tokyo.id),
        destinations: [{ kind: 'external_peer', externalPeerId: peer.id }],
      },
    ];
    const lost = [{ ...rules[0], destinations: [{ kind: 'external_peer', externalPeerId: crypto.randomUUID() }] }];
    const refused = await problemOf(await api.send('POST', '/policies', { name: 'lost', rules: lost }));
    expect(refused.errors).toMatchObject([
      { pointer: '/rules/0/destinations/0/externalPeerId', rule: 'unknown_external_peer' },
    ]);
    await api.make('/policies', { name: 'partner', rules });
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ problems: [], findings: [] });
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(expect.objectContaining({ noun: 'external_peer', name: 'partner', change: 'added' }));
    expect(JSON.stringify(intent)).not.toContain(KEY);
    const kept = await api.fetch(api.path(`/external-peers/${peer.id}`), { method: 'DELETE' });
    expect((await problemOf(kept)).errors[0]?.detail).toContain('the rule "to partner"');
    const site = await api.fetch(api.path(`/sites/${made.berlin.id}`), { method: 'DELETE' });
    expect((await problemOf(site)).detail).toContain('site');
  });

  it('reach the one edge of their site, with the key beside the bundle, which it does not name', async () => {
    const { tenantId, controller } = api;
    const [berlin, tokyo] = ScriptedEdge.together([
      new ScriptedEdge('berlin', await enrolled(controller, tenantId, made.berlinEdge.id)),
      new ScriptedEdge('tokyo', await enrolled(controller, tenantId, made.tokyoEdge.id)),
    ]);
    edges.push(berlin, tokyo);
    await publish();
    for (const edge of [berlin, tokyo]) edge.connect(controller);
    await Promise.all([berlin.until(() => berlin.bundle), tokyo.until(() => tokyo.bundle)]);
    expect(berlin.bundle?.tunnels).toMatchObject([{ peerEdgeId: peer.id, peerName: 'partner' }]);
    expect(tokyo.bundle?.tunnels).toEqual([]);
    expect(keysOf(berlin)).toEqual([KEY]);
    expect(keysOf(tokyo)).toEqual([]);
  });

  it('have a tunnel in the list of all, as their edge reports it', async () => {
    const [berlin] = edges as [ScriptedEdge];
    const tunnelId = berlin.bundle?.tunnels[0]?.tunnelId ?? '';
    const tunnels = async () => (await read<{ items: Tunnel[] }>('/tunnels')).items;
    expect(await tunnels()).toMatchObject([
      {
        id: tunnelId,
        state: 'establishing',
        keyingMode: 'ikev2',
        keyExchange: null,
        externalPeer: { id: peer.id, name: 'partner', address: '203.0.113.99', port: 4500 },
        edges: [{ edgeName: 'berlin-1', siteName: 'berlin', inboundSpi: null, outboundSpi: null }],
      },
    ]);
    berlin.say({ $case: 'status', value: statusOf(tunnelId) });
    await eventually(async () =>
      expect(await tunnels()).toMatchObject([
        {
          state: 'up',
          reason: null,
          rekeys: 2,
          keyExchange: { methods: ['X25519'], ppk: false, postQuantum: false },
          edges: [
            {
              inboundSpi: 300,
              outboundSpi: 400,
              inbound: { packets: 3, bytes: 300 },
              outbound: { packets: 5, bytes: 500 },
              lastReceivedAt: new Date(900).toISOString(),
              path: null,
              observedPeer: { address: '203.0.113.99', port: 4501 },
              behindNat: false,
            },
          ],
        },
      ]),
    );
  });

  it('are replaced by whoever has seen them; another key is another bundle, and the old revision brings the old key back', async () => {
    const [berlin] = edges as [ScriptedEdge];
    const path = `/external-peers/${peer.id}`;
    expect((await problemOf(await api.send('PUT', path, input()))).status).toBe(428);
    expect((await problemOf(await api.send('PUT', path, input(), { 'if-match': '"7"' }))).status).toBe(412);
    const renamed = await api.send('PUT', path, input({ description: 'ours since spring' }), { 'if-match': '"1"' });
    expect(await renamed.json()).toMatchObject({ version: 2, description: 'ours since spring' });
    const other = 'another key, as long as the first';
    await api.send('PUT', path, withKey({ preSharedKey: other }), { 'if-match': '"2"' });
    await publish();
    await berlin.until(() => keysOf(berlin)[0] === other);
    const seen = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
    const restored = await api.send('POST', '/revisions/1/restoration', {}, { 'if-match': seen });
    expect(restored.status).toBe(200);
    await berlin.until(() => keysOf(berlin)[0] === KEY);
  });

  it('may prove themselves with certificates in place of a key, both ends', async () => {
    const [berlin] = edges as [ScriptedEdge];
    const path = `/external-peers/${peer.id}`;
    const { localIdentity: _, ...others } = input();
    const pem = await authorityPem();
    const change = async (body: object) => {
      const tag = (await api.fetch(api.path(path))).headers.get('etag') ?? '';
      return api.send('PUT', path, body, { 'if-match': tag });
    };
    for (const [body, pointer, name] of [
      [{ ...others, certificates: ['no certificate'] }, '/certificates/0', 'certificate_format'],
      [{ ...others, certificates: [pem + pem] }, '/certificates/0', 'certificate_format'],
      [input({ certificates: [pem] }), '/localIdentity', 'two_proofs'],
      [{ ...others, certificates: [pem], preSharedKey: KEY }, '/preSharedKey', 'two_proofs'],
      [others, '/localIdentity', 'required'],
    ] as const) {
      expect((await problemOf(await change(body))).errors).toMatchObject([{ pointer, rule: name }]);
    }
    const changed = await change({ ...others, certificates: [pem] });
    const shown = (await changed.json()) as ExternalPeer;
    expect(shown).toMatchObject({ ...others, certificates: [pem] });
    expect(shown).not.toHaveProperty('preSharedKey');
    expect(shown).not.toHaveProperty('localIdentity');
    const snippet = await read<ExternalPeerSnippet>(`${path}/snippet`);
    expect(snippet.text).toContain(`id = "CN=${made.berlinEdge.id}"`);
    expect(snippet.certificates).toMatchObject([
      { fileName: 'weft-partner-1.pem', text: expect.stringContaining('BEGIN CERTIFICATE') },
    ]);
    await publish();
    await berlin.until(() => keysOf(berlin).length === 0 && pinnedOf(berlin).length === 1);
    const kept = await problemOf(await change(input()));
    expect(kept.errors).toMatchObject([{ pointer: '/preSharedKey', rule: 'required' }]);
    expect((await change(withKey())).status).toBe(200);
    await publish();
    await berlin.until(() => keysOf(berlin)[0] === KEY);
  });

  it('are imported from what their operator has configured, all of it or nothing', async () => {
    const { text, secretPlaceholder } = await read<ExternalPeerSnippet>(`/external-peers/${peer.id}/snippet`);
    const configured = text.replace(`"${secretPlaceholder}"`, `"${KEY}"`).replaceAll('10.8.0.0/24', '10.18.0.0/24');
    const send = (changed: string, siteId = made.berlin.id, query = '') =>
      api.send('POST', `/external-peers/import${query}`, { siteId, text: changed });
    const before = await read('/external-peers');

    const two = configured.replace('mobike = no', 'vips = 0.0.0.0').replace('version = 2', 'version = 1');
    const refused = await problemOf(await send(two.replace(KEY, 'hunter2')));
    expect([refused.status, refused.type]).toEqual([422, 'urn:weft:problem:not_importable']);
    expect(refused.errors.map(({ pointer, rule: name, detail }) => [pointer, name, detail.split(':')[0]])).toEqual([
      ['/text', 'unmapped_value', 'Line 37, column 5, secrets.ike-weft-partner.secret'],
      ['/text', 'not_offered', 'Line 5, column 5, connections.weft-partner.version'],
      ['/text', 'not_offered', 'Line 11, column 5, connections.weft-partner.vips'],
    ]);
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    expect((await problemOf(await send(configured, crypto.randomUUID()))).errors).toMatchObject([
      { pointer: '/siteId', rule: 'unknown_site' },
    ]);
    const nobody = configured.replace('203.0.113.99', '224.0.0.1');
    expect((await problemOf(await send(nobody))).errors).toMatchObject([
      { pointer: '/text', rule: 'address_not_unicast' },
    ]);
    expect((await send(configured, made.berlin.id, '?dryRun=true')).status).toBe(200);
    expect(await read('/external-peers')).toEqual(before);

    const answer = await send(configured);
    expect(answer.status).toBe(200);
    const { items, leftAtGateway } = (await answer.json()) as ExternalPeerImportResult;
    expect(items).toMatchObject([
      { ...input(), name: 'weft-partner', prefixes: ['10.18.0.0/24', '10.9.0.0/16'], port: 4500, preSharedKey: 'set' },
    ]);
    expect(leftAtGateway.map(({ key }) => key.split('.').at(-1))).toEqual([
      'mobike',
      'unique',
      'rekey_time',
      'rekey_time',
      'start_action',
    ]);
    expect((await problemOf(await send(configured))).errors).toMatchObject([{ pointer: '/text', rule: 'name_taken' }]);
  });

  it('are imported with the certificates that the text names, which come beside it', async () => {
    const now = new Date();
    const issued = await createServerIdentity(await createRoot(now), now);
    const certificate = issued.certificate.toString();
    const text = `connections { cloud {
      local_addrs = 203.0.113.98
      proposals = aes256gcm16-prfsha384-x25519
      local { id = ${CONTROLLER_SERVER_NAME}
        certs = cloud.pem }
      remote { id = "CN=${made.berlinEdge.id}"
        cacerts = weft.pem }
      children { net { local_ts = 10.28.0.0/24
        remote_ts = 0.0.0.0/0
        esp_proposals = aes256gcm16-x25519 } }
    } }`;
    const send = (files: object[]) =>
      api.send('POST', '/external-peers/import', { siteId: made.berlin.id, text, certificates: files });
    expect((await problemOf(await send([]))).errors).toMatchObject([
      { pointer: '/text', rule: 'missing_key', detail: expect.stringContaining('The certificate "cloud.pem"') },
    ]);
    expect((await problemOf(await send([{ fileName: 'cloud.pem', text: 'PEM' }]))).errors).toMatchObject([
      { pointer: '/certificates/0/text', rule: 'certificate_format' },
    ]);
    const { items } = (await (await send([{ fileName: 'cloud.pem', text: certificate }])).json()) as {
      items: ExternalPeer[];
    };
    expect(items).toMatchObject([{ name: 'cloud', identity: CONTROLLER_SERVER_NAME, certificates: [certificate] }]);
  });
});

async function publish(): Promise<void> {
  const published = await api.send('POST', '/revisions', {});
  if (!published.ok) throw new Error(await published.text());
}

/** What an edge says of a tunnel that is up. */
function statusOf(tunnelId: string) {
  return {
    takenAt: new Date(1_000),
    tunnels: [
      {
        tunnelId,
        inboundSpis: [300],
        outboundSpi: 400,
        inboundPackets: 3n,
        inboundBytes: 300n,
        outboundPackets: 5n,
        outboundBytes: 500n,
        lastReceivedAt: new Date(900),
        ike: {
          established: true,
          keyExchangeMethods: [31],
          ppk: false,
          failure: '',
          rekeys: 2n,
          remote: { address: '203.0.113.99', port: 4501 },
          localBehindNat: false,
        },
      },
    ],
    securityPolicies: [],
    drops: [],
  };
}

/** PEM, as the API writes it. */
async function authorityPem(): Promise<string> {
  const { certificate } = await createRoot(new Date());
  return certificate.toString();
}

/** In the bundle that the edge runs. */
function pinnedOf({ bundle }: ScriptedEdge): readonly Uint8Array[] {
  const proof = bundle?.tunnels[0]?.externalPeer?.authentication;
  return proof?.$case === 'pinnedCertificates' ? proof.value.certificates : [];
}

/** Of the last bundle that was pushed. */
function keysOf({ received }: ScriptedEdge): readonly string[] {
  const push = received.findLast((message) => message.$case === 'bundlePush');
  if (push?.$case !== 'bundlePush') return [];
  return (push.value.bundle?.preSharedKeys ?? []).map(({ key }) => key.toString());
}
