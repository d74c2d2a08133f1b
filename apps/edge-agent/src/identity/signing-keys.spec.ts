import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { succession, type TestSigningKey, testSigningKey } from '../../test/support/test-signing-keys.js';
import { followSuccessions } from './signing-keys.js';

const [first, second, third, fourth] = [testSigningKey(), testSigningKey(), testSigningKey(), testSigningKey()];
const pinned = (...keys: TestSigningKey[]): ReadonlyMap<string, KeyObject> =>
  new Map(keys.map(({ signingKeyId, signingKey }) => [signingKeyId, createPublicKey(signingKey)]));
const ids = (keys: readonly { keyId: string }[] | undefined) => keys?.map(({ keyId }) => keyId);
const idOf = ({ signingKeyId }: TestSigningKey) => signingKeyId;
const ALL = [succession(first, second), succession(second, third), succession(third, fourth)];

describe('successions of the bundle-signing key', () => {
  it.each([
    [first, [first, second, third]],
    [second, [second, third]],
    [third, [third]],
  ])('lead from wherever an edge stands to the last', (from, retired) => {
    const followed = followSuccessions(pinned(from), ALL);
    expect(ids(followed?.pinned)).toEqual([idOf(fourth)]);
    expect(ids(followed?.retired)).toEqual(retired.map(idOf));
  });

  it('change nothing for an edge that has the last, or none of them', () => {
    expect(followSuccessions(pinned(fourth), ALL)).toBeUndefined();
    expect(followSuccessions(pinned(testSigningKey()), ALL)).toBeUndefined();
    expect(followSuccessions(pinned(first), [])).toBeUndefined();
  });

  it('leave other pinned keys alone', () => {
    const other = testSigningKey();
    expect(ids(followSuccessions(pinned(other, third), ALL)?.pinned)).toEqual([idOf(other), idOf(fourth)]);
  });

  it('are followed in order only: a key that is not pinned yet has no successor', () => {
    expect(ids(followSuccessions(pinned(first), ALL.toReversed())?.pinned)).toEqual([idOf(second)]);
  });

  it.each<[string, () => readonly unknown[]]>([
    ['another key signed', () => [{ ...ALL[0], signature: succession(third, second).signature }]],
    ['it names another key', () => [{ ...ALL[0], next: { ...ALL[1]?.next, keyId: idOf(second) } }]],
    ['its name is not its own', () => [{ ...ALL[0], next: { ...ALL[0]?.next, keyId: idOf(third) } }]],
    ['there is no key', () => [{ ...ALL[0], next: undefined }]],
    ['the signature is short', () => [{ ...ALL[0], signature: Buffer.alloc(63) }]],
    ['the key is long', () => [{ ...ALL[0], next: { keyId: '', publicKey: Buffer.alloc(65) } }]],
    ['there are too many', () => new Array(65).fill(ALL[1])],
  ])('are refused when %s', (_, make) => {
    expect(() => followSuccessions(pinned(first), make() as never)).toThrow(
      expect.objectContaining({ code: 'succession_refused' }),
    );
  });

  it('are refused when the successor is no Ed25519 key, though the one before has signed it', () => {
    const { publicKey } = generateKeyPairSync('x25519');
    const signingPublicKey = publicKey.export({ type: 'spki', format: 'der' });
    const odd = { ...testSigningKey(), signingPublicKey };
    const made = succession(first, odd);
    const named = {
      ...made,
      next: { keyId: createHash('sha256').update(signingPublicKey).digest('hex'), publicKey: signingPublicKey },
    };
    expect(() => followSuccessions(pinned(first), [named])).toThrow('is no Ed25519 key');
  });
});
