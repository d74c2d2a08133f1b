import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { SigningKeySuccession } from '@weft/contracts/southbound';

/** A key that signs bundles, as `signBundle` takes it. */
export interface TestSigningKey {
  readonly signingKey: KeyObject;
  readonly signingPublicKey: Buffer;
  readonly signingKeyId: string;
}

export function testSigningKey(): TestSigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signingPublicKey = publicKey.export({ type: 'spki', format: 'der' });
  const signingKeyId = createHash('sha256').update(signingPublicKey).digest('hex');
  return { signingKey: privateKey, signingPublicKey, signingKeyId };
}

/** What the contract says that the key before signs. */
export function succession(previous: TestSigningKey, next: TestSigningKey): SigningKeySuccession {
  const context = Buffer.from('weft signing key succession v1\0', 'ascii');
  const octets = Buffer.concat([context, Buffer.from(previous.signingKeyId, 'ascii'), next.signingPublicKey]);
  return {
    previousKeyId: previous.signingKeyId,
    next: { keyId: next.signingKeyId, publicKey: next.signingPublicKey },
    signature: sign(null, octets, previous.signingKey),
  };
}
