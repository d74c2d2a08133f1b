import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExternalPeerSnippet } from '@weft/contracts/rest';
import { TestCredential } from '@weft/edge-agent/test-authority';
import { answerOf, edgeCommand, type Lab, publish, siteNamed, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { installations } from '../interop/installations.js';
import { LabStrongswan } from './support/lab-strongswan.js';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * strongSwan, configured by nothing but the snippet that the API gives for it and the key, is a peer of the edge of berlin. It stands
 * where the controller does, since that has an address on the internet of the lab and no edge:
 *
 *   10.1.0.10 [ host ] --- [ edge of berlin ] ~~~ internet ~~~ [ strongSwan ] 10.8.0.1, 10.9.0.1
 *   10.2.0.10 [ host ] --- [ edge of paris ] ~~~~~~'
 */
const [strongswan] = installations();
const reason =
  whyNoLab() ??
  (process.getuid?.() !== 0 ? 'needs root: strongSwan does not run in a user namespace' : undefined) ??
  (strongswan === undefined ? 'needs strongSwan: npm test unpacks it on Debian and Ubuntu' : undefined);

const KEY = 'correct horse battery staple';
const BEHIND = ['10.8.0.1', '10.9.0.1'];

let lab: Lab;
let gateway: LabStrongswan;
let snippet: ExternalPeerSnippet;
const directory = mkdtempSync(path.join(tmpdir(), 'weft-external-peer-'));

beforeAll(async () => {
  if (reason !== undefined || strongswan === undefined) return;
  lab = await startLab({ port: 0 });
  snippet = await describePeer();
  for (const address of BEHIND) {
    const added = await lab.execute(lab.topology.controllerNamespace, 'ip', [
      'address',
      'add',
      `${address}/32`,
      'dev',
      'lo',
    ]);
    expect(added).toMatchObject({ code: 0 });
  }
  gateway = new LabStrongswan(lab, strongswan, directory);
  gateway.configure(snippet, KEY);
  await gateway.start();
  await publish(lab.api, 'A partner');
  // Until then no edge knows that these prefixes are protected, and what a host sends there goes where it went before.
  await lab.waitForFabric();
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
  rmSync(directory, { recursive: true });
});

it('carries traffic between a host behind our edge and both networks behind the peer, each as the one that begins', async () => {
  const { hostNamespace } = siteNamed(lab.topology, 'berlin');
  for (const address of BEHIND) await untilAnswered(hostNamespace, [address]);
  for (const address of BEHIND) await untilAnswered(lab.topology.controllerNamespace, ['-I', address, '10.1.0.10']);
  const sas = await gateway.swanctl('--list-sas');
  expect(sas).toMatch(/AES_GCM_16-256\/PRF_HMAC_SHA2_384\/CURVE_25519/);
  expect(sas).toMatch(/INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256/);
});

it('is reached from a site that has no tunnel with it through the one that has, and reaches it', async () => {
  const { hostNamespace } = siteNamed(lab.topology, 'paris');
  for (const address of BEHIND) {
    await untilAnswered(hostNamespace, [address]);
    await untilAnswered(lab.topology.controllerNamespace, ['-I', address, '10.2.0.10']);
  }
});

it('has its tunnel in the list of all, with what was agreed on and what passes', async () => {
  const found = (await lab.api.tunnels()).filter(({ externalPeer }) => externalPeer !== null);
  expect(found).toMatchObject([
    {
      state: 'up',
      reason: null,
      keyExchange: { methods: ['X25519'], ppk: false, postQuantum: false },
      externalPeer: { name: 'Partner', address: lab.topology.controllerUplink.address, port: 4500 },
      edges: [{ siteName: 'berlin', inboundSpi: expect.any(Number), outboundSpi: expect.any(Number) }],
    },
  ]);
  // Reports come at intervals; what the hosts have sent is in one of the next.
  await waitUntil('the packets are counted', TRAFFIC_TIMEOUT_MILLISECONDS, async () => {
    const end = (await lab.api.tunnels()).find(({ externalPeer }) => externalPeer !== null)?.edges[0];
    const counted = (end?.inbound.packets ?? 0) > 0 && (end?.outbound.packets ?? 0) > 0 && end?.lastReceivedAt !== null;
    return counted ? { value: undefined } : { problem: JSON.stringify(end) };
  });
});

it('is not told to whoever asks for it, or for what the edge has in common with it', async () => {
  const { client, tenantId } = lab.api;
  const answer = await client.GET('/api/v1/tenants/{tenantId}/external-peers', { params: { path: { tenantId } } });
  const { stdout } = await lab.execute(...edgeCommand(siteNamed(lab.topology, 'berlin'), 'ike'));
  for (const text of [JSON.stringify(answerOf(answer, 'List the peers')), snippet.text, stdout]) {
    expect(text).not.toContain(KEY);
  }
});

it('is known by key IDs as well, when both ends are called so', async () => {
  await becomes({ identity: 'keyid:Gateway-7', localIdentity: 'keyid:#00ff22' });
  const { hostNamespace } = siteNamed(lab.topology, 'berlin');
  for (const address of BEHIND) await untilAnswered(hostNamespace, [address]);
  expect(await gateway.swanctl('--list-sas')).toContain("local  'Gateway-7'");
});

it('proves itself with a certificate from a pinned authority that names it, and believes the one of our edge', async () => {
  const authority = await TestCredential.root('CN=Partner CA');
  const names = [{ type: 'dns' as const, value: 'gw.partner.example' }];
  const credential = await authority.issue('CN=gateway', { names });
  gateway.write('x509/gateway.pem', credential.pem);
  gateway.write('private/gateway.pem', credential.privateKeyPem);
  await becomes({ identity: 'gw.partner.example', certificates: [authority.pem] });
  const { hostNamespace } = siteNamed(lab.topology, 'berlin');
  for (const address of BEHIND) await untilAnswered(hostNamespace, [address]);
  const edgeId = lab.fabric.edgeIds.get('berlin') ?? '';
  const sas = await gateway.swanctl('--list-sas');
  expect(sas).toContain("local  'gw.partner.example'");
  expect(sas).toContain(`remote 'CN=${edgeId}'`);
});

it('believes our edge with our revocation list at hand, and no more once that says so', async () => {
  const { client, tenantId } = lab.api;
  const empty = await takeRevocationList();
  await connectAnew(true);
  const edgeId = lab.fabric.edgeIds.get('berlin') ?? '';
  const revoked = await client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/revocation', {
    params: { path: { tenantId, edgeId } },
    body: { reason: 'The machine was stolen.' },
  });
  answerOf(revoked, 'Revoke the edge of berlin');
  await takeRevocationList(empty);
  await connectAnew(false);
  expect(gateway.log()).toMatch(/certificate was revoked/);
});

it('leaves nothing in the clear', async () => {
  expect(await lab.captureCounts()).toMatchObject({ cleartextPackets: 0 });
});

/** The peer and a rule about it, in the draft; what its operator is to configure. */
async function describePeer(): Promise<ExternalPeerSnippet> {
  const { client, tenantId } = lab.api;
  const siteId = lab.fabric.siteIds.get('berlin') ?? '';
  const params = { path: { tenantId } };
  const body = {
    name: 'Partner',
    description: '',
    siteId,
    address: lab.topology.controllerUplink.address,
    port: 4500,
    identity: 'gw.partner.example',
    localIdentity: 'berlin.example',
    prefixes: ['10.8.0.0/24', '10.9.0.0/16'],
    preSharedKey: KEY,
  };
  const made = await client.POST('/api/v1/tenants/{tenantId}/external-peers', { params, body: body as never });
  const { id } = answerOf(made, 'Describe the peer');
  const paris = lab.fabric.siteIds.get('paris') ?? '';
  // Without ports it is one rule for both directions; a second one would decide nothing, which the proof refuses.
  const rules = [
    {
      name: 'the partner',
      action: 'PROTECT' as const,
      enabled: true,
      sources: [siteId, paris].map((site) => ({ kind: 'site' as const, siteId: site })),
      destinations: [{ kind: 'external_peer' as const, externalPeerId: id }],
      services: [{ protocol: 'any' as const, ports: [] }],
    },
  ];
  const policy = { name: 'partner', description: '', enabled: true, rules };
  answerOf(await client.POST('/api/v1/tenants/{tenantId}/policies', { params, body: policy }), 'Allow the partner');
  const shown = await client.GET('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}/snippet', {
    params: { path: { tenantId, externalPeerId: id } },
  });
  return answerOf(shown, 'Read the snippet');
}

/** Both ends are told of a changed peer, the gateway first; resolves when they have an IKE SA by it. */
async function becomes(change: {
  readonly identity: string;
  readonly localIdentity?: string;
  readonly certificates?: string[];
}): Promise<void> {
  const { client, tenantId } = lab.api;
  const params = { path: { tenantId } };
  const list = await client.GET('/api/v1/tenants/{tenantId}/external-peers', { params });
  const [peer] = answerOf(list, 'List the peers').items;
  if (peer === undefined) throw new Error('the tenant has an external peer');
  const {
    id,
    version,
    preSharedKey: _,
    createdAt: _made,
    updatedAt: _changed,
    localIdentity: _ours,
    ...described
  } = peer;
  const path = { tenantId, externalPeerId: id };
  const replaced = await client.PUT('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}', {
    params: { path, header: { 'If-Match': `"${version}"` } },
    body: { ...described, ...change },
  });
  answerOf(replaced, 'Change the peer');
  const shown = await client.GET('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}/snippet', {
    params: { path },
  });
  gateway.configure(answerOf(shown, 'Read the snippet'), KEY);
  const before = await ikeSas();
  expect(await gateway.execute('--load-all')).toMatchObject({ code: 0 });
  await publish(lab.api, 'Called otherwise');
  await waitUntil('another IKE SA', TRAFFIC_TIMEOUT_MILLISECONDS, async () => {
    const now = await ikeSas();
    return now.some((sa) => !before.includes(sa)) ? { value: undefined } : { problem: now.join() };
  });
}

/** The list that anybody can fetch, in place of the one that strongSwan had; resolves with it when it is another than `before`. */
async function takeRevocationList(before: Uint8Array = Buffer.alloc(0)): Promise<Uint8Array> {
  const list = await waitUntil('another revocation list', TRAFFIC_TIMEOUT_MILLISECONDS, async () => {
    const answer = await lab.api.client.GET('/certificate-revocation-list.crl', { parseAs: 'arrayBuffer' });
    const found = Buffer.from(answerOf(answer, 'Fetch the revocation list') as unknown as ArrayBuffer);
    return found.equals(before) ? { problem: 'it is made once a minute at most' } : { value: found };
  });
  gateway.write('x509crl/weft.crl', list);
  expect(await gateway.execute('--load-creds', '--clear')).toMatchObject({ code: 0 });
  expect(await gateway.execute('--flush-certs')).toMatchObject({ code: 0 });
  return list;
}

/** The IKE SA is deleted, and the edge calls again; `believed`: whether it is to have another one then. */
async function connectAnew(believed: boolean): Promise<void> {
  const before = await ikeSas();
  const refusals = () => gateway.log().match(/certificate was revoked/g)?.length ?? 0;
  const refusedBefore = refusals();
  expect(await gateway.execute('--terminate', '--ike', 'weft-partner')).toMatchObject({ code: 0 });
  await waitUntil('the edge calls again', TRAFFIC_TIMEOUT_MILLISECONDS, async () => {
    const another = (await ikeSas()).filter((sa) => !before.includes(sa));
    const happened = believed ? another.length > 0 : refusals() > refusedBefore;
    return happened ? { value: undefined } : { problem: `${another.length} other IKE SAs` };
  });
  if (!believed) expect(await ikeSas()).toEqual([]);
}

/** By their unique numbers, those that are established. */
async function ikeSas(): Promise<readonly string[]> {
  return [...(await gateway.swanctl('--list-sas')).matchAll(/^\S+: (#\d+), ESTABLISHED/gm)].map(
    ([, number = '']) => number,
  );
}

async function untilAnswered(namespace: string, target: readonly string[]): Promise<void> {
  await waitUntil(`${target.join(' ')} answers`, TRAFFIC_TIMEOUT_MILLISECONDS, async () => {
    const { code, stdout } = await lab.execute(namespace, 'ping', ['-n', '-c', '1', '-W', '2', ...target]);
    return code === 0 ? { value: undefined } : { problem: stdout };
  });
}

/** An edge tries again after a pause that grows to a minute. */
const TRAFFIC_TIMEOUT_MILLISECONDS = 120_000;
