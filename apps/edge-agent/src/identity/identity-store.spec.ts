import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestPki } from '../../test/support/test-pki.js';
import { StateDirectory } from '../platform/state-directory.js';
import type { Identity } from './identity.js';
import { loadIdentity, storeIdentity } from './identity-store.js';

let pki: TestPki;
let foreign: TestPki;
let mine: Identity;
let theirs: Identity;
beforeAll(async () => {
  [pki, foreign] = await Promise.all([TestPki.create(), TestPki.create()]);
  [mine, theirs] = await Promise.all([pki.identity('controller:8443'), foreign.identity('controller:8443')]);
});

let directory: string;
let state: StateDirectory;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-identity-spec-'));
  state = await StateDirectory.open(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** An identity as it is written. */
function stored({
  bundleSigningKeys,
  retiredSigningKeys: _,
  trustVersion: ____,
  underIssuingRoot: _____,
  serialNumber: ______,
  session,
  notBefore: __,
  notAfter: ___,
  ...rest
}: Identity) {
  return {
    version: 1 as const,
    ...rest,
    certificateChain: [...rest.certificateChain],
    trustBundle: [...rest.trustBundle],
    bundleSigningKeys: [...bundleSigningKeys].map(([keyId, key]) => ({
      keyId,
      publicKey: key.export({ type: 'spki', format: 'der' }).toString('base64'),
    })),
    sessionAddress: `${session.host}:${session.port}`,
  };
}

describe('the stored identity', () => {
  it('comes back as it was', async () => {
    await storeIdentity(state, stored(mine));
    expect(stored(await loadIdentity(state))).toEqual(stored(mine));
  });

  it('that is missing says what to do', async () => {
    await expect(loadIdentity(state)).rejects.toMatchObject({
      code: 'not_enrolled',
      fix: expect.stringContaining('weft-edge enroll'),
    });
  });

  it.each<[string, (good: ReturnType<typeof stored>) => unknown, string]>([
    ['cut short', (good) => JSON.stringify(good).slice(0, -20), 'it is not JSON'],
    ['with an unknown field', (good) => ({ ...good, colour: 'red' }), 'colour'],
    ['of another version', (good) => ({ ...good, version: 2 }), 'version'],
    ['without a field', ({ edgeName: _, ...rest }) => rest, 'edgeName'],
    ['with the key of another', (good) => ({ ...good, privateKeyPem: stored(theirs).privateKeyPem }), 'another key'],
    ['with no key', (good) => ({ ...good, privateKeyPem: 'secret' }), 'private_key: is not a PKCS #8 key'],
    ['with no certificate', (good) => ({ ...good, certificateChain: ['x'] }), 'certificate_chain[0]: is not an X.509'],
    ['for another edge', (good) => ({ ...good, edgeId: good.tenantId }), 'certificate_chain[0]: does not carry'],
    [
      'with a foreign root',
      (good) => ({ ...good, trustBundle: stored(theirs).trustBundle }),
      'trust_bundle: holds no root',
    ],
    [
      'with a signing key under another name',
      (good) => ({
        ...good,
        bundleSigningKeys: good.bundleSigningKeys.map((key) => ({ ...key, keyId: '0'.repeat(64) })),
      }),
      'bundle_signing_keys[0].key_id: is not the SHA-256',
    ],
    ['with no address', (good) => ({ ...good, sessionAddress: 'controller' }), 'session_address: is not of the form'],
  ])('%s is refused by the name of the field, and never quoted', async (_, damage, reason) => {
    const content = damage(stored(mine));
    await writeFile(
      path.join(directory, 'identity.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
    const error: Error = await loadIdentity(state).then(
      () => expect.fail('it was accepted'),
      (refusal) => refusal,
    );
    expect(error).toMatchObject({ code: 'identity_damaged', message: expect.stringContaining(reason) });
    expect(error.message).not.toContain(mine.privateKeyPem.split('\n')[1]);
    expect(error.message).not.toContain('secret');
  });
});
