import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import type { EnrollRequest } from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signBundle, testBundle } from '../../test/support/test-bundle.js';
import { enrollResponse, serveEnrollment, type TestServer } from '../../test/support/test-controller.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { BundleStore } from '../control/bundle-store.js';
import { loadIdentity, loadPendingIdentity } from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { enrollEdge } from './enroll.js';

let pki: TestPki;
let directory: string;
let controller: TestServer;
/** What the controller was sent. */
let seen: EnrollRequest[];
let refuse: boolean;

beforeAll(async () => {
  pki = await TestPki.create();
});
beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'weft-enroll-spec-')), 'state');
  seen = [];
  refuse = false;
  controller = await serveEnrollment(await pki.server(), pki.root, (call, answer) => {
    seen.push(call.request);
    if (refuse) answer({ code: status.UNAUTHENTICATED, details: 'token: was used already; make a new one' });
    else enrollResponse(pki, call.request.certificateSigningRequest).then((response) => answer(null, response), answer);
  });
});
afterEach(async () => {
  controller.close();
  await rm(path.dirname(directory), { recursive: true, force: true });
});

const enroll = (token = pki.token()) =>
  enrollEdge({ controller: `127.0.0.1:${controller.address.port}`, token, stateDir: directory, mark: 0x7765 });
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
      enrollEdge({ controller: '127.0.0.1:1', token: pki.token(), mark: 0x7765, stateDir: '/dev/null/state' }),
    ).rejects.toMatchObject({ code: 'state_unwritable' });
    await expect(
      enrollEdge({ controller: 'controller', token: pki.token(), mark: 0x7765, stateDir: directory }),
    ).rejects.toMatchObject({ code: 'address_malformed' });
    await expect(enroll('weft1.short')).rejects.toMatchObject({ code: 'token_malformed' });
    expect(seen).toEqual([]);
  });
});
