import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CrashingFiles } from '../../test/support/crashing-files.js';
import { EDGE_ID, TestPki } from '../../test/support/test-pki.js';
import { succession, testSigningKey } from '../../test/support/test-signing-keys.js';
import { KERNEL_FILES } from '../platform/durable-files.js';
import { StateDirectory } from '../platform/state-directory.js';
import { CurrentIdentity, type RenewedCertificate } from './current-identity.js';
import type { StoredIdentity } from './identity.js';
import { loadStoredIdentity, storeIdentity } from './identity-store.js';

let pki: TestPki;
let old: StoredIdentity;
let renewed: RenewedCertificate;
beforeAll(async () => {
  pki = await TestPki.create();
  old = await pki.storedIdentity('controller:8443');
  renewed = await pki.storedIdentity('controller:8443');
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-current-identity-'));
  await storeIdentity(await StateDirectory.open(directory), old);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const pairOf = ({ privateKeyPem, certificateChain }: RenewedCertificate) => ({ privateKeyPem, certificateChain });

describe('the identity of an agent that runs', () => {
  it('has the new key and certificate once they are stored, for its owner alone, and says so', async () => {
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    const told: string[] = [];
    identity.onChange((value) => told.push(value.privateKeyPem));
    await identity.renew(renewed);
    expect(told).toEqual([renewed.privateKeyPem]);
    expect(pairOf(identity.value)).toEqual(pairOf(renewed));
    expect(await loadStoredIdentity(state)).toEqual({ ...old, ...pairOf(renewed) });
    expect((await stat(state.file('identity.json'))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => Promise<RenewedCertificate>, string]>([
    ['a certificate of another key', async () => ({ ...renewed, privateKeyPem: old.privateKeyPem }), 'another key'],
    ['one of another edge', () => pki.storedIdentity('c:1', EDGE_ID.replaceAll('2', '3')), 'does not carry'],
    [
      'one of another authority',
      async () => (await TestPki.create()).storedIdentity('c:1'),
      'holds no root that issued',
    ],
    ['no certificate', async () => ({ ...renewed, certificateChain: [] }), 'certificateChain'],
  ])('does not take %s, and stays as it was', async (_, make, reason) => {
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    await expect(identity.renew(await make())).rejects.toThrow(reason);
    expect(pairOf(identity.value)).toEqual(pairOf(old));
    expect(await loadStoredIdentity(state)).toEqual(old);
  });

  it('never takes the place of one that the machine was enrolled with meanwhile, and says what to do', async () => {
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    const anew = await pki.storedIdentity('controller:8443');
    await storeIdentity(state, anew);
    await expect(identity.renew(renewed)).rejects.toMatchObject({
      code: 'identity_replaced',
      fix: expect.stringContaining('restart'),
    });
    expect(await loadStoredIdentity(state)).toEqual(anew);
  });

  it('loses no change to another that is made at the same time', async () => {
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    const next = testSigningKey();
    const changes = [identity.renew(pairOf(renewed)), identity.followSigningKeys([succession(pki, next)])];
    expect((await Promise.all(changes))[1]).toBe(true);
    const stored = await loadStoredIdentity(state);
    expect(pairOf(stored)).toEqual(pairOf(renewed));
    expect(stored.bundleSigningKeys.map(({ keyId }) => keyId)).toEqual([next.signingKeyId]);
  });

  it('believes whom the controller says from now on, and nobody that is older news', async () => {
    const next = await TestPki.create();
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    expect([identity.value.trustVersion, identity.value.underIssuingRoot]).toEqual([0, true]);
    const told: number[] = [];
    identity.onChange(({ trustVersion }) => told.push(trustVersion));
    expect(await identity.followTrust(pki.trust(3, next, pki))).toBe(true);
    expect(identity.value.trustBundle).toEqual([next.root.pem, pki.root.pem]);
    expect([identity.value.trustVersion, identity.value.underIssuingRoot]).toEqual([3, false]);
    expect(await identity.followTrust(pki.trust(3, next, pki))).toBe(false);
    expect(await identity.followTrust(pki.trust(2, pki))).toBe(false);
    await expect(identity.followTrust(next.trust(4, next, pki))).rejects.toThrow('not pinned');
    expect(await loadStoredIdentity(state)).toEqual({
      ...old,
      trustBundle: [next.root.pem, pki.root.pem],
      trustVersion: 3,
    });
    expect(told).toEqual([3]);
  });

  it('does not leave its own certificate under nobody', async () => {
    const next = await TestPki.create();
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    await expect(identity.followTrust(pki.trust(2, next))).rejects.toMatchObject({ field: 'trust_bundle' });
    expect(await loadStoredIdentity(state)).toEqual(old);
  });

  it('takes a certificate and whom to believe with it in one step', async () => {
    const next = await TestPki.create();
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    const pair = pairOf(await next.storedIdentity('c:1'));
    await expect(identity.renew(pair)).rejects.toThrow('holds no root that issued');
    await identity.renew({ ...pair, trust: pki.trust(2, next, pki) });
    expect([identity.value.trustVersion, identity.value.underIssuingRoot]).toEqual([2, true]);
    // What comes late is no news, and takes nothing away.
    await identity.renew({ ...pairOf(await next.storedIdentity('c:1')), trust: pki.trust(1, pki) });
    expect(identity.value.trustBundle).toEqual([next.root.pem, pki.root.pem]);
    await identity.followTrust(pki.trust(3, next));
    expect((await loadStoredIdentity(state)).trustBundle).toEqual([next.root.pem]);
  });

  it('keeps whom to believe when it is renewed at the same time', async () => {
    const next = await TestPki.create();
    const state = await StateDirectory.open(directory);
    const identity = await CurrentIdentity.open(state);
    await Promise.all([identity.renew(pairOf(renewed)), identity.followTrust(pki.trust(2, next, pki))]);
    expect(await loadStoredIdentity(state)).toEqual({
      ...old,
      ...pairOf(renewed),
      trustBundle: [next.root.pem, pki.root.pem],
      trustVersion: 2,
    });
  });

  it('is on the disk the old pair or the new one whenever power fails, and the new one once that was said', async () => {
    const file = path.join(directory, 'identity.json');
    const before = (await (await StateDirectory.open(directory)).read('identity.json'))!;
    const found = new Set<string>();
    for (let steps = 0; ; steps++) {
      const files = new CrashingFiles(new Map([[file, before]]), steps);
      const identity = await CurrentIdentity.open(await StateDirectory.open(directory, files));
      const done = await identity.renew(renewed).then(
        () => true,
        () => false,
      );
      const after = new Set(files.outages().map((outage) => outage.get(file)!.toString()));
      for (const content of after) found.add(content);
      expect(pairOf(identity.value)).toEqual(pairOf(done ? renewed : old));
      if (!done) continue;
      expect(after.size).toBe(1);
      break;
    }
    // What a restart finds: both occur, and nothing else does.
    const pairs = [];
    for (const content of found) {
      const state = await StateDirectory.open(directory, KERNEL_FILES);
      await state.write('identity.json', Buffer.from(content));
      pairs.push(pairOf(await loadStoredIdentity(state)).privateKeyPem);
    }
    expect(pairs.sort()).toEqual([old.privateKeyPem, renewed.privateKeyPem].sort());
  });
});
