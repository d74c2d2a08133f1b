import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import type { EnrollRequest, ProtectedNetworks } from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../test/support/machine.js';
import { signBundle, testBundle } from '../../test/support/test-bundle.js';
import { enrollResponse, serveEnrollment, type TestServer } from '../../test/support/test-controller.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { BundleStore } from '../control/bundle-store.js';
import { loadIdentity, loadPendingIdentity } from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { type EnrollOptions, enrollEdge } from './enroll.js';

let pki: TestPki;
let directory: string;
let controller: TestServer;
/** What the controller was sent. */
let seen: EnrollRequest[];
let refuse: boolean;
let machine: Machine;
/** What it says that the edge will protect. */
let protectedNetworks: ProtectedNetworks | undefined;

beforeAll(async () => {
  pki = await TestPki.create();
});
beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'weft-enroll-spec-')), 'state');
  seen = [];
  refuse = false;
  machine = new Machine();
  protectedNetworks = undefined;
  controller = await serveEnrollment(await pki.server(), pki.root, (call, answer) => {
    seen.push(call.request);
    if (refuse) answer({ code: status.UNAUTHENTICATED, details: 'token: was used already; make a new one' });
    else
      enrollResponse(pki, call.request.certificateSigningRequest).then(
        (response) => answer(null, { ...response, protectedNetworks }),
        answer,
      );
  });
});
afterEach(async () => {
  controller.close();
  await rm(path.dirname(directory), { recursive: true, force: true });
});

const enroll = (token = pki.token(), changes: Partial<EnrollOptions> = {}) =>
  enrollEdge({ ...options(), controller: `127.0.0.1:${controller.address.port}`, token, ...changes });
const options = () => ({
  stateDir: directory,
  stateKey: `${directory}.key`,
  mark: 0x7765,
  protectedNetworks: [],
  network: undefined,
});
const openStore = async () =>
  new BundleStore(await StateDirectory.open(directory), await StateKey.open(`${directory}.key`));
const identityFile = () => readFile(path.join(directory, 'identity.json'), 'utf8');

describe('weft-edge enroll', () => {
  it('makes the private key here, keeps it in a file for its owner alone, and sends the request for it only', async () => {
    const said = await enroll();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory))
      expect((await stat(path.join(directory, name))).mode & 0o777).toBe(0o600);
    const { privateKeyPem, certificateChain } = JSON.parse(await identityFile());
    const key = createPrivateKey(privateKeyPem);
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(new X509Certificate(certificateChain[0]).checkPrivateKey(key)).toBe(true);
    const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
    const sent = Buffer.concat(seen.map(({ certificateSigningRequest }) => certificateSigningRequest));
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.includes(scalar)).toBe(false);
    expect(said).toContain(`enrolled as edge berlin (${EDGE_ID}) of tenant ${TENANT_ID}`);
    expect(said).toContain(`weft-edge run --state-dir ${directory}`);
    expect(said).not.toContain(privateKeyPem.split('\n')[1]);
  });

  it('keeps the identity in use and what it was told, beside the new one that has another key', async () => {
    await enroll();
    const before = await identityFile();
    const store = await openStore();
    await store.keep(signBundle(pki, testBundle()));
    await store.raiseEpoch(7n);
    expect(await enroll()).toMatch(
      /^takes the place of edge berlin .* when the agent has reached .*: restart the agent$/m,
    );
    expect(await identityFile()).toBe(before);
    expect(await store.lastKnownGood()).toBeDefined();
    expect(await store.highestEpoch()).toBe(7n);
    const pending = await loadPendingIdentity(await StateDirectory.open(directory));
    expect(pending?.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(pending?.privateKeyPem).not.toBe(JSON.parse(before).privateKeyPem);
    for (const name of await readdir(directory))
      expect((await stat(path.join(directory, name))).mode & 0o777).toBe(0o600);
  });

  it('brings an identity into use at once where there is none, and leaves nothing beside it', async () => {
    await enroll();
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('says so when it replaces an identity that cannot be used', async () => {
    await enroll();
    await writeFile(path.join(directory, 'identity.json'), '{');
    expect(await enroll()).toMatch(/^replaced an identity that was of no use: .*identity\.json cannot be used/m);
    expect((await loadIdentity(await StateDirectory.open(directory))).edgeId).toBe(EDGE_ID);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('leaves everything as it was when the controller refuses', async () => {
    await enroll();
    const store = await openStore();
    await store.keep(signBundle(pki, testBundle()));
    const before = await identityFile();
    refuse = true;
    await expect(enroll()).rejects.toMatchObject({
      code: 'token_refused',
      message: expect.stringContaining('was used already'),
      fix: expect.stringContaining('make a new enrollment token'),
    });
    expect(await identityFile()).toBe(before);
    expect(await store.lastKnownGood()).toBeDefined();
    expect((await loadIdentity(await StateDirectory.open(directory))).edgeId).toBe(EDGE_ID);
  });

  it('has a place to keep the identity before it spends the token', async () => {
    await expect(
      enrollEdge({ ...options(), controller: '127.0.0.1:1', token: pki.token(), stateDir: '/dev/null/state' }),
    ).rejects.toMatchObject({ code: 'state_unwritable' });
    await expect(enrollEdge({ ...options(), controller: 'controller', token: pki.token() })).rejects.toMatchObject({
      code: 'address_malformed',
    });
    await expect(enroll('weft1.short')).rejects.toMatchObject({ code: 'token_malformed' });
    expect(seen).toEqual([]);
  });

  it('closes what the controller names before it says that the edge is enrolled, and keeps it for the next start', async () => {
    const { network, unreachable, rules } = machine;
    protectedNetworks = { routes: ['10.2.0.0/16', '2001:db8:2::/48'], localNetworks: ['10.1.0.0/16'] };
    expect(await enroll(pki.token(), { network })).toMatch(
      /^closed: traffic of 2 networks waits for the first policy$/m,
    );
    expect([...unreachable]).toEqual(protectedNetworks.routes);
    expect([...rules]).toEqual([4, 6]);
    expect(machine.fence).toHaveLength(3);
    expect((await readdir(directory)).sort()).toEqual([
      'controller-addresses.json',
      'identity.json',
      'protected-networks.sealed',
    ]);
  });

  it('closes what the settings name before anything else, and leaves it closed when the controller refuses', async () => {
    refuse = true;
    const named = { network: machine.network, protectedNetworks: ['10.3.0.0/16'] };
    await expect(enroll(pki.token(), named)).rejects.toMatchObject({ code: 'token_refused' });
    expect([...machine.unreachable]).toEqual(['10.3.0.0/16']);
  });

  it('spends no token where the packet filter cannot be had', async () => {
    const network = { ...machine.network, buildFence: () => Promise.reject(new Error('nft is not there')) };
    await expect(enroll(pki.token(), { network, protectedNetworks: ['10.3.0.0/16'] })).rejects.toThrow(
      'nft is not there',
    );
    expect(seen).toEqual([]);
  });

  it('spends no token where what it buys cannot be sealed', async () => {
    await expect(enroll(pki.token(), { stateKey: '/dev/null/key' })).rejects.toMatchObject({
      code: 'state_key_unusable',
    });
    expect(seen).toEqual([]);
  });

  it('says that it is enrolled and open when what the controller names cannot be closed', async () => {
    const network = { ...machine.network, buildFence: () => Promise.reject(new Error('nft is not there')) };
    protectedNetworks = { routes: ['10.2.0.0/16'], localNetworks: [] };
    await expect(enroll(pki.token(), { network })).rejects.toMatchObject({
      code: 'not_closed',
      message: expect.stringMatching(/the edge is enrolled, but nothing is closed: nft is not there/),
    });
    expect((await readdir(directory)).sort()).toContain('protected-networks.sealed');
    expect((await loadIdentity(await StateDirectory.open(directory))).edgeId).toBe(EDGE_ID);
  });

  it('leaves the fence of a bundle as it is', async () => {
    await enroll();
    await (await openStore()).keep(signBundle(pki, testBundle()));
    protectedNetworks = { routes: ['10.2.0.0/16'], localNetworks: [] };
    expect(await enroll(pki.token(), { network: machine.network })).toMatch(/the fence of the last bundle stays/);
    expect(machine.fence).toBeUndefined();
  });

  it('says when the place of the controller cannot be remembered, and enrolls', async () => {
    await mkdir(path.join(directory, 'controller-addresses.json'), { recursive: true, mode: 0o700 });
    const said = await enroll(pki.token(), { network: machine.network });
    expect(said).toMatch(/enrolled as edge/);
    expect(said.match(/could not be remembered \(.+\)/g)).toHaveLength(1);
  });

  it('says that nothing is closed where it may not', async () => {
    protectedNetworks = { routes: ['10.2.0.0/16'], localNetworks: [] };
    expect(await enroll()).toMatch(/^nothing is closed yet: this takes CAP_NET_ADMIN/m);
  });
});
